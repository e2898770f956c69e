// Package guard finds targets of orders that must not be blocked by mistake: public suffixes,
// special-use names and addresses, and the names and addresses in the operator's protect
// lists. Such a target is held, which means that it is not enforced. The package only finds
// the reason. The caller holds back the target, reports the target, and checks whether the
// order has a reason ("force") to be enforced in spite of the guard.
//
// One index contains all rules. A name is held because of a rule at the name, a rule at a name
// above it, or a rule at a name below it. One call of index.Walk finds these rules.
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

// A Guard finds targets of orders that must be held. A held target is not enforced, and is
// reported to the operator. A Guard is immutable and safe for concurrent use.
type Guard struct {
	// table builds the index at the first call. A process without orders therefore does not
	// build the index.
	table   func() *table
	entries []entry         // the entries of all protect lists
	nets    bart.Table[int] // the networks in protect lists; a value is an index of entries
}

// An entry is one entry of a protect list, and the name of the list's file.
type entry struct {
	protected
	file string
}

func (e entry) String() string { return fmt.Sprintf("(%s:%d: %s)", e.file, e.line, e.protected) }

// The index stores a number, the ref, for each name with a rule. The low bits of the ref are
// the flags below. The high bits, from entryBit on, are an index of Guard.entries, for a name
// in a protect list.
const (
	suffix    uint32 = 1 << iota // the name is a public suffix
	wildcard                     // each name one label below the name is a public suffix
	exception                    // the name is not a public suffix, although a wildcard is above the name
	special                      // the name and all names below it are special-use
	subtree                      // the name and all names below it are protected
	exact                        // the name is protected, but not the names below it
	entryBit  = iota
)

// below contains the flags of rules because of which the names above are held too. For
// example, a target above a public suffix is held, because a block of the target would also
// block the public suffix.
const below = suffix | wildcard | subtree | exact

// builtIn is the Guard without a protect list. All callers share it, so that its index is
// built only once.
var builtIn = withLists()

// New returns a Guard with the built-in rules and with the entries of the protect lists. A
// list that is nil or empty is ignored.
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
	g.table = sync.OnceValue(g.build)
	return g
}

// build puts the built-in rules and the names of the protect lists into one index. The
// built-in rules have no index of their own, because each name would then need two look-ups.
// The time to build the index is only milliseconds.
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

// merge combines all refs (the numbers that stand for rules) of one name into one ref. If
// several protect lists have the name, merge keeps the first "name" entry. If there are only
// "=name" entries, merge keeps the first "=name" entry.
func merge(values []uint32) (ref uint32) {
	for _, v := range values {
		if v&subtree > ref&subtree || v&exact != 0 && ref&(subtree|exact) == 0 {
			ref = ref&(1<<entryBit-1) | v>>entryBit<<entryBit
		}
		ref |= v & (1<<entryBit - 1)
	}
	return ref
}

// A finding is the result of all rules at a name and above the name.
type finding struct {
	own  uint32 // the ref of the rules at the name itself
	over uint32 // the flags of the rules at the name and at all names above it
	// cover is the ref of the highest "name" entry of a protect list at or above the name. It
	// is valid if over has the bit subtree.
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

// A hitBuffer has space for the rules at a name and above it. The space is on the stack, so
// that a look-up does not allocate. Only a protect list with many entries above one name needs
// more space, and then Walk allocates.
type hitBuffer [8]index.Hit

// Name returns the reason why the guard must hold back a target with the name n, so that the
// target is not enforced. It returns "" if there is no reason. These names are held:
//   - The root and the top-level domains are held.
//   - Public suffixes and the names above a public suffix are held.
//   - Special-use names and the names below a special-use name are held.
//   - The names in protect lists and the names above a protected name are held. The names
//     below an entry "name" are held too, but the names below an entry "=name" are not.
//
// For a target "*.name", n is the name without "*.". The kind of match of the target has no
// effect. An exact target above a protected name is held although it would not block the
// protected name, because the target is probably a mistake. If the target is correct, the
// order can use "force".
//
// Name does not allocate memory if the result is "".
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

// Protected reports whether a protect list protects the query name w. The name must be at or
// below an entry "name", or equal to an entry "=name".
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
