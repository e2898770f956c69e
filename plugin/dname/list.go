package dname

import (
	"iter"
	"strings"
)

// A List is an append-only list of names. A name takes exactly the bytes of its wire form. The
// names lie in a few chunks of memory: a side list of a million names is some hundreds of
// objects for the garbage collector, not a million. A List never copies a name, neither when
// it grows nor when it yields names.
type List struct {
	chunks []*strings.Builder // a chunk never grows beyond its first capacity
	n      int
}

// The capacity of chunks doubles up to maxChunk. The first chunk has room for any name.
const minChunk, maxChunk = 2 * MaxWire, 64 << 10

// room returns a chunk that has room for one more name.
func (l *List) room() *strings.Builder {
	size := minChunk
	if k := len(l.chunks); k > 0 {
		c := l.chunks[k-1]
		if c.Cap()-c.Len() >= MaxWire {
			return c
		}
		size = min(2*c.Cap(), maxChunk)
	}
	c := &strings.Builder{}
	c.Grow(size)
	l.chunks = append(l.chunks, c)
	return c
}

// Append appends n, which must not be the zero Name.
func (l *List) Append(n Name) {
	l.room().WriteString(n.wire)
	l.n++
}

// Grow does nothing, because a List needs no room in advance.
func (l *List) Grow(int) {}

// AddWire appends a copy of the name in w.
func (l *List) AddWire(w *Wire) {
	l.room().Write(w.Suffix(w.NumLabels()))
	l.n++
}

// Len returns the number of names. A nil List has none.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return l.n
}

// All yields the names in the order in which they were appended. The names of a chunk share
// its memory, so a caller that keeps a name keeps the whole chunk alive.
func (l *List) All() iter.Seq[Name] {
	return func(yield func(Name) bool) {
		if l == nil {
			return
		}
		for _, c := range l.chunks {
			for s := c.String(); s != ""; {
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
