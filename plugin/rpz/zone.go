package rpz

import (
	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// An Entry has the records of a name and of the wildcard below.
type Entry struct {
	key
	Own, Wildcard *Answer
}

// A Zone is a closed zone (see the package comment). A Zone is immutable.
type Zone struct {
	Entries []Entry // in canonical order
	parts   []uint8 // the part of each entry, or nil if the zone is one part
	records []int   // of each part
}

// Records returns the number of records, without SOA and NS.
func (z *Zone) Records() (n int) {
	for _, r := range z.records {
		n += r
	}
	return n
}

// Close makes a closed zone from the tree. NXDOMAIN for a name also denies all names below it (RFC
// 8020). So Close uses NODATA when a name below has another answer.
func (t *Tree) Close() *Zone {
	n := len(t.Nodes)
	var (
		parent = t.Parents()
		denied = t.Denied(parent) // the node and all names below it get NXDOMAIN
		needed = make([]bool, n)  // the zone must have the node
		count  int                // the number of needed nodes
	)
	inherited := func(i int) *Answer {
		if parent[i] < 0 {
			return nil
		}
		return t.Nodes[parent[i]].Below
	}
	for i := n - 1; i >= 0; i-- { // names below a node come before the node
		x := &t.Nodes[i]
		if in := inherited(i); x.Own != in || x.Below != in {
			needed[i] = true
		}
		if needed[i] {
			count++
			if parent[i] >= 0 {
				needed[parent[i]] = true
			}
		}
	}
	z := &Zone{Entries: make([]Entry, 0, count), records: make([]int, max(t.cfg.Parts, 1))}
	if t.parts != nil {
		z.parts = make([]uint8, 0, count)
	}
	covered := make([]bool, n) // a wildcard above the node blocks
	for i := range t.Nodes {
		coop.Tick(i)
		if p := parent[i]; p >= 0 {
			covered[i] = covered[p] || t.Nodes[p].Below != nil
		}
		if !needed[i] {
			continue
		}
		e := Entry{t.Nodes[i].key, t.Nodes[i].Own, t.Nodes[i].Below}
		if e.Own != nil && e.Own.Kind == order.NXDOMAIN && !denied[i] {
			e.Own = t.table.As(e.Own, order.NODATA)
		}
		if covered[i] {
			e.pass()
		}
		if e.Own == nil && e.Wildcard == nil {
			continue
		}
		part := uint8(0)
		if t.parts != nil {
			part = t.parts[i]
			z.parts = append(z.parts, part)
		}
		z.Entries = append(z.Entries, e)
		z.records[part] += e.records()
	}
	return z
}

func (e *Entry) pass() {
	if e.Own == nil {
		e.Own = passthru
	}
	if e.Wildcard == nil {
		e.Wildcard = passthru
	}
}

// Parents returns the index of the parent of each node. The index is -1 for a node without a
// parent.
func (t *Tree) Parents() []int32 {
	out := make([]int32, len(t.Nodes))
	last := [dname.MaxLabels + 1]int32{0: -1}
	for i, depth := range t.depths {
		out[i] = last[depth-1]
		last[depth] = int32(i)
	}
	return out
}

// Denied reports for each node whether the node and all names below get NXDOMAIN.
func (t *Tree) Denied(parent []int32) []bool {
	out := make([]bool, len(t.Nodes))
	for i := range t.Nodes {
		n := &t.Nodes[i]
		out[i] = n.Own != nil && n.Own.Kind == order.NXDOMAIN && n.Below != nil && n.Below.Kind == order.NXDOMAIN
	}
	for i := len(out) - 1; i >= 0; i-- {
		if !out[i] && parent[i] >= 0 {
			out[parent[i]] = false
		}
	}
	return out
}

func (e *Entry) records() int { return e.Own.records() + e.Wildcard.records() }

func (a *Answer) records() int {
	switch {
	case a == nil:
		return 0
	case a.Kind == order.Redirect:
		return len(a.Addresses)
	}
	return 1
}

// A Difference contains the records that only one of two zones has.
type Difference struct {
	Deleted, Added []Entry
}

// Compare returns the changes from the old zone to the new zone. The answers of both zones must
// come from one Table.
func Compare(old, new *Zone) Difference {
	var d Difference
	a, b := old.Entries, new.Entries
	for i := 0; len(a) > 0 || len(b) > 0; i++ {
		coop.Tick(i)
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].key < b[0].key:
			d.Deleted = append(d.Deleted, a[0])
			a = a[1:]
		case len(a) == 0 || b[0].key < a[0].key:
			d.Added = append(d.Added, b[0])
			b = b[1:]
		default:
			d.both(a[0], b[0])
			a, b = a[1:], b[1:]
		}
	}
	return d
}

func (d *Difference) both(x, y Entry) {
	if x.Own == y.Own {
		x.Own, y.Own = nil, nil
	}
	if x.Wildcard == y.Wildcard {
		x.Wildcard, y.Wildcard = nil, nil
	}
	if x.Own != nil || x.Wildcard != nil {
		d.Deleted = append(d.Deleted, x)
	}
	if y.Own != nil || y.Wildcard != nil {
		d.Added = append(d.Added, y)
	}
}

// Empty reports whether the zones are equal.
func (d *Difference) Empty() bool { return len(d.Deleted) == 0 && len(d.Added) == 0 }

// Records returns the number of deleted and added records.
func (d *Difference) Records() (n int) {
	for i := range d.Deleted {
		n += d.Deleted[i].records()
	}
	for i := range d.Added {
		n += d.Added[i].records()
	}
	return n
}
