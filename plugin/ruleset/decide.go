package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// Asked is a name about to be judged.
type Asked struct {
	dname.Wire
	// Service is the number of leading labels that make an HTTPS or SVCB query
	// one about the host behind them, as in "_8443._https.host" (RFC 9460,
	// section 2.3); exact targets cover those too.
	Service int
}

// ServiceLabels returns how many leading labels of the name could be those of a
// service, the port and the scheme: one or two that begin with an underscore.
func (q *Asked) ServiceLabels() (n int) {
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
	labels int // of the name; of a network, its prefix length
	// held is the name or network when the guard holds targets there.
	held *heldPlace
	// crowd is set when the rules are very many.
	crowd *crowd
}

// pathRoom is how many names with rules a path holds without allocating.
const pathRoom = 12

// Covers reports whether any rule stands at the name or above it. If not, the
// name passes for everyone at all times.
func (s *Set) Covers(name *dname.Wire) bool {
	for _, p := range s.segments {
		if p.names.Covers(name) {
			return true
		}
	}
	return false
}

// Query is what a name or an address is judged for.
type Query struct {
	Client Client
	Now    order.Time // whole Unix seconds
	// Asked is the name that was asked when it is not the one judged, but the
	// answer for it leads there: orders that leave the asked name out, by an
	// exception or a lift, leave out where it leads as well. Nil otherwise.
	Asked *Asked
	// Shadow judges as if the orders in shadow were in force.
	Shadow bool
}

// Decide judges a name for a client at a time.
func (s *Set) Decide(q *Asked, c Client, now order.Time) Verdict {
	return s.Judge(q, Query{Client: c, Now: now})
}

// Judge judges a name. It does not allocate (but see protected). The DNS query type
// plays no part but through name.Service; what a type changes is the answer's
// business.
func (s *Set) Judge(name *Asked, q Query) Verdict {
	var room [pathRoom]hit
	p := s.walk(&name.Wire, room[:0])
	if len(p.hits) == 0 {
		return Verdict{Until: Forever}
	}
	j := judgement{Set: s, c: q.Client, now: q.Now, shadow: q.Shadow}
	if q.Asked != nil {
		var room [pathRoom]hit // here, since clearing it costs all others as much as a look-up
		j.asked, j.askedAt = s.walk(&q.Asked.Wire, room[:0]), q.Asked.place()
	}
	d := j.judge(&p, name.place())
	if d.entry == nil {
		return Verdict{Until: d.until, Scoped: j.scoped, Spared: j.spared}
	}
	if q.Asked != nil && s.protected(q.Asked) {
		return Verdict{Until: Forever, Scoped: j.scoped, Spared: true}
	}
	below, until := j.below(name, &p, d)
	return Verdict{Order: &d.entry.Order, Response: d.entry.response, TargetLabels: d.labels, Match: d.match,
		Below: below, Until: min(d.until, until), Scoped: j.scoped}
}

// JudgeAddress judges an address in an answer: as it is written, and if that passes, by
// the IPv4 addresses inside. The verdict has no target name, because the name that it
// blocks is the asked one.
func (s *Set) JudgeAddress(a netip.Addr, q Query) Verdict {
	if !s.networks {
		return Verdict{Until: Forever}
	}
	v := s.judgeAddress(a, &q)
	for i := range s.embeddings {
		if v.Blocked() {
			break
		}
		if v4, ok := s.embeddings[i].inside(a); ok {
			x := s.judgeAddress(v4, &q)
			x.Until, x.Scoped = min(x.Until, v.Until), x.Scoped || v.Scoped
			x.Spared = x.Spared || v.Spared && !x.Blocked()
			v = x
		}
	}
	return v
}

func (s *Set) judgeAddress(a netip.Addr, q *Query) Verdict {
	var room [pathRoom]hit
	p := s.addressPath(a, room[:0])
	if len(p.hits) == 0 {
		return Verdict{Until: Forever}
	}
	j := judgement{Set: s, c: q.Client, now: q.Now, shadow: q.Shadow}
	if q.Asked != nil {
		var room [pathRoom]hit // here, since clearing it costs all others as much as a look-up
		j.asked, j.askedAt = s.walk(&q.Asked.Wire, room[:0]), q.Asked.place()
	}
	d := j.judge(&p, place{}) // a network covers all its addresses
	if d.entry == nil {
		return Verdict{Until: d.until, Scoped: j.scoped, Spared: j.spared}
	}
	if q.Asked != nil && s.protected(q.Asked) {
		return Verdict{Until: Forever, Scoped: j.scoped, Spared: true}
	}
	return Verdict{Order: &d.entry.Order, Response: d.entry.response, TargetLabels: dname.MaxLabels, Match: d.match,
		Below: BelowBlocked, Until: d.until, Scoped: j.scoped}
}

// judgement is one query being judged.
type judgement struct {
	*Set
	c      Client
	now    order.Time
	shadow bool
	// asked is the path of the asked name when another one is judged; empty
	// when no rule stands there that could spare it.
	asked   path
	askedAt place
	// scoped: an order was met that is for some countries only.
	scoped bool
	// spared: an order was met that leaves this out for the asked name's sake.
	spared bool
}

// protected reports whether the operator's guard protects an asked name. It gets a
// copy, so that names on their callers' stacks can stay there: an answer that leads
// to a name that is blocked costs one allocation, everything else none.
func (s *Set) protected(asked *Asked) bool {
	if s.opt.Guard == nil {
		return false
	}
	w := asked.Wire
	return s.opt.Guard.Protected(&w)
}

// place is where the name stands on its own path.
func (q *Asked) place() place { return place{q.NumLabels(), q.NumLabels() - q.Service, false} }

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
			p.hits = append(p.hits, hit{part, rules, f.Labels, s.held.at(w.Suffix(f.Labels)), part.crowd(f.Ref)})
		}
	}
	p.sort()
	if len(s.views) > 0 {
		s.look(w, p.hits)
	}
	return p
}

// sort puts the longest names first.
func (p *path) sort() {
	// Insertion sort: the few hits of each part are in order already, and
	// equally long names of several parts keep the parts' order.
	for i := 1; i < len(p.hits); i++ {
		for j := i; j > 0 && p.hits[j].labels > p.hits[j-1].labels; j-- {
			p.hits[j], p.hits[j-1] = p.hits[j-1], p.hits[j]
		}
	}
}

// list returns the rules that start at ref.
func (p *Part) list(ref uint32) []rule {
	if c := p.crowd(ref); c != nil {
		return p.rules[ref : ref+uint32(c.ends[blockBelow])]
	}
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
func (j *judgement) judge(p *path, at place) decision {
	d := decision{until: Forever, everywhere: !p.cancels}
	for i := range p.hits {
		h := &p.hits[i]
		if d.entry != nil && h.labels < d.labels {
			break // a longer target has decided
		}
		for k := h.skip(j, 0); k < len(h.rules); k = h.skip(j, k+1) {
			r := &h.rules[k]
			if r.kind < blockExact || r.shadow && !j.shadow {
				continue
			}
			match := r.kind.match()
			if h.held != nil && !h.part.entries.at(r.entry).force.covers(h.held, match) {
				continue
			}
			d.everywhere = d.everywhere && match == order.Subtree
			if !at.covers(match, h.labels) {
				k = h.last(k)
				continue
			}
			e := h.part.entries.at(r.entry)
			// Another part may have a target of the same name that ranks higher.
			if d.entry != nil && (match > d.match || match == d.match && precedence(d.entry, e) < 0) {
				break
			}
			applies, until := j.applies(p, h.part, r, e, at)
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
func (j *judgement) applies(p *path, part *Part, r *rule, e *entry, at place) (bool, order.Time) {
	holds, until := part.holds(r.sched, j.now)
	if !holds && until == Forever || p.cancels && excepted(p, e, r.group) || !j.includes(e) {
		return false, Forever
	}
	// An order that is yet to start does not end the answers of those whom it will
	// not reach then: the reason that lasts longest counts.
	off := order.NoTime
	if !holds {
		off = until
	}
	if exempt, end := e.exempt.covers(j.c, j.now); exempt {
		off = max(off, end)
	}
	lift, next := j.lifter(p, e, at)
	if lift != nil {
		off = max(off, next)
	}
	if off != order.NoTime {
		return false, off
	}
	if j.asked.cancels && excepted(&j.asked, e, r.group) {
		j.spared = true
		return false, Forever
	}
	spared, end := j.askedLifted(e)
	if spared {
		j.spared = true
		return false, end
	}
	return true, min(until, next, end)
}

// includes reports whether an order is for the client. It is asked before an order
// is in force, too: a cache may keep the answer until then.
func (j *judgement) includes(e *entry) bool {
	if e.scope.reaches(j.c.Addr) {
		return true
	}
	j.scoped = j.scoped || e.scope.hasCountries()
	return e.scope.has(j.c.Country)
}
