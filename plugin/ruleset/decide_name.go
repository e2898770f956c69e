package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// A QName is a name to decide about, usually the name that the client asked for.
type QName struct {
	dname.Wire
	// Service is the number of leading labels that name a service. In "_8443._https.host" it is 2
	// (RFC 9460, section 2.3). An exact target of the host covers the service too.
	Service int
}

// ServiceLabels returns the number of leading labels with an underscore, at most 2.
func (q *QName) ServiceLabels() (n int) {
	for k := q.NumLabels(); n < 2 && k > 1 && q.Label(k)[0] == '_'; k-- {
		n++
	}
	return n
}

type path struct {
	hits           []hit
	below          bool
	excepts, lifts bool
	uneven         bool
}

type hit struct {
	part   *Part
	rules  []rule
	labels int // the number of labels of the name, or the prefix length of the network
	held   *heldNode
	long   *longList
}

const pathRoom = 12

// Covers reports whether the set has rules at or above the name. A name without rules always
// passes.
func (s *Set) Covers(name *dname.Wire) bool {
	for _, p := range s.segments {
		if p.names.Covers(name) {
			return true
		}
	}
	return false
}

// A Query contains the client, the time and the options of a decision.
type Query struct {
	Client Client
	Now    order.Time // whole Unix seconds
	// QName is the name that the client asked for. Set QName only for a decision about a name in an
	// answer. An exception or a lift for QName lets the answer pass.
	QName  *QName
	Shadow bool
}

// Decide returns the verdict about a name. Only the field Service of the name depends on the query
// type.
func (s *Set) Decide(name *QName, q Query) Verdict {
	var room [pathRoom]hit
	p := s.walk(&name.Wire, room[:0])
	if len(p.hits) == 0 {
		return Verdict{Until: Forever}
	}
	j := judgement{Set: s, c: q.Client, now: q.Now, shadow: q.Shadow}
	if q.QName != nil {
		// Clearing the array costs as much as a look-up, so declare the array only where needed.
		var room [pathRoom]hit
		j.asked, j.askedAt = s.walk(&q.QName.Wire, room[:0]), q.QName.position()
	}
	d := j.judge(&p, name.position())
	if d.entry == nil {
		return Verdict{Until: d.until, CountryDependent: j.scoped, PassedForQName: j.spared}
	}
	if q.QName != nil && s.protected(q.QName) {
		return Verdict{Until: Forever, CountryDependent: j.scoped, PassedForQName: true}
	}
	below, until := j.below(name, &p, d)
	return Verdict{Order: &d.entry.Order, Response: d.entry.response, TargetLabels: d.labels, Match: d.match,
		Subtree: below, Until: min(d.until, until), CountryDependent: j.scoped}
}

type judgement struct {
	*Set
	c      Client
	now    order.Time
	shadow bool
	// strict is set if lifts with exceptions are ignored.
	strict  bool
	asked   path
	askedAt position
	scoped  bool
	spared  bool
}

// The guard gets a copy of the name, because the argument of an interface method escapes to the
// heap.
func (s *Set) protected(asked *QName) bool {
	if s.opt.Guard == nil {
		return false
	}
	w := asked.Wire
	return s.opt.Guard.Protected(&w)
}

func (q *QName) position() position { return position{q.NumLabels(), q.NumLabels() - q.Service, false} }

func (s *Set) walk(w *dname.Wire, hits []hit) path {
	p := path{hits: hits}
	for _, part := range s.segments {
		var buf [pathRoom]index.Hit
		found, below := part.names.Walk(w, buf[:0])
		p.below = p.below || below
		for _, f := range found {
			rules := part.list(f.Ref)
			h := hit{part, rules, f.Labels, s.held.at(w.Suffix(f.Labels)), s.longList(part.longList(f.Ref))}
			if rules[0].kind < blockExact {
				p.addKinds(&h)
			}
			p.hits = append(p.hits, h)
		}
	}
	p.sort()
	return p
}

func (p *path) addKinds(h *hit) {
	p.excepts = p.excepts || h.rules[0].kind == except
	if h.long != nil {
		ends := &h.long.ends
		p.lifts = p.lifts || ends[liftBelow] > ends[except]
		p.uneven = p.uneven || ends[liftExact] > ends[except] || ends[liftBelow] > ends[liftSubtree]
		return
	}
	for i := 0; i < len(h.rules) && h.rules[i].kind < blockExact; i++ {
		k := h.rules[i].kind
		p.lifts = p.lifts || k.isLift()
		p.uneven = p.uneven || k == liftExact || k == liftBelow
	}
}

func (p *path) sort() {
	// The sort must be stable to keep the sequence of the parts.
	for i := 1; i < len(p.hits); i++ {
		for j := i; j > 0 && p.hits[j].labels > p.hits[j-1].labels; j-- {
			p.hits[j], p.hits[j-1] = p.hits[j-1], p.hits[j]
		}
	}
}

func (p *Part) list(ref uint32) []rule {
	if x := p.longList(ref); x != nil {
		return p.rules[ref : ref+uint32(x.ends[blockBelow])]
	}
	end := ref
	for !p.rules[end].last {
		end++
	}
	return p.rules[ref : end+1]
}

type position struct {
	labels  int // the number of labels of the name
	host    int
	generic bool
}

func (at position) covers(m order.Match, labels int) bool {
	switch m {
	case order.Exact:
		return !at.generic && (labels == at.labels || labels == at.host)
	case order.BelowOnly:
		return at.generic || labels < at.labels
	}
	return true
}

type decision struct {
	entry      *entry // the deciding order's entry, or nil if the name passes
	labels     int    // the number of labels of the deciding target
	match      order.Match
	everywhere bool
	until      order.Time
}

func (j *judgement) judge(p *path, at position) decision {
	d := decision{until: Forever, everywhere: !p.uneven}
	for i := range p.hits {
		h := &p.hits[i]
		if d.entry != nil && h.labels < d.labels {
			break // a longer target has already decided
		}
		for k := h.skip(j, 0, d.until); k < len(h.rules); k = h.skip(j, k+1, d.until) {
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
			if d.entry != nil && (match > d.match || match == d.match && precedence(d.entry, e) < 0) {
				break
			}
			applies, until := j.applies(p, h.part, r, e, at, d.until)
			d.until = min(d.until, until)
			if applies {
				d.entry, d.labels, d.match = e, h.labels, match
				break
			}
		}
	}
	return d
}

func (j *judgement) applies(p *path, part *Part, r *rule, e *entry, at position, known order.Time) (bool, order.Time) {
	on, until := part.inForceAt(r.sched, j.now)
	if !on && until == Forever || p.excepts && excepted(p, part, r.entry, r.group) || !j.includes(e) {
		return false, Forever
	}
	off := order.NoTime
	if !on {
		off = until
	}
	if exempt, end := e.exempt.covers(j.c, j.now); exempt {
		off = max(off, end)
	}
	if off >= known && off != order.NoTime {
		return false, off
	}
	lift, next := j.lifter(p, e, at)
	if lift != nil {
		off = max(off, next)
	}
	if off != order.NoTime {
		return false, off
	}
	if j.asked.excepts && excepted(&j.asked, part, r.entry, r.group) {
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

func (j *judgement) includes(e *entry) bool {
	if e.scope.reaches(j.c.Addr) {
		return true
	}
	j.scoped = j.scoped || e.scope.hasCountries()
	return e.scope.has(j.c.Country)
}

const anyLabel = "blocklist--any"

// SetBelow sets q to a name below n that no order contains. If this name would be too long, q
// becomes n, and the result is false.
func (q *QName) SetBelow(n dname.Name) bool {
	q.Service = 0
	wire := string(rune(len(anyLabel))) + anyLabel + n.Wire()
	if len(wire) > dname.MaxWire {
		q.SetName(n)
		return false
	}
	q.SetWire([]byte(wire))
	return true
}
