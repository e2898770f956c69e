// Package guard finds targets that must not be blocked by mistake: public suffixes, special-use
// names and addresses, and entries of protect lists. An order can state a reason to override the
// guard.
package guard

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
	"github.com/gaissmai/bart"
)

// A Guard finds targets that must not be blocked by mistake. It is immutable and safe for
// concurrent use.
type Guard struct {
	table   func() *table
	entries []entry         // the entries of all protect lists
	nets    bart.Table[int] // the networks in protect lists; a value is an index in the slice entries
	digest  func() [sha256.Size]byte
}

type entry struct {
	protected
	file string
}

func (e entry) String() string { return fmt.Sprintf("(%s:%d: %s)", e.file, e.line, e.protected) }

// The low bits of a ref are these flags. The other bits are an index into Guard.entries.
const (
	suffix    uint32 = 1 << iota // the name is a public suffix
	wildcard                     // each name one label below the name is a public suffix
	exception                    // the name is not a public suffix, although a wildcard is above the name
	special                      // the name and all names below it are special-use
	subtree                      // the name and all names below it are protected
	exact                        // the name is protected, but not the names below it
	entryBit  = iota
)

// A block of uk would also block co.uk, so a protected co.uk protects uk.
const below = suffix | wildcard | subtree | exact

var builtIn = withLists()

// New returns a Guard with the built-in rules and the protect lists. It ignores a nil list.
func New(lists ...*List) *Guard {
	lists = slices.DeleteFunc(slices.Clone(lists), func(l *List) bool { return l.Len() == 0 })
	if len(lists) == 0 {
		return builtIn
	}
	return withLists(lists...)
}

func withLists(lists ...*List) *Guard {
	g := &Guard{}
	for _, l := range lists {
		for _, p := range l.entries {
			g.entries = append(g.entries, entry{p, l.file})
		}
	}
	for i, e := range g.entries {
		if !e.name.IsZero() {
			continue
		}
		if _, twice := g.nets.Get(e.net); !twice { // the first entry of a network appears in messages
			g.nets.Insert(e.net, i)
		}
	}
	g.table, g.digest = sync.OnceValue(g.build), sync.OnceValue(g.sum)
	return g
}

func (g *Guard) build() *table {
	var b index.Builder
	b.Grow(strings.Count(suffixList, "\n") + len(g.entries))
	for name, kind := range suffixes() {
		b.Add(name, kind)
	}
	for _, s := range specialNames {
		b.Add(parsed(s.name), special)
	}
	for i, e := range g.entries {
		switch {
		case e.name.IsZero():
		case e.exact:
			b.Add(e.name, exact|uint32(i)<<entryBit)
		default:
			b.Add(e.name, subtree|uint32(i)<<entryBit)
		}
	}
	return newTable(b.Freeze(merge, func(ref uint32) bool { return ref&below != 0 }))
}

// A "name" entry covers more than a "=name" entry, so its index replaces the index of the "=name"
// entry.
func merge(values []uint32) (ref uint32) {
	for _, v := range values {
		if v&subtree > ref&subtree || v&exact != 0 && ref&(subtree|exact) == 0 {
			ref = ref&(1<<entryBit-1) | v>>entryBit<<entryBit
		}
		ref |= v & (1<<entryBit - 1)
	}
	return ref
}

type finding struct {
	own     uint32 // the ref of the rules at the name itself
	over    uint32 // the flags of the rules at the name and at all names above it
	cover   uint32
	isUnder bool // the name is a public suffix because of a wildcard one label above
}

func found(hits []index.Hit, labels int) (f finding) {
	for _, h := range hits {
		switch h.Labels {
		case labels:
			f.own = h.Ref
		case labels - 1:
			f.isUnder = h.Ref&wildcard != 0
		}
		if h.Ref&subtree != 0 && f.over&subtree == 0 {
			f.cover = h.Ref
		}
		f.over |= h.Ref
	}
	f.isUnder = f.isUnder && f.own&exception == 0
	return f
}

type hitBuffer [8]index.Hit

// Name returns the reason why a name must not be blocked, or an empty text. These names must not be
// blocked:
//
//	the root and the top-level domains
//	public suffixes, and all names above
//	special-use names, and all names below
//	names in protect lists, and all names above and below
//
// An entry "=name" in a protect list does not protect the names below.
func (g *Guard) Name(n *dname.Wire) string {
	t := g.table()
	if t.passes(n) {
		return ""
	}
	var r hitBuffer
	labels := n.NumLabels()
	hits, marked := t.Walk(n, r[:0])
	f := found(hits, labels)
	if labels > 1 && !marked && !f.isUnder && f.over&(special|subtree) == 0 && f.own&below == 0 {
		return ""
	}
	var why []string
	switch {
	case labels == 0:
		return "is the root" // other reasons are not needed, because all names are below the root
	case f.over&special != 0:
		s := specialNames[slices.IndexFunc(specialNames, func(s specialName) bool { return s.name == string(n.Label(1)) })]
		why = append(why, fmt.Sprintf("is a special-use name (%s: %s)", s.rfc, s.name))
	case labels == 1:
		why = append(why, "is a top-level domain")
	case f.isUnder || f.own&suffix != 0:
		why = append(why, "is a public suffix")
	case f.own&wildcard != 0 || marked && t.firstBelow(n, suffix|wildcard) != 0:
		why = append(why, "has public suffixes below it")
	}
	switch {
	case f.over&subtree != 0:
		why = append(why, "is protected "+g.entries[f.cover>>entryBit].String())
	case f.own&exact != 0:
		why = append(why, "is protected "+g.entries[f.own>>entryBit].String())
	case marked && len(g.entries) > 0:
		if ref := t.firstBelow(n, subtree|exact); ref != 0 {
			why = append(why, "is above a protected name "+g.entries[ref>>entryBit].String())
		}
	}
	return strings.Join(why, ", ")
}

// Protected reports whether a protect list protects the query name w. An entry "name" also protects
// the names below.
func (g *Guard) Protected(w *dname.Wire) bool {
	if len(g.entries) == 0 {
		return false
	}
	t := g.table()
	if t.passes(w) {
		return false
	}
	var r hitBuffer
	hits, _ := t.Walk(w, r[:0])
	f := found(hits, w.NumLabels())
	return f.over&subtree != 0 || f.own&exact != 0
}
