package ruleset

import (
	"cmp"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// BeginsLate reports whether the dates of an order or of a target begin after the deadline.
func BeginsLate(o *order.Order) bool {
	late := func(from, deadline order.Time) bool { return deadline != order.NoTime && from > deadline }
	return late(o.Begin(), o.Deadline) || slices.ContainsFunc(o.Targets, func(t order.Target) bool {
		return t.Attr != nil && enforceable(o.Action, &t) && late(max(o.Begin(), t.Attr.From), t.Attr.Deadline)
	})
}

// Follow records which orders of s came into force late. Call Follow before other goroutines use s.
//
// Do not call Follow for the first set of a server. The orders of the first set may have been in
// force before the restart.
func (s *Set) Follow(old *Set, now order.Time) {
	s.enteredLate = old.enteredLate
	fresh := map[string]bool{}
	for _, p := range s.parts {
		if slices.Contains(old.parts, p) {
			continue
		}
		for i := range p.deadlines {
			x := &p.deadlines[i]
			if e := p.entries.at(x.entry); x.at <= now && e.status == order.Active && !s.moot(p, x, now) {
				fresh[e.ID] = true
			}
		}
	}
	for _, p := range old.parts {
		if len(fresh) == 0 {
			return
		}
		if slices.Contains(s.parts, p) {
			continue
		}
		for _, e := range p.entries.all() {
			if e.status != order.Draft {
				delete(fresh, e.ID)
			}
		}
	}
	if len(fresh) > 0 {
		maps.Copy(fresh, old.enteredLate)
		s.enteredLate = fresh
	}
}

func (s *Set) late(p *Part, x *duty, now order.Time) bool {
	e, ivs, t := p.entries.at(x.entry), p.ivs(x.sched), x.of(p)
	if x.at > now || e.status != order.Active || t != nil && t.idle || len(ivs) == 0 {
		return false
	}
	from := ivs[0].from
	return from <= now && (from > x.at || s.enteredLate[e.ID]) && !s.moot(p, x, now)
}

func (s *Set) lateFor(p *Part, entry uint32, now order.Time) order.Time {
	first := order.NoTime
	i, _ := slices.BinarySearchFunc(p.deadlines, entry, func(x duty, entry uint32) int { return cmp.Compare(x.entry, entry) })
	for ; i < len(p.deadlines) && p.deadlines[i].entry == entry; i++ {
		if x := &p.deadlines[i]; s.late(p, x, now) && !s.blocked(p, x, now) && (first == order.NoTime || x.at < first) {
			first = x.at
		}
	}
	return first
}

// A MissedDeadline is a deadline that passed before its order was in force.
type MissedDeadline struct {
	Label    string // safe for all readers
	Lift     bool
	File     string
	Deadline order.Time
	State    State
	Target   bool
}

// MissedDeadlines returns the missed deadlines between two times. The target of a missed deadline
// is still not in force. The deadlines are in the sequence of the files.
func (s *Set) MissedDeadlines(then, now order.Time) (out []MissedDeadline) {
	var entries []*entry
	for _, p := range s.parts {
		for x, d := range s.missed(p, now, now) {
			if x.at <= then || !d.Overdue {
				continue
			}
			e := p.entries.at(x.entry)
			state, _ := s.state(p, e, now)
			entries = append(entries, e)
			out = append(out, MissedDeadline{Lift: e.action == order.Lift, File: *e.file, Deadline: x.at, State: state, Target: x.target != 0})
		}
	}
	for i, label := range s.labels(entries) {
		out[i].Label = label
	}
	return out
}
