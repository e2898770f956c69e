package report

import (
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A File contains the orders of an order file that exists now. Journals may contain older versions.
type File struct {
	Path   string
	Orders []*order.Order
	Zone   *time.Location
}

type fields struct {
	*order.Order
	path    string
	zone    *time.Location
	present bool
}

type request struct {
	node    *Node
	version journal.Version
	ids     map[string]bool
}

func readFields(files []File, nodes []*Node) map[string]*fields {
	out := map[string]*fields{}
	for i := range files {
		f := &files[i]
		for _, o := range f.Orders {
			out[o.ID] = &fields{o, f.Path, f.Zone, true}
		}
	}
	for round := 0; round < 3; round++ {
		var requests []*request
		index := map[string]*request{}
		for _, n := range nodes {
			for id, o := range n.orders {
				if out[id] != nil {
					continue
				}
				versions := n.versions(o)
				if round >= len(versions) {
					continue
				}
				v := versions[round]
				key := n.Key + " " + v.SHA256
				if index[key] == nil {
					index[key] = &request{n, v, map[string]bool{}}
					requests = append(requests, index[key])
				}
				index[key].ids[id] = true
			}
		}
		for _, r := range requests {
			r.read(out)
		}
	}
	return out
}

func (r *request) read(out map[string]*fields) {
	var found []*order.Order
	file, problems := evidence.ParseVersion(r.node.Dir, r.version, func(o *order.Order) {
		if r.ids[o.ID] && out[o.ID] == nil {
			own := *o
			own.Targets = slices.Clone(o.Targets)
			found = append(found, &own)
		}
	})
	if len(problems.Errors()) > 0 {
		return
	}
	zone, err := time.LoadLocation(file.Timezone)
	if err != nil {
		zone = time.UTC // cannot happen, because the parser checks the time zone
	}
	for _, o := range found {
		out[o.ID] = &fields{o, r.version.File, zone, false}
	}
}

// Data is everything that a report is made from.
type Data struct {
	Nodes []*Node
	// Zone is the time zone of all order files. If the zones differ, Zone is UTC.
	Zone *time.Location
	// Files reports whether there are present order files.
	Files bool

	fields map[string]*fields
}

// Load reads the texts of the orders. Two nodes with the same journal are an error.
func Load(files []File, nodes []*Node) (*Data, error) {
	if err := nameNodes(nodes); err != nil {
		return nil, err
	}
	d := &Data{Nodes: nodes, Files: len(files) > 0, fields: readFields(files, nodes)}
	several := false
	add := func(z *time.Location) {
		if d.Zone == nil {
			d.Zone = z
		}
		several = several || z.String() != d.Zone.String()
	}
	for _, f := range files {
		add(f.Zone)
	}
	if len(files) == 0 {
		for _, f := range d.fields {
			add(f.zone)
		}
	}
	if d.Zone == nil || several {
		d.Zone = time.UTC
	}
	return d, nil
}

// A removed order stays sealed if one old version or record was sealed.
func (d *Data) sealed(id string, disclosure func(id string) order.Disclosure) bool {
	f := d.fields[id]
	if f != nil && f.present {
		return disclosure(id).Sealed()
	}
	if f != nil && f.Disclosure.Sealed() {
		return true
	}
	for _, n := range d.Nodes {
		if o := n.orders[id]; o != nil && o.sealed {
			return true
		}
	}
	return false
}
