package dname

import "iter"

// List is an append-only list of names in one piece of memory, one octet more
// than the names' own wire form each. A side list of a million names is one
// object to the garbage collector, not a million.
type List struct {
	arena []byte
	n     int
}

// Append adds n, which must not be the zero Name.
func (l *List) Append(n Name) {
	l.arena = append(l.arena, n.wire...)
	l.n++
}

// Len returns the number of names.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return l.n
}

// All yields the names in the order in which they were appended.
func (l *List) All() iter.Seq[Name] {
	return func(yield func(Name) bool) {
		if l == nil {
			return
		}
		for i := 0; i < len(l.arena); {
			j := i
			for l.arena[j] != 0 {
				j += int(l.arena[j]) + 1
			}
			if !yield(Name{string(l.arena[i : j+1])}) {
				return
			}
			i = j + 1
		}
	}
}
