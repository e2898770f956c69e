package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// line is some rules of a crowd.
type line struct {
	at   []uint32
	gone tree
	// up is the line of the next larger network.
	up *line
}

func (l *line) add(i uint32, gone order.Time) {
	l.at, l.gone = append(l.at, i), append(l.gone, gone)
}

// freeze is for when all is added.
func (l *line) freeze() { l.at, l.gone = fit(l.at), newTree(l.gone) }

// next returns the first rule from the k-th of the crowd on that is not gone, best
// when that comes first. The line's rules must stand in the crowd's order.
func (l *line) next(k int, now order.Time, best int) int {
	if l == nil || len(l.at) == 0 {
		return best
	}
	i, _ := slices.BinarySearch(l.at, uint32(k))
	if i = l.gone.next(i, now); i < 0 {
		return best
	}
	return min(best, int(l.at[i]))
}

// tree has for each rule of a line the time from which on it does nothing to
// anybody: that of a node is the latest of its two children, 2i and 2i+1.
type tree []order.Time

func newTree(gone []order.Time) tree {
	size := 1
	for size < len(gone) {
		size *= 2
	}
	t := slices.Repeat(tree{order.NoTime}, 2*size)
	copy(t[size:], gone)
	for i := size - 1; i > 0; i-- {
		t[i] = max(t[2*i], t[2*i+1])
	}
	return t
}

// next returns the first place from the k-th on that is not gone, -1 when there is
// none.
func (t tree) next(k int, now order.Time) int {
	size := len(t) / 2
	if k >= size {
		return -1
	}
	i := size + k
	for t[i] <= now {
		for i&1 == 1 {
			i /= 2 // all of this node's right edge is behind us
		}
		if i == 0 {
			return -1
		}
		i++
	}
	for i < size {
		if i *= 2; t[i] <= now {
			i++
		}
	}
	return i - size
}
