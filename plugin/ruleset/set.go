package ruleset

import (
	"iter"
	"slices"
	"sync/atomic"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Set contains the orders of several files. It is immutable and safe for concurrent use.
type Set struct {
	parts       []*Part // one part for each file, in the sequence of loading
	segments    []*Part
	sources     [][]*Part // the parts of each segment
	whole       map[string][]wholeLift
	countries   bool
	shadows     bool // some order or target is in shadow
	networks    bool // some target, exception or lift is an address
	embeddings  []embedding
	enteredLate map[string]bool
	number      uint64 // see Number
	opt         Options
	held        held
	heldTargets []heldTarget
	heldOf      map[*entry]int32 // the number of held targets of each order
	liftings    map[*entry]*lifting
	relisted    map[*longList]*longList
}

type wholeLift struct {
	part   *Part
	entry  *entry
	number uint32 // the number of the lift's entry in its part
}

func (l wholeLift) shadow() bool { return l.entry.status == order.Shadow }

func (l wholeLift) forAll() bool { return !l.shadow() && l.entry.forAll() }

func (s *scope) hasCountries() bool { return s != nil && len(s.countries) > 0 }

// DependsOnCountry reports whether any order depends on the country of the client.
func (s *Set) DependsOnCountry() bool { return s.countries }

// HasShadow reports whether any order or target is in shadow.
func (s *Set) HasShadow() bool { return s.shadows }

// Empty reports whether the set has no rules.
func (s *Set) Empty() bool {
	return !slices.ContainsFunc(s.segments, func(p *Part) bool { return p.names.Len() > 0 || p.addrs != nil })
}

var sets atomic.Uint64

// Number returns the number of the set in this process. Later sets have higher numbers.
func (s *Set) Number() uint64 { return s.number }

// Parts returns the parts of the set, in the sequence of loading.
func (s *Set) Parts() []*Part { return slices.Clone(s.parts) }

func (s *Set) partSet() map[*Part]bool {
	parts := map[*Part]bool{}
	for _, p := range s.parts {
		parts[p] = true
	}
	return parts
}

func (s *Set) all() iter.Seq2[*Part, *entry] {
	return func(yield func(*Part, *entry) bool) {
		for _, p := range s.parts {
			for _, e := range p.entries.all() {
				if !yield(p, e) {
					return
				}
			}
		}
	}
}
