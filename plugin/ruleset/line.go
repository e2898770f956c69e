package ruleset

import (
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// A line is a list of rules of a crowd.
type line struct {
	at   []uint32
	gone tree
	// up is the line of the next larger network, nil if there is none.
	up *line
}

func (l *line) add(i uint32, gone order.Time, x *exempt) {
	l.at, l.gone.until = append(l.at, i), append(l.gone.until, gone)
	var always *bart.Lite
	if x != nil {
		always = &x.always
	}
	l.gone.exempt = append(l.gone.exempt, always)
}

// freeze builds the tree. It must be called when all rules are added.
func (l *line) freeze() { l.at, l.gone = fit(l.at), newTree(l.gone) }

// next returns the index, in the crowd's list, of the line's first rule from k on that may
// affect the client at address c now. It returns best if that index is smaller. The line's
// rules must be in the sequence of the crowd's list.
func (l *line) next(k int, c netip.Addr, now order.Time, best int) int {
	if l == nil || len(l.at) == 0 {
		return best
	}
	i, _ := slices.BinarySearch(l.at, uint32(k))
	if i = l.gone.next(i, c, now); i < 0 {
		return best
	}
	return min(best, int(l.at[i]))
}

// A tree finds the next rule of a line that has an effect, without checking each rule. Node i
// has the children 2i and 2i+1. The leaves are the rules.
type tree struct {
	// until are the times from which on no rule of a node has an effect.
	until []order.Time
	// exempt are the networks that are always exempt from all rules of a node. It is nil if no
	// rule has exemptions.
	exempt []*bart.Lite
}

// newTree makes a tree from its leaves. A leaf with exemptions must have an until other than
// NoTime, because NoTime marks a leaf without a rule.
func newTree(leaves tree) tree {
	n, size := len(leaves.until), 1
	for size < n {
		size *= 2
	}
	t := tree{until: slices.Repeat([]order.Time{order.NoTime}, 2*size)}
	copy(t.until[size:], leaves.until)
	for i := size - 1; i > 0; i-- {
		t.until[i] = max(t.until[2*i], t.until[2*i+1])
	}
	if !slices.ContainsFunc(leaves.exempt, func(x *bart.Lite) bool { return x != nil }) {
		return t
	}
	t.exempt = make([]*bart.Lite, 2*size)
	copy(t.exempt[size:], leaves.exempt)
	for i := size - 1; i > 0; i-- {
		// else the right child has no rule
		if t.exempt[i] = t.exempt[2*i]; t.until[2*i+1] != order.NoTime {
			t.exempt[i] = inBoth(t.exempt[2*i], t.exempt[2*i+1])
		}
	}
	return t
}

// maxNets is the largest number of networks in a table that inBoth compares.
const maxNets = 64

// inBoth returns the networks that are in both tables, nil if there are none or a table is too
// large. A smaller result than the true one is safe: it only makes a query slower.
func inBoth(x, y *bart.Lite) *bart.Lite {
	switch {
	case x == y:
		return x
	case x == nil || y == nil || max(x.Size(), y.Size()) > maxNets:
		return nil
	}
	both := new(bart.Lite)
	for net := range x.All() {
		if y.Get(net) {
			both.Insert(net)
		}
	}
	switch both.Size() {
	case 0:
		return nil
	case x.Size():
		return x
	case y.Size():
		return y
	}
	return both
}

// next returns the index of the first leaf from k on that may affect the client at address c
// now, or -1 if there is none.
func (t *tree) next(k int, c netip.Addr, now order.Time) int {
	size, exempt := len(t.until)/2, t.exempt
	if k >= size {
		return -1
	}
	if !c.IsValid() {
		exempt = nil
	}
	for i := size + k; ; i *= 2 {
		for t.until[i] <= now || exempt != nil && exempt[i] != nil && exempt[i].Contains(c) {
			for i&1 == 1 {
				i /= 2 // go up, because this node is a right child: the subtree of its parent is done
			}
			if i == 0 {
				return -1
			}
			i++
		}
		if i >= size {
			return i - size
		}
	}
}
