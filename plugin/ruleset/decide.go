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

// serviceLabels returns how many leading labels of the name could be those of a
// service: one or two that begin with an underscore.
func (q *Asked) serviceLabels() (n int) {
	for k := q.NumLabels(); n < 2 && k > 1 && q.Label(k)[0] == '_'; k-- {
		n++
	}
	return n
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
	d := s.judge(&p, place{q.NumLabels(), q.NumLabels() - q.Service, false}, c, now)
	if d.entry == nil {
		return Verdict{Until: d.until}
	}
	below, until := s.below(q, &p, d, c, now)
	// While all names below are blocked, that decides too: an NXDOMAIN denies
	// them, and a denied DNSKEY (of any form) makes them bogus once one passes.
	if below != BelowPasses {
		d.until = min(d.until, until)
	}
	return Verdict{&d.entry.Order, d.entry.response, d.labels, d.match, below, d.until}
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

// decision is what judge finds, few words that are passed in registers.
type decision struct {
	entry  *entry // of the order that decides; nil when the name passes
	labels int    // of its target
	match  order.Match
	// everywhere: names below that the set does not mention get the same.
	everywhere bool
	until      order.Time
}

// judge finds the order that decides at a place of the path.
func (s *Set) judge(p *path, at place, c Client, now order.Time) decision {
	d := decision{until: Forever, everywhere: !p.cancels}
	for i := range p.hits {
		h := &p.hits[i]
		if d.entry != nil && h.labels < d.labels {
			break // a longer target has decided
		}
		for k := range h.rules {
			r := &h.rules[k]
			if r.kind < blockExact {
				continue
			}
			match := r.kind.match()
			d.everywhere = d.everywhere && match == order.Subtree
			if !at.covers(match, h.labels) {
				continue
			}
			e := &h.part.entries[r.entry]
			// Another part may have a target of the same name that ranks higher.
			if d.entry != nil && (match > d.match || match == d.match && precedence(d.entry, e) < 0) {
				break
			}
			applies, until := s.applies(p, h.part, r, e, at, c, now)
			d.until = min(d.until, until)
			if applies {
				d.entry, d.labels, d.match = e, h.labels, match
				break
			}
		}
	}
	return d
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

// below says what names below q get, for which d was decided, and until when that
// stays so at least.
//
// So does q itself as the name of a service, where the query's type decides (see
// Asked.Service): an NXDOMAIN speaks for all types of a name.
func (s *Set) below(q *Asked, p *path, d decision, c Client, now order.Time) (Below, order.Time) {
	worst, until := BelowNXDOMAIN, d.until
	if d.entry.response.Kind != order.NXDOMAIN {
		worst = BelowBlocked
	}
	if !d.everywhere {
		n := q.NumLabels()
		places := [...]place{{n, n, true}, {n, n, false}, {n, n - 1, false}, {n, n - 2, false}}
		for _, at := range places[:2+q.serviceLabels()] {
			d := s.judge(p, at, c, now)
			until = min(until, d.until)
			switch {
			case d.entry == nil:
				return BelowPasses, until
			case d.entry.response.Kind != order.NXDOMAIN:
				worst = BelowBlocked
			}
		}
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
				d := s.judge(&lower, place{name.NumLabels(), name.NumLabels(), generic}, c, now)
				until = min(until, d.until)
				switch {
				case d.entry == nil:
					return BelowPasses, until
				case d.entry.response.Kind != order.NXDOMAIN:
					worst = BelowBlocked
				}
			}
		}
	}
	return worst, until
}
