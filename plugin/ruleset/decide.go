package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// maxBelow bounds the names below a blocked one that are looked at to find out
// whether NXDOMAIN is true for them all. Beyond it the answer is the one that
// is always true, NODATA, so that no name costs a query more than this.
const maxBelow = 256

// Asked is a name about to be judged.
type Asked struct {
	dname.Wire
	// Service is the number of leading labels that make an HTTPS or SVCB query
	// one about the host behind them, as in "_8443._https.host" (RFC 9460,
	// section 2.3); exact targets cover those too.
	Service int
}

// path are the rules at a name and above it.
type path struct {
	hits []hit
	// below: a rule that can make a difference hangs below the name.
	below bool
	// cancels: an exception or a lift is among the rules.
	cancels bool
}

// hit is the rules of one part at one name of the path.
type hit struct {
	part   *Part
	rules  []rule
	labels int
}

// pathRoom is how many names with rules a path holds without allocating.
const pathRoom = 12

// Covers reports whether any rule stands at the name or above it. If not, the
// name passes for everyone at all times.
func (s *Set) Covers(name *dname.Wire) bool {
	var buf [pathRoom]index.Hit
	for _, p := range s.segments {
		if hits, _ := p.names.Walk(name, buf[:0]); len(hits) > 0 {
			return true
		}
	}
	return false
}

// Decide judges a name for a client at a time, in whole Unix seconds. It does
// not allocate. The DNS query type plays no part but through q.Service; what a
// type changes is the answer's business.
func (s *Set) Decide(q *Asked, c Client, now order.Time) Verdict {
	var room [pathRoom]hit
	p := s.walk(&q.Wire, room[:0])
	if len(p.hits) == 0 {
		return Verdict{Until: Forever}
	}
	v := s.judge(&p, place{q.NumLabels(), q.NumLabels() - q.Service, false}, c, now)
	if v.Order == nil {
		return v
	}
	until := Forever
	v.Below, until = s.below(q, &p, c, now)
	if v.Response.Kind == order.NXDOMAIN && v.Below == BelowNXDOMAIN {
		v.Until = min(v.Until, until)
	}
	return v
}

// walk collects the rules at w and above it, those of the longest name first.
func (s *Set) walk(w *dname.Wire, hits []hit) path {
	p := path{hits: hits}
	for _, part := range s.segments {
		var buf [pathRoom]index.Hit
		found, below := part.names.Walk(w, buf[:0])
		p.below = p.below || below
		for _, f := range found {
			rules := part.list(f.Ref)
			p.cancels = p.cancels || rules[0].kind < blockExact
			p.hits = append(p.hits, hit{part, rules, f.Labels})
		}
	}
	// Insertion sort: the few hits of each part are in order already, and
	// equally long names of several parts keep the parts' order.
	for i := 1; i < len(p.hits); i++ {
		for j := i; j > 0 && p.hits[j].labels > p.hits[j-1].labels; j-- {
			p.hits[j], p.hits[j-1] = p.hits[j-1], p.hits[j]
		}
	}
	return p
}

// list returns the rules that start at ref.
func (p *Part) list(ref uint32) []rule {
	end := ref
	for !p.rules[end].last {
		end++
	}
	return p.rules[ref : end+1]
}

// place is the name to judge, as a place on a path.
type place struct {
	labels int // of the name
	// host is the number of labels of the host that a service name stands for,
	// equal to labels otherwise.
	host int
	// generic: not the name itself but any name below it that the set does not
	// mention.
	generic bool
}

// covers reports whether a rule at a name of that many labels covers the place.
func (at place) covers(m order.Match, labels int) bool {
	switch m {
	case order.Exact:
		return !at.generic && (labels == at.labels || labels == at.host)
	case order.Below:
		return at.generic || labels < at.labels
	}
	return true
}

// judge finds the order that decides at a place of the path. The verdict's Below
// is not set.
func (s *Set) judge(p *path, at place, c Client, now order.Time) Verdict {
	v := Verdict{Until: Forever}
	var best *entry
	for i := range p.hits {
		h := &p.hits[i]
		if best != nil && h.labels < v.TargetLabels {
			break // a longer target has decided
		}
		for k := range h.rules {
			r := &h.rules[k]
			if r.kind < blockExact || !at.covers(r.kind.match(), h.labels) {
				continue
			}
			e := &h.part.entries[r.entry]
			// Another part may have a target of the same name that ranks higher.
			if best != nil && (r.kind.match() > v.Match || r.kind.match() == v.Match && precedence(best, e) < 0) {
				break
			}
			applies, until := s.applies(p, h.part, r, e, at, c, now)
			v.Until = min(v.Until, until)
			if applies {
				best = e
				v.Order, v.Response, v.TargetLabels, v.Match = &e.Order, e.response, h.labels, r.kind.match()
				break
			}
		}
	}
	return v
}

// applies reports whether a block rule that covers the place is enforced there,
// and until when that stays so at least.
func (s *Set) applies(p *path, part *Part, r *rule, e *entry, at place, c Client, now order.Time) (bool, order.Time) {
	if !e.scope.includes(c) {
		return false, Forever
	}
	holds, until := part.holds(r.sched, now)
	if !holds {
		return false, until
	}
	if exempt, end := e.exempt.covers(c, now); exempt {
		return false, end
	}
	if p.cancels && excepted(p, e, r.group) {
		return false, Forever
	}
	lift, next := s.lifter(p, e, at, c, now)
	if lift != nil {
		return false, next
	}
	return true, min(until, next)
}

// excepted reports whether an exception of the order covers the path's name.
// Exceptions hold for the name and all below it, whatever the place.
func excepted(p *path, e *entry, group uint32) bool {
	for i := range p.hits {
		h := &p.hits[i]
		for k := range h.rules {
			r := &h.rules[k]
			if r.kind != except {
				break
			}
			if &h.part.entries[r.entry] == e && (r.group == 0 || r.group == group) {
				return true
			}
		}
	}
	return false
}

// lifter returns the lift in force that takes the place out of the order, nil
// when there is none, and until when that stays so at least.
func (s *Set) lifter(p *path, e *entry, at place, c Client, now order.Time) (*entry, order.Time) {
	until := Forever
	for _, w := range s.whole[e.ID] {
		if !w.entry.scope.includes(c) {
			continue
		}
		holds, next := w.part.holds(w.entry.sched, now)
		if holds {
			return w.entry, next
		}
		until = min(until, next)
	}
	if !p.cancels {
		return nil, until
	}
	for i := range p.hits {
		h := &p.hits[i]
		for k := range h.rules {
			r := &h.rules[k]
			if r.kind >= blockExact {
				break
			}
			if !r.kind.isLift() || !at.covers(r.kind.match(), h.labels) {
				continue
			}
			l := &h.part.entries[r.entry]
			if !l.reaches(e) || !l.scope.includes(c) || excepted(p, l, r.group) {
				continue
			}
			holds, next := h.part.holds(r.sched, now)
			if holds {
				return l, next
			}
			until = min(until, next)
		}
	}
	return nil, until
}

// reaches reports whether a lift reaches an order: always one that it names;
// without names, those of the same authority at an earlier place in history.
func (l *entry) reaches(e *entry) bool {
	if e.action != order.Block {
		return false
	}
	if len(l.lifts) > 0 {
		_, ok := slices.BinarySearch(l.lifts, e.ID)
		return ok
	}
	a, b := &l.Terms.Authority, &e.Terms.Authority
	if a.Name != b.Name || a.Country != b.Country || e.place == order.NoTime {
		return false
	}
	switch {
	case e.place != l.place:
		return e.place < l.place
	case e.from != l.from:
		return e.from < l.from
	case e.file == l.file:
		return e.index < l.index
	}
	// Between files nothing says which came first. To lift is the reading that
	// blocks nobody without an order; Merge warns.
	return true
}

// below says what names below q get, and until when that stays so at least.
func (s *Set) below(q *Asked, p *path, c Client, now order.Time) (Below, order.Time) {
	at := place{q.NumLabels(), q.NumLabels(), true}
	v := s.judge(p, at, c, now)
	if v.Order == nil {
		return BelowPasses, v.Until
	}
	worst, until := BelowNXDOMAIN, v.Until
	if v.Response.Kind != order.NXDOMAIN {
		worst = BelowBlocked
	}
	if !p.below {
		return worst, until
	}
	// What an unmentioned name below gets, all get but for those with, or under,
	// an exception, a lift, or a block of another form: the marked names.
	looked := 0
	var name dname.Wire
	for _, part := range s.segments {
		for i := part.names.FirstMarked(&q.Wire); part.names.Marked(i, &name) && q.Covers(&name); i++ {
			if looked++; looked > maxBelow {
				return BelowPasses, until
			}
			var room [pathRoom]hit
			lower := s.walk(&name, room[:0])
			for _, generic := range [...]bool{false, true} {
				v := s.judge(&lower, place{name.NumLabels(), name.NumLabels(), generic}, c, now)
				until = min(until, v.Until)
				switch {
				case v.Order == nil:
					return BelowPasses, until
				case v.Response.Kind != order.NXDOMAIN:
					worst = BelowBlocked
				}
			}
		}
	}
	return worst, until
}
