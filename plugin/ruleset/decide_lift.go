package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

func excepted(p *path, part *Part, entry, group uint32) bool {
	for i := range p.hits {
		h := &p.hits[i]
		if h.part != part {
			continue
		}
		// Exceptions are sorted by entry.
		for k := h.firstException(entry); k < len(h.rules); k++ {
			r := &h.rules[k]
			if r.kind != except || r.entry > entry {
				break
			}
			if r.entry == entry && (r.group == 0 || r.group == group) {
				return true
			}
		}
	}
	return false
}

type liftSearch struct {
	*judgement
	path   *path
	entry  *entry // the order's entry
	at     position
	lift   *entry
	end    order.Time
	begins order.Time
	// Some lifts include the client only by country. The first round skips these lifts. The second
	// round tries only these lifts.
	inCountry, leftOut bool
}

func (s *liftSearch) result() (*entry, order.Time) {
	if s.lift != nil {
		return s.lift, s.end
	}
	return nil, s.begins
}

func (s *liftSearch) done() bool { return s.lift != nil && s.end == Forever }

func (s *liftSearch) try(part *Part, l *entry, entry, sched, group uint32) {
	on, next := part.inForceAt(sched, s.now)
	if !on && next == Forever || s.strict && (l.excepts || group > 0) {
		return
	}
	if l.scope.reaches(s.c.Addr) == s.inCountry {
		s.leftOut = s.leftOut || !s.inCountry && l.scope.hasCountries()
		return
	}
	if s.inCountry && !s.includes(l) || s.path.excepts && excepted(s.path, part, entry, group) {
		return
	}
	switch {
	case !on:
		s.begins = min(s.begins, next)
	case s.lift == nil || next > s.end:
		s.lift, s.end = l, next
	}
}

func (j *judgement) lifter(p *path, e *entry, at position) (*entry, order.Time) {
	return j.findLift(p, e, at, j.whole[e.ID])
}

func (j *judgement) lifterAt(p *path, e *entry, at position) (*entry, order.Time) {
	return j.findLift(p, e, at, nil)
}

func (j *judgement) findLift(p *path, e *entry, at position, whole []wholeLift) (*entry, order.Time) {
	if len(whole) == 0 && !p.lifts {
		return nil, Forever
	}
	s := liftSearch{judgement: j, path: p, entry: e, at: at, begins: Forever}
	s.tryAll(whole)
	if s.leftOut && !s.done() {
		s.inCountry = true
		s.tryAll(whole)
	}
	return s.result()
}

func (s *liftSearch) tryAll(whole []wholeLift) {
	for _, w := range whole {
		if !w.shadow() || s.shadow {
			s.try(w.part, w.entry, w.number, w.entry.sched, 0)
		}
	}
	if !s.path.lifts {
		return
	}
	for i := range s.path.hits {
		if s.done() {
			return
		}
		s.tryHit(&s.path.hits[i])
	}
}

func (s *liftSearch) tryHit(h *hit) {
	if h.long == nil {
		for k := 0; k < len(h.rules) && h.rules[k].kind < blockExact; k++ {
			s.tryRule(h, uint32(k), false)
		}
		return
	}
	named, later := h.long.lifts.of(s.entry)
	for i := 0; i < len(named) && !s.done(); i++ {
		s.tryRule(h, named[i], true)
	}
	if s.done() || len(later) == 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(later, s.now, func(l listLift, now order.Time) int {
		if l.over <= now {
			return -1
		}
		return 1
	})
	for ; i < len(later) && !s.done(); i++ {
		s.tryRule(h, later[i].rule, false)
	}
}

func (s *liftSearch) tryRule(h *hit, k uint32, names bool) {
	r := &h.rules[k]
	if !r.kind.isLift() || r.shadow && !s.shadow || !s.at.covers(r.kind.match(), h.labels) {
		return
	}
	if l := h.part.entries.at(r.entry); names || l.reaches(s.entry) {
		s.try(h.part, l, r.entry, r.sched, r.group)
	}
}

func (j *judgement) askedLifted(e *entry) (bool, order.Time) {
	if !j.asked.lifts || !j.targets(&j.asked, e, j.askedAt) {
		return false, Forever
	}
	lift, until := j.lifterAt(&j.asked, e, j.askedAt)
	return lift != nil, until
}

func (j *judgement) targets(p *path, e *entry, at position) bool {
	for i := range p.hits {
		h := &p.hits[i]
		for k := blockExact; k <= blockBelow; k++ {
			if !at.covers(k.match(), h.labels) {
				continue
			}
			for _, r := range h.blocksOf(e, k) {
				if r.kind == k && (!r.shadow || j.shadow) && h.part.entries.at(r.entry) == e {
					return true
				}
			}
		}
	}
	return false
}
