// Package guard decides which targets must be held: public suffixes, special-use names and
// addresses, and the names and addresses that the operator protects. The guard only judges.
// Its callers hold the target, report it, and check whether the order has a reason to be
// enforced nevertheless ("force").
//
// All rules are in one index. The verdict about a name depends on the rules of the name, on
// the rules of its ancestors, and on whether there is a rule below the name. A single
// index.Walk finds all three.
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

// A Guard decides which targets are held: not enforced, and reported as an alarm. It is
// immutable and safe for concurrent use.
type Guard struct {
	// table builds the index at its first call, so that a process without orders does not pay
	// for it.
	table   func() *table
	entries []entry         // of all protect lists
	nets    bart.Table[int] // protected networks, with their index in entries
}

// An entry is an entry of a protect list, with the name of the list's file.
type entry struct {
	protected
	file string
}

func (e entry) String() string { return fmt.Sprintf("(%s:%d: %s)", e.file, e.line, e.protected) }

// The index stores a ref for each name. Its low bits are the flags below. The bits from
// entryBit on are the index of a protect entry in Guard.entries.
const (
	suffix    uint32 = 1 << iota // the name is a public suffix
	wildcard                     // all names one label below are public suffixes
	exception                    // the name is not a public suffix, in spite of a wildcard above
	special                      // the name and all names below it are special-use
	subtree                      // the name and all names below it are protected
	exact                        // the name is protected, but not the names below it
	entryBit  = iota
)

// below contains the flags for which the names above are held as well.
const below = suffix | wildcard | subtree | exact

// builtIn is the only Guard without a protect list, so that its index is built only once.
var builtIn = withLists()

// New returns a Guard with the built-in rules and the operator's protect lists. Nil and empty
// lists are ignored.
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
		if _, twice := g.nets.Get(e.net); !twice { // messages name the first entry
			g.nets.Insert(e.net, i)
		}
	}
	g.table = sync.OnceValue(g.build)
	return g
}

// build puts the built-in rules and the protected names into one index. A second index would
// cost each name a second look-up, and building this one takes only milliseconds.
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

// merge combines the refs of a name into one ref. If the name has several protect entries,
// merge keeps the first "name" entry. If all of them are "=name" entries, merge keeps the
// first one.
func merge(values []uint32) (ref uint32) {
	for _, v := range values {
		if v&subtree > ref&subtree || v&exact != 0 && ref&(subtree|exact) == 0 {
			ref = ref&(1<<entryBit-1) | v>>entryBit<<entryBit
		}
		ref |= v & (1<<entryBit - 1)
	}
	return ref
}

// A finding is the combination of all rules for a name.
type finding struct {
	own  uint32 // the ref of the name itself
	over uint32 // the flags of the name and of all its ancestors
	// cover is the ref of the highest protected subtree that contains the name. It is set if
	// over has the subtree bit.
	cover   uint32
	isUnder bool // a wildcard one label above makes the name a public suffix
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

// A hitBuffer has space for the hits on the path to a name. Only deeply nested protect lists have
// more rules above a name; then Walk allocates.
type hitBuffer [8]index.Hit

// Name returns the reason why a target at n must be held, or "" if it need not be held. These
// names are held:
//
//   - the root and the top-level domains
//   - public suffixes and the names above them
//   - special-use names and the names below them
//   - protected names and the names above them; also the names below them,
//     except below a "=name" entry
//
// For a "*." target, n is its base. The match of the target does not matter: an exact target
// at the parent of a protected name is held too. That target would not block the protected
// name, but most likely it is a mistake. If it is not, the order can use "force".
//
// Name does not allocate if it returns "".
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
		return "is the root" // no other reason is needed, because all names are below the root
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

// Protected reports whether a query name is on the operator's protect lists: at or below a
// "name" entry, or equal to a "=name" entry.
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
