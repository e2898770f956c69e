package ruleset

import (
	"cmp"
	"iter"
	"slices"
)

const (
	ownSegment = 20_000
	maxOwn     = 2
)

// maxMerged limits the index bytes of a merged segment. An index has room for 4 GiB.
var maxMerged = 3 << 30

// Merge combines parts into a Set. All parts must be compiled with opt. The orders must have
// different ids (see Duplicates).
func Merge(parts []*Part, opt Options) *Set {
	s := &Set{number: sets.Add(1), parts: slices.Clone(parts), opt: opt, embeddings: embeddingsWith(opt.NAT64)}
	bySize := slices.Clone(parts)
	slices.SortStableFunc(bySize, func(a, b *Part) int { return cmp.Compare(b.names.Len(), a.names.Len()) })
	own := 0
	for own < min(maxOwn, len(bySize)) && bySize[own].names.Len() >= ownSegment {
		own++
	}
	for _, p := range bySize[:own] {
		s.segment(p)
	}
	small := slices.DeleteFunc(slices.Clone(parts), func(p *Part) bool { return slices.Contains(bySize[:own], p) })
	for len(small) > 0 {
		n := 1
		for sum := small[0].names.Bytes(); n < len(small); n++ {
			if sum += small[n].names.Bytes(); sum > maxMerged {
				break
			}
		}
		s.segment(small[:n]...)
		small = small[n:]
	}
	for _, p := range s.segments {
		s.countries = s.countries || p.countries
		s.shadows = s.shadows || p.shadows
		s.networks = s.networks || p.addrs != nil
	}
	s.findWhole()
	s.hold()
	s.findLiftings()
	s.findLifted()
	return s
}

func (s *Set) segment(parts ...*Part) {
	p := parts[0]
	if len(parts) > 1 {
		p = mergeParts(parts)
	}
	s.segments, s.sources = append(s.segments, p), append(s.sources, parts)
}

func (s *Set) findWhole() {
	s.whole = map[string][]wholeLift{}
	for _, p := range s.segments {
		for _, i := range p.whole {
			l := p.entries.at(i)
			for _, id := range l.lifts {
				s.whole[id] = append(s.whole[id], wholeLift{p, l, i})
			}
		}
	}
}

func mergeParts(parts []*Part) *Part {
	b := NewBuilder("", Options{})
	for _, p := range parts {
		b.take(p, func(*entry) bool { return true })
	}
	p, _ := b.Freeze() // each part has already reported its warnings
	return p
}

const dropped = ^uint32(0)

func (b *Builder) take(p *Part, change func(*entry) bool) (scheds, entries []uint32) {
	b.part.shadows = b.part.shadows || p.shadows
	b.part.ownDates = b.part.ownDates || p.ownDates
	scheds, entries = make([]uint32, len(p.schedules)), make([]uint32, 0, p.entries.n)
	for i, s := range p.schedules {
		scheds[i] = b.schedule(p.intervals[s.off : s.off+s.n])
	}
	for _, e := range p.entries.all() {
		own := *e
		own.sched = scheds[e.sched]
		if !change(&own) {
			entries = append(entries, dropped)
			continue
		}
		entries = append(entries, uint32(b.part.entries.n))
		b.entry(own)
	}
	for _, w := range p.whole {
		if entries[w] != dropped {
			b.part.whole = append(b.part.whole, entries[w])
		}
	}
	kept := func(rules []rule) iter.Seq[rule] {
		return func(yield func(rule) bool) {
			for _, r := range rules {
				r.entry, r.sched, r.last, r.long = entries[r.entry], scheds[r.sched], false, false
				if r.entry != dropped && !yield(r) {
					return
				}
			}
		}
	}
	for name, ref := range p.names.All() {
		for r := range kept(p.list(ref)) {
			b.rule(name, r)
		}
	}
	for x, rules := range p.networks() {
		for r := range kept(rules) {
			b.address(x, r)
		}
	}
	return scheds, entries
}
