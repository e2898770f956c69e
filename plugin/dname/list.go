package dname

import (
	"iter"
	"strings"
)

// List is an append-only list of names in a few pieces of memory, one octet more
// than the names' own wire form each. A side list of a million names is some
// hundreds of objects to the garbage collector, not a million, and is never
// copied: not to grow, and not to yield its names.
type List struct {
	chunks []*strings.Builder // none outgrows its first capacity
	n      int
}

// Chunks double up to maxChunk; the first has room for any name.
const minChunk, maxChunk = 2 * MaxWire, 64 << 10

// room returns the chunk that has room for one name more.
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

// Append adds n, which must not be the zero Name.
func (l *List) Append(n Name) {
	l.room().WriteString(n.wire)
	l.n++
}

// Grow does nothing: a list needs no room beforehand.
func (l *List) Grow(int) {}

// AddWire is Append for a name in a buffer of its own.
func (l *List) AddWire(w *Wire) {
	l.room().Write(w.Suffix(w.NumLabels()))
	l.n++
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
