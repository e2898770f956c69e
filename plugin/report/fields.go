package report

import (
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A File contains the orders of the present version of an order file. Journals may contain older
// versions.
type File struct {
	Path   string
	Orders []*order.Order
	Zone   *time.Location
}

// fields contains an order and its origin. The order comes from a present file, or from a version
// of the file in a journal.
type fields struct {
	*order.Order
	path string
	zone *time.Location
	// present is true if the order is in a present file.
	present bool
}

// request is a version of an order file in a journal, and the ids of the orders to read from the
// version.
type request struct {
	node    *Node
	version journal.Version
	ids     map[string]bool
}

// readFields returns the texts of all orders in the files and the journals. If a present file has
// an order, the text comes from this file. Otherwise the text comes from a journal.
func readFields(files []File, nodes []*Node) map[string]*fields {
	out := map[string]*fields{}
	for i := range files {
		f := &files[i]
		for _, o := range f.Orders {
			out[o.ID] = &fields{o, f.Path, f.Zone, true}
		}
	}
	// Journals may have several versions of an order that no present file has. The first round
	// tries the best version, and the next rounds try the others.
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
	// Zone is the time zone of the order files. If the files have several zones, Zone is UTC.
	Zone *time.Location
	// Files reports whether there are present order files.
	Files bool

	fields map[string]*fields
}

// Load reads the texts of the orders. If a journal is given twice, Load returns an error.
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

// sealed reports whether an order is sealed. If a present file has the order, the function
// "disclosure" decides. Otherwise the order is sealed if its known text or any of its records is
// sealed.
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
