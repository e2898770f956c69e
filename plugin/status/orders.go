package status

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Gone is the state of an order that has left the set and still has hits.
const Gone = "gone"

// Orders is the JSON document at the path /orders.
type Orders struct {
	Product string  `json:"product"`
	API     int     `json:"api"`
	At      string  `json:"at"`
	Orders  []Order `json:"orders"`
}

// An Order describes one block order or one lift.
type Order struct {
	// ID is the id of the order. For a sealed (secret) order, ID is "sealed:" and a digest of the
	// id. A sealed order has only ID, Set, Action, State, Until and hits.
	ID     string `json:"id"`
	Sealed bool   `json:"sealed"`
	// Set is the digest of the set.
	Set    string `json:"set"`
	Action string `json:"action,omitempty"`
	State  string `json:"state"`
	// Until is the first time at which the state may change, or empty.
	Until      string      `json:"state_until,omitempty"`
	Targets    int         `json:"targets"`
	Authority  string      `json:"authority,omitempty"`
	Reference  string      `json:"reference,omitempty"`
	Disclosure string      `json:"disclosure,omitempty"`
	File       string      `json:"file,omitempty"`
	Hits       uint64      `json:"hits"`
	Shadow     uint64      `json:"shadow_hits"`
	PerBlock   []BlockHits `json:"per_server_block"`
}

// BlockHits has the hits of an order in one server block. Hours without hits are left out.
type BlockHits struct {
	Block string `json:"server_block"`
	Hours []Hour `json:"hours"`
}

// Write one order at a time, because there may be a million orders.
func (h *handler) orders(w http.ResponseWriter, r *http.Request) error {
	want := map[string]bool{}
	for _, s := range r.URL.Query()["state"] {
		if !slices.Contains(stateWords(), s) {
			return badRequest(fmt.Sprintf("state must be one of %q, got %q", stateWords(), s))
		}
		want[s] = true
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `{"product":%q,"api":%d,"at":%q,"orders":[`, Product, API, text(h.moment()))
	comma := ""
	h.each(func(o *Order) bool {
		if len(want) > 0 && !want[o.State] {
			return true
		}
		line, err := json.Marshal(o)
		if err != nil {
			return false // a struct of texts and numbers has no error
		}
		fmt.Fprintf(out, "%s\n%s", comma, line)
		comma = ","
		return r.Context().Err() == nil
	})
	fmt.Fprintln(out, "\n]}")
	_ = out.Flush() // the client has gone
	return nil
}

func stateWords() []string {
	words := []string{Gone}
	for s := range ruleset.NumStates {
		words = append(words, ruleset.State(s).String())
	}
	return words
}

func (n *Node) each(f func(*Order) bool) {
	for _, s := range n.sets() {
		now := order.Time(s.stores[0].Now().Unix())
		secret, found := s.SecretLifts(), s.hits(now)
		hides := len(secret) > 0 // a secret lift may end open orders
		var o Order
		for st := range s.OrderStates(now) {
			o = Order{ID: st.Order.ID, Set: s.digest, Action: "block", State: st.State.String(), PerBlock: []BlockHits{}}
			if st.Lift {
				o.Action = "lift"
			}
			if x := found[st.Order.ID]; x != nil {
				o.add(x)
				delete(found, st.Order.ID)
			}
			if t := st.Order.Terms; t.Disclosure.Sealed() || secret[st.Order.ID] {
				o.ID, o.Sealed = ruleset.SealedLabel(st.Order.ID), true
			} else {
				o.Targets, o.Authority, o.Reference, o.Disclosure, o.File = st.Targets, t.Authority.Name, st.Order.Reference, t.Disclosure.String(), st.File
				until := st.Until
				if hides {
					until = st.OwnUntil()
				}
				if until != ruleset.Forever {
					o.Until = until.String()
				}
			}
			if !f(&o) {
				return
			}
		}
		for _, x := range gone(found) {
			o = Order{ID: x.label, Sealed: x.label != x.id, Set: s.digest, State: Gone, PerBlock: []BlockHits{}}
			o.add(x)
			if !f(&o) {
				return
			}
		}
	}
}

type orderHits struct {
	id, label string
	blocks    []BlockHits
}

// add adds the hits to an order.
func (o *Order) add(x *orderHits) {
	o.PerBlock = x.blocks
	for _, b := range x.blocks {
		for _, h := range b.Hours {
			o.Hits, o.Shadow = o.Hits+h.Hits, o.Shadow+h.Shadow
		}
	}
}

func (s *inForce) hits(now order.Time) map[string]*orderHits {
	out := map[string]*orderHits{}
	for _, b := range s.blocks {
		for _, row := range b.Hits.Rows(now) {
			x := out[row.ID]
			if x == nil {
				x = &orderHits{id: row.ID, label: row.Label}
				out[row.ID] = x
			}
			x.blocks = append(x.blocks, BlockHits{b.Name, hours([]hits.Row{row})})
		}
	}
	return out
}

func gone(found map[string]*orderHits) (out []*orderHits) {
	for _, x := range found {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *orderHits) int { return cmp.Compare(a.id, b.id) })
	return out
}
