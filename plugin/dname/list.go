package dname

import "iter"

// List is an append-only list of names in a few pieces of memory, one octet more
// than the names' own wire form each. A side list of a million names is some
// hundreds of objects to the garbage collector, not a million, and is never
// copied to grow.
type List struct {
	chunks [][]byte // none is longer than its first capacity
	n      int
}

// Chunks double up to maxChunk; the first has room for any name.
const minChunk, maxChunk = 2 * MaxWire, 64 << 10

// room returns the chunk that has room for one name more.
func (l *List) room() *[]byte {
	k := len(l.chunks) - 1
	if k < 0 || cap(l.chunks[k])-len(l.chunks[k]) < MaxWire {
		size := minChunk
		if k >= 0 {
			size = min(2*cap(l.chunks[k]), maxChunk)
		}
		l.chunks = append(l.chunks, make([]byte, 0, size))
		k++
	}
	return &l.chunks[k]
}

// Append adds n, which must not be the zero Name.
func (l *List) Append(n Name) {
	c := l.room()
	*c = append(*c, n.wire...)
	l.n++
}

// AppendPlain adds the name that Parse reads in s, without allocating, and
// reports whether it could: what is not plainly a name is left to Parse.
func (l *List) AppendPlain(s []byte) bool {
	c := l.room()
	wire, ok := appendPlain(*c, s)
	if ok {
		*c = wire
		l.n++
	}
	return ok
}

// Len returns the number of names.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return l.n
}

// All yields the names in the order in which they were appended. Those of one
// chunk share their memory: who keeps one keeps a chunk.
func (l *List) All() iter.Seq[Name] {
	return func(yield func(Name) bool) {
		if l == nil {
			return
		}
		for _, c := range l.chunks {
			for s := string(c); s != ""; {
				end := 0
				for s[end] != 0 {
					end += int(s[end]) + 1
				}
				if !yield(Name{s[:end+1]}) {
					return
				}
				s = s[end+1:]
			}
		}
	}
}
