package status

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
)

// An Explanation is the JSON document at the path /explain.
type Explanation struct {
	Product string `json:"product"`
	API     int    `json:"api"`
	// Set is the digest of the set that decides, or empty.
	Set string `json:"set,omitempty"`
	*explain.Explanation
}

const ednsSize = 1232

func (h *handler) explain(w http.ResponseWriter, r *http.Request) error {
	x, err := h.explanation(r)
	if err != nil {
		return err
	}
	switch format := r.URL.Query().Get("format"); format {
	case "text":
		var out bytes.Buffer
		x.Print(&out)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(out.Bytes()) // the client has gone
		return nil
	case "", "json":
		return writeJSON(w, http.StatusOK, x)
	default:
		return badRequest(fmt.Sprintf("format must be json or text, got %q", format))
	}
}

// explanation returns the explanation that a request asks for.
func (h *handler) explanation(r *http.Request) (*Explanation, error) {
	q := r.URL.Query()
	if q.Get("name") == "" {
		return nil, badRequest("the parameter name is missing; an example is /explain?name=www.example.com&client=192.0.2.7&type=A")
	}
	for p := range q {
		switch p {
		case "name", "client", "country", "type", "server_block", "format":
		default:
			return nil, badRequest(fmt.Sprintf("there is no parameter %q", p))
		}
	}
	name, err := dname.Parse(q.Get("name"))
	if err != nil {
		return nil, badRequest(fmt.Sprintf("name %v, got %q", err, q.Get("name")))
	}
	query := &explain.Query{Name: name, Type: 1, EDNS: true, Size: ednsSize}
	if t := q.Get("type"); t != "" {
		var ok bool
		if query.Type, ok = explain.ParseType(t); !ok {
			return nil, badRequest(fmt.Sprintf("type must be a query type such as A or HTTPS, got %q", t))
		}
	}
	b, err := h.block(name, q.Get("server_block"))
	if err != nil {
		return nil, err
	}
	cl, err := client(b, q.Get("client"), q.Get("country"))
	if err != nil {
		return nil, err
	}
	if b.Store == nil {
		return nil, &requestError{http.StatusNotFound, fmt.Sprintf("server block %s receives the queries for this name, and has no blocklist directive, so no order is enforced", b.Name)}
	}
	st := b.Store.Status()
	f := facts(b.Store, &st)
	on := &explain.Server{Config: b.Directive.Config, Block: b.Directive, Running: true}
	x := explain.Begin(f, on, query, cl)
	x.Decide(f, on, query, cl)
	return &Explanation{Product, API, st.Digest, x}, nil
}

func facts(s *store.Store, st *store.Status) *explain.Facts {
	secret := st.Set().SecretLifts()
	zones := map[string]string{}
	for _, f := range st.Files {
		zones[f.Path] = f.Timezone
	}
	return &explain.Facts{
		Set:    st.Set(),
		Now:    order.Time(s.Now().Unix()),
		Whole:  func(string) *order.Order { return nil },
		Hidden: func(o *ruleset.Order) bool { return o.Terms.Disclosure.Sealed() || secret[o.ID] },
		Zone: func(path string) *time.Location {
			if zone, err := time.LoadLocation(zones[path]); err == nil {
				return zone
			}
			return time.UTC
		},
	}
}

func client(b *Block, address, country string) (*explain.Client, error) {
	var addr netip.Addr
	if address != "" {
		var err error
		if addr, err = netip.ParseAddr(address); err != nil {
			return nil, badRequest(fmt.Sprintf("client must be an IP address, got %q", address))
		}
	}
	cl := explain.NewClient(addr, "")
	switch cc, ok := order.ParseCountry(country); {
	case country == "" && b.Store == nil:
	case country == "":
		cl.Country, cl.FromPlaces = b.Country(cl.Addr), true
		// Without an address, the geoip plugin gives no country.
		if cl.AnyAddress && b.Directive.GeoIP {
			cl.Country, cl.AnyCountry, cl.FromPlaces = "", true, false
		}
	case !ok || cc == order.EU:
		return nil, badRequest(fmt.Sprintf("country must be an ISO 3166-1 alpha-2 code, got %q", country))
	default:
		cl.Country = cc
	}
	return &cl, nil
}

func (n *Node) block(dn dname.Name, name string) (*Block, error) {
	var best []*Block
	longest := -1
	for i := range n.Blocks {
		b := &n.Blocks[i]
		if name != "" {
			if b.Name == name {
				return b, nil
			}
			continue
		}
		for _, zone := range b.Zones {
			if !strings.HasSuffix("."+dn.FQDN(), "."+strings.TrimPrefix(zone, ".")) || len(zone) < longest {
				continue
			}
			if len(zone) > longest {
				best, longest = nil, len(zone)
			}
			best = append(best, b)
		}
	}
	var names []string
	for i := range n.Blocks {
		names = append(names, n.Blocks[i].Name)
	}
	switch {
	case name != "":
		return nil, badRequest(fmt.Sprintf("there is no server block %q; the server blocks are %q", name, names))
	case len(best) == 0:
		return nil, &requestError{http.StatusNotFound, "no server block receives the queries for this name"}
	}
	for _, b := range best[1:] {
		if b.Store != best[0].Store || b.Store != nil && !alike(b.Directive, best[0].Directive) {
			return nil, badRequest(fmt.Sprintf("several server blocks receive queries for this name; choose one with the parameter server_block: %q", names))
		}
	}
	return best[0], nil
}

func alike(a, b *directive.Block) bool {
	return reflect.DeepEqual(a.Config, b.Config) && a.GeoIP == b.GeoIP && a.View == b.View && a.Rewrite == b.Rewrite
}
