// Package guard says which targets an order must not reach without a second
// look: public suffixes, special-use names and addresses, and what the operator
// protects. It only judges; who calls it holds the target, reports it, and knows
// whether the order lifts the hold ("force").
//
// It is one index over all rules: what matters of a name is what the rules say
// of it and of the names above it, and whether one stands below it, which is
// what index.Walk tells in one go down the labels.
package guard

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
	"github.com/gaissmai/bart"
)

// Guard says which targets are held: not enforced, but loudly reported. It is
// immutable and safe for concurrent use.
type Guard struct {
	table   func() *table   // made at the first use: who loads no orders pays nothing
	entries []entry         // of all protect lists
	nets    bart.Table[int] // protected networks; place in entries
}

// entry is an entry of a protect list with its file.
type entry struct {
	protected
	file string
}

func (e entry) String() string { return fmt.Sprintf("(%s:%d: %s)", e.file, e.line, e.protected) }

// What the index holds of a name: these bits and, above them, the place in
// Guard.entries of a protect list's entry.
const (
	suffix    uint32 = 1 << iota // is a public suffix
	wildcard                     // the names one label below are
	exception                    // is none, whatever the wildcard above says
	special                      // is special-use, with all below
	subtree                      // is protected, with all below
	exact                        // is protected alone
	entryBit  = iota
)

// below are the marks that also hold every name above.
const below = suffix | wildcard | subtree | exact

// builtIn has no protect list. There is one, so that its index is made once.
var builtIn = withLists()

// New makes a Guard of the built-in rules and the operator's protect lists.
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
		if _, twice := g.nets.Get(e.net); !twice { // the first list's entry is the one to name
			g.nets.Insert(e.net, i)
		}
	}
	g.table = sync.OnceValue(g.build)
	return g
}

// build puts the built-in rules and the protected names into one index: a second
// one would cost every name a second look-up, and this one takes milliseconds.
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

// merge makes one ref of all that is said of a name. Of several entries of
// protect lists it keeps the first that protects most.
func merge(values []uint32) (ref uint32) {
	for _, v := range values {
		if v&subtree > ref&subtree || v&exact != 0 && ref&(subtree|exact) == 0 {
			ref = ref&(1<<entryBit-1) | v>>entryBit<<entryBit
		}
		ref |= v & (1<<entryBit - 1)
	}
	return ref
}

// finding is what the rules say of one name.
type finding struct {
	own     uint32 // the name's own ref
	over    uint32 // the bits of all names at and above it
	cover   uint32 // the ref of the protected subtree it is in, when over says so
	isUnder bool   // the wildcard one label above makes it a public suffix
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

// room is for the hits on the way to a name. More rules than this stand above
// one name only when a protect list nests that deep; then Walk allocates.
type room [8]index.Hit

// Name returns why a target at the name must be held, "" when it need not: it is
// the root, a top-level domain, a public suffix or above one, special-use or
// below, or at, above, or ("=" entries apart) below a protected name. A "*."
// target is judged by its base.
//
// How much of the name the order wants plays no part: an exact target at the
// parent of a protected name leaves that one alone, but whoever wants it has
// most likely mistaken the name, and "force" is there for the rest.
//
// It does not allocate when it returns "".
func (g *Guard) Name(n *dname.Wire) string {
	t := g.table()
	if t.passes(n) {
		return ""
	}
	var r room
	labels := n.NumLabels()
	hits, marked := t.Walk(n, r[:0])
	f := found(hits, labels)
	if labels > 1 && !marked && !f.isUnder && f.over&(special|subtree) == 0 && f.own&below == 0 {
		return ""
	}
	var why []string
	switch {
	case labels == 0:
		return "is the root" // and above everything
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
			why = append(why, "stands above a protected name "+g.entries[ref>>entryBit].String())
		}
	}
	return strings.Join(why, ", ")
}

// Protected reports whether an asked name is on the operator's protect lists: at
// or below a "name" entry, or equal to a "=name" entry.
func (g *Guard) Protected(w *dname.Wire) bool {
	if len(g.entries) == 0 {
		return false
	}
	t := g.table()
	if t.passes(w) {
		return false
	}
	var r room
	hits, _ := t.Walk(w, r[:0])
	f := found(hits, w.NumLabels())
	return f.over&subtree != 0 || f.own&exact != 0
}
