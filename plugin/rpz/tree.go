package rpz

import (
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A Config contains the settings of a Tree.
type Config struct {
	// Countries are the countries of the clients. A name is blocked if one of these countries has
	// an order for it. The first such country decides the answer. Without Countries, only orders
	// for all countries apply.
	Countries []order.Country
	// TTL is the TTL of orders without a TTL.
	TTL time.Duration
	// Refused is the response that replaces REFUSED, or ResponseUnset.
	Refused order.ResponseKind
	// Origin is the wire length of the zone's name in octets. The Tree omits names that do not fit.
	// With the value 0, it omits no name.
	Origin int
	// Parts is the number of parts, up to MaxParts. The values 0 and 1 mean one part.
	Parts int
}

// A Node has the answers for a name and for the names below.
type Node struct {
	key
	Own, Below *Answer
	until      order.Time // Own and Below may change at this time
}

// A Tree contains the answers for all names at one time. A Tree is immutable.
type Tree struct {
	// Nodes are in canonical order. All ancestors of a node are nodes, except the root.
	Nodes []Node
	// Omitted are the names that do not fit into the zone, in canonical order.
	Omitted []dname.Name
	// Until is the time of the next possible change. ruleset.Forever means never.
	Until order.Time

	depths []uint8
	parts  []uint8

	set   *ruleset.Set
	now   order.Time
	cfg   Config
	table *Table
	added int // the number of keys that Update has added since Build
}

// Table returns the Table of the answers.
func (t *Tree) Table() *Table { return t.table }

// With returns a copy of the tree with other answers. The nodes must have the same names as
// t.Nodes. The copy cannot be updated.
func (t *Tree) With(nodes []Node) *Tree {
	return &Tree{Nodes: nodes, depths: t.depths, parts: t.parts, Omitted: t.Omitted, Until: t.Until, cfg: t.cfg, table: t.table}
}

// Build returns the tree of a set at a given time. Two trees can be compared only if they have the
// same table.
func Build(set *ruleset.Set, now order.Time, cfg Config, table *Table) *Tree {
	t := &Tree{set: set, now: now, cfg: cfg, table: table, Until: ruleset.Forever}
	var keys []key
	for w := range set.Names() {
		coop.Tick(len(keys))
		keys = append(keys, keyOf(w))
	}
	keys = t.complete(keys)
	j := t.judge()
	t.grow(len(keys))
	for i, k := range keys {
		coop.Tick(i)
		t.add(j.node(k))
	}
	return t
}

// Update returns the tree of another set or a later time. Both sets must come from one
// ruleset.Excerpts. The new tree may still have nodes for names without rules.
func (t *Tree) Update(set *ruleset.Set, now order.Time) *Tree {
	var touched []key
	if set != t.set {
		for w := range ruleset.Touched(t.set, set) {
			coop.Tick(len(touched))
			touched = append(touched, keyOf(w))
		}
	}
	if now < t.now || t.added+len(touched) > len(t.Nodes)/2+1000 {
		return Build(set, now, t.cfg, t.table)
	}
	u := &Tree{set: set, now: now, cfg: t.cfg, table: t.table, added: t.added + len(touched), Until: ruleset.Forever, Omitted: t.Omitted}
	isTouched := make(map[key]bool, len(touched))
	for _, k := range touched {
		isTouched[k] = true
	}
	touched = u.complete(touched)
	j := u.judge()
	u.grow(len(t.Nodes) + len(touched))
	top, within := key(""), false // the last touched name, and whether there is one
	old := nodes{t.Nodes, t.depths, t.parts}
	for len(old.list) > 0 || len(touched) > 0 {
		end := len(old.list)
		if len(touched) > 0 {
			end, _ = slices.BinarySearchFunc(old.list, touched[0], func(n Node, k key) int { return strings.Compare(string(n.key), string(k)) })
		}
		i := 0
		for ; within && i < end && old.list[i].below(top); i++ {
			coop.Tick(i)
			u.add(j.node(old.list[i].key))
		}
		u.keep(j, old.cut(i, end))
		old = old.cut(end, len(old.list))
		if len(touched) == 0 {
			break
		}
		k := touched[0]
		touched = touched[1:]
		if within && !k.below(top) {
			within = false
		}
		if !within && isTouched[k] {
			top, within = k, true
		}
		known := len(old.list) > 0 && old.list[0].key == k
		if known && !within {
			u.keep(j, old.cut(0, 1))
		} else {
			u.add(j.node(k))
		}
		if known {
			old = old.cut(1, len(old.list))
		}
	}
	return u
}

type nodes struct {
	list          []Node
	depths, parts []uint8
}

func (n nodes) cut(from, to int) nodes {
	if n.parts != nil {
		n.parts = n.parts[from:to]
	}
	n.list, n.depths = n.list[from:to], n.depths[from:to]
	return n
}

func (t *Tree) keep(j *judge, old nodes) {
	const few = 1000 // so that the copy of many nodes yields to queries
	for len(old.list) > 0 {
		n := min(few, len(old.list))
		from := len(t.Nodes)
		some := old.cut(0, n)
		t.Nodes, t.depths, t.parts = append(t.Nodes, some.list...), append(t.depths, some.depths...), append(t.parts, some.parts...)
		for i := from; i < len(t.Nodes); i++ {
			coop.Tick(i)
			x := &t.Nodes[i]
			if x.until <= t.now {
				*x = j.node(x.key)
			}
			t.Until = min(t.Until, x.until)
		}
		old = old.cut(n, len(old.list))
	}
}

// grow makes room for n nodes.
func (t *Tree) grow(n int) {
	t.Nodes, t.depths = make([]Node, 0, n), make([]uint8, 0, n)
	if t.cfg.Parts > 1 {
		t.parts = make([]uint8, 0, n)
	}
}

func (t *Tree) add(n Node) {
	t.Until = min(t.Until, n.until)
	t.Nodes, t.depths = append(t.Nodes, n), append(t.depths, uint8(strings.Count(string(n.key), "\x00")))
	if t.cfg.Parts > 1 {
		t.parts = append(t.parts, partOf(n.key, t.cfg.Parts))
	}
}

func (t *Tree) complete(keys []key) []key {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	out := make([]key, 0, len(keys)+len(keys)/8)
	omitted := slices.Clone(t.Omitted)
	for i, k := range keys {
		coop.Tick(i)
		if !k.fits(t.cfg.Origin) {
			omitted = append(omitted, k.Name())
			continue
		}
		last := key("")
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		from := len(common(last, k))
		for j := from; j < len(k)-1; j++ {
			if k[j] == 0 {
				out = append(out, k[:j+1])
			}
		}
		out = append(out, k)
	}
	if len(omitted) > len(t.Omitted) {
		slices.SortFunc(omitted, dname.Name.Compare)
		t.Omitted = slices.Compact(omitted)
	}
	return out
}

// A judge decides about names.
type judge struct {
	*Tree
	answers answers
	clients []order.Country
	q       ruleset.QName
	room    [dname.MaxWire + 2]byte
}

func (t *Tree) judge() *judge {
	clients := t.cfg.Countries
	if len(clients) == 0 {
		clients = []order.Country{""}
	}
	return &judge{Tree: t, clients: clients, answers: answers{t.table, t.cfg.TTL, t.cfg.Refused, map[*ruleset.Common]*Answer{}}}
}

// node returns the node of a name.
func (j *judge) node(k key) Node {
	n := Node{key: k, until: ruleset.Forever}
	// No order contains the label "!", so "!" stands for any label without a node.
	j.room[0], j.room[1] = 1, '!'
	wire := k.wire(j.room[:2])
	j.q.SetWire(wire[2:])
	if !j.set.Covers(&j.q.Wire) {
		return n
	}
	n.Own = j.answer(&n)
	if n.Below = n.Own; len(wire) <= dname.MaxWire {
		j.q.SetWire(wire)
		n.Below = j.answer(&n)
	}
	return n
}

func (j *judge) answer(n *Node) *Answer {
	for _, cc := range j.clients {
		v := j.set.Decide(&j.q, ruleset.Query{Client: ruleset.Client{Country: cc}, Now: j.now})
		n.until = min(n.until, v.Until)
		if a := j.answers.verdict(v); a != nil {
			return a
		}
	}
	return nil
}
