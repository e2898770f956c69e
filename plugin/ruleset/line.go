package ruleset

import (
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// line is some rules of a crowd.
type line struct {
	at   []uint32
	gone tree
	// up is the line of the next larger network.
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

// freeze is for when all is added.
func (l *line) freeze() { l.at, l.gone = fit(l.at), newTree(l.gone) }

// next returns the first rule from the k-th of the crowd on that is not gone, for the
// client at the address at least, best when that comes first. The line's rules must stand in the crowd's order.
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

// tree tells which rules of a line do nothing, of many at once: a node stands for its
// two children, 2i and 2i+1, and the leaves for the rules.
type tree struct {
	// until are the times from which on nothing is done to anybody.
	until []order.Time
	// exempt are the networks to whose clients nothing is done at any time; nil when
	// no rule has any.
	exempt []*bart.Lite
}

// newTree makes a tree of its leaves. Those with exemptions do something at some time.
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
		if t.exempt[i] = t.exempt[2*i]; t.until[2*i+1] != order.NoTime { // else there is no rule
			t.exempt[i] = inBoth(t.exempt[2*i], t.exempt[2*i+1])
		}
	}
	return t
}

// maxNets bounds the networks that are compared.
const maxNets = 64

// inBoth returns the networks that stand in both tables, nil when there is none.
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

// next returns the first place from the k-th on that is not gone, for the client
// at the address at least, -1 when there is none.
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
				i /= 2 // all of this node's right edge is behind us
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
