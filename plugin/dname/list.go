package dname

import (
	"iter"
	"strings"
)

// A List stores names in a few large chunks of memory. Such chunks are cheap for the garbage
// collector.
type List struct {
	chunks []*strings.Builder // a chunk never grows beyond its first capacity
	n      int
}

// A chunk must have room for a name of maximum length.
const minChunk, maxChunk = 2 * MaxWire, 64 << 10

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

// Append appends n. The zero Name is not allowed.
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

func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return l.n
}

// All yields the names in the sequence of the Append calls. While a caller keeps one name, a whole
// chunk stays in memory.
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
