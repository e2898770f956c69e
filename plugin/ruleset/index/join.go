package index

import (
	"iter"
	"runtime"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// The type Joined contains the refs of one name in two indexes.
type Joined struct {
	Ref   uint32
	Other uint32 // the ref in the second index if Both is true
	Both  bool

	index  *Index
	record record
}

// Name sets w to the name.
func (j *Joined) Name(w *dname.Wire) { j.index.setName(w, j.record) }

// Join looks up each name of x in y. It yields the refs of the name in both indexes. Join is fast
// if the indexes are nearly equal. Joined.Name is valid only during the iteration.
func (x *Index) Join(y *Index) iter.Seq[Joined] {
	return func(yield func(Joined) bool) {
		if x == nil {
			return
		}
		if y == nil {
			y = &Index{}
		}
		same := make([]uint32, len(x.nodes))
		place := uint32(0) // the offset in y at which the next name is expected
		for _, r := range x.records() {
			s, next := y.live(place)
			both := s.flags != 0 && s.parent == uint64(same[r.parent]) && (r.parent == 0 || s.parent != 0) && string(s.label) == string(r.label)
			if !both {
				var w dname.Wire
				x.setName(&w, r)
				var off uint32
				if off, both = y.lookup(&w); both {
					s, next = y.at(off)
				}
			}
			if both {
				place = next
				if r.flags&s.flags&interior != 0 {
					same[r.number>>1] = uint32(s.number >> 1)
				}
			}
			if r.flags&hasRef != 0 && !yield(Joined{uint32(r.ref >> 1), uint32(s.ref >> 1), both && s.flags&hasRef != 0, x, r}) {
				break
			}
		}
		runtime.KeepAlive(x)
		runtime.KeepAlive(y)
	}
}

func (x *Index) live(off uint32) (r record, next uint32) {
	for int(off) < len(x.arena) {
		if r, off = x.at(off); r.flags != 0 {
			break
		}
	}
	return r, off
}

func (x *Index) lookup(w *dname.Wire) (off uint32, ok bool) {
	parent, h := uint64(0), x.key
	for k := 1; k <= w.NumLabels() && x.names > 0; k++ {
		h = w.Hash(k, h)
		slot, n := x.find(h, parent, w.Label(k))
		if slot == nil || k < w.NumLabels() && n.flags&interior == 0 {
			return 0, false
		}
		off, ok, parent = *slot, k == w.NumLabels(), n.number>>1
	}
	return off, ok
}
