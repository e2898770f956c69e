package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// A QName is a name to decide about, which is usually the name that the client asked for.
type QName struct {
	dname.Wire
	// Service is the number of leading labels that only denote a service in an HTTPS or SVCB
	// query, as in "_8443._https.host" (RFC 9460, section 2.3). The query is then about the
	// host that follows, and exact targets of the host cover the name.
	Service int
}

// ServiceLabels returns how many leading labels of the name may be the labels of a service,
// which are a port and a scheme: at most two labels that begin with an underscore.
func (q *QName) ServiceLabels() (n int) {
	for k := q.NumLabels(); n < 2 && k > 1 && q.Label(k)[0] == '_'; k-- {
		n++
	}
	return n
}

// A path contains the rules at a name and above it.
type path struct {
	hits []hit
	// below is set if a rule below the name may change the outcome for the names below.
	below bool
	// excepts is set if an exception is among the rules, and lifts if a lift is.
	excepts, lifts bool
	// uneven is set if a lift does not cover its name and all names below alike.
	uneven bool
}

// A hit contains the rules of one part at one name of the path.
type hit struct {
	part   *Part
	rules  []rule
	labels int // the number of labels of the name, or the prefix length of the network
	// held is the name or network if the guard holds targets there, else nil.
	held *heldNode
	// long is the index of the rules if there are many, else nil.
	long *longList
}

// pathRoom is the number of names with rules that fit in a path without an allocation.
const pathRoom = 12

// Covers reports whether any rule is at the name or above it. If not, the name passes for all
// clients at all times.
func (s *Set) Covers(name *dname.Wire) bool {
	for _, p := range s.segments {
		if p.names.Covers(name) {
			return true
		}
	}
	return false
}

// A Query has the client, the time and the other circumstances of a judgement.
type Query struct {
	Client Client
	Now    order.Time // in whole Unix seconds
	// QName is the name that the client asked for, if an answer leads from it to the decided
	// name. If an exception or a lift takes QName out of an order, the order does not apply to
	// the decided name either. QName is nil if the decided name is itself the asked name.
	QName *QName
	// Shadow judges as if the orders in shadow were in force.
	Shadow bool
}

// Decide decides about a name. It does not allocate (but see protected). The DNS query type
// matters only through name.Service. Other effects of the type are decided when the answer is
// built.
func (s *Set) Decide(name *QName, q Query) Verdict {
	var room [pathRoom]hit
	p := s.walk(&name.Wire, room[:0])
	if len(p.hits) == 0 {
		return Verdict{Until: Forever}
	}
	j := judgement{Set: s, c: q.Client, now: q.Now, shadow: q.Shadow}
	if q.QName != nil {
		// declared here, so that other queries do not clear it, which costs as much as a
		// look-up
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

// DecideAddress decides about an address in an answer. If the address passes, it also decides
// about the IPv4 addresses embedded in it. The verdict has no target name, because the name
// that is blocked is the asked name.
func (s *Set) DecideAddress(a netip.Addr, q Query) Verdict {
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
			x.Until, x.CountryDependent = min(x.Until, v.Until), x.CountryDependent || v.CountryDependent
			x.PassedForQName = x.PassedForQName || v.PassedForQName && !x.Blocked()
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
	if q.QName != nil {
		// declared here, so that other queries do not clear it, which costs as much as a
		// look-up
		var room [pathRoom]hit
		j.asked, j.askedAt = s.walk(&q.QName.Wire, room[:0]), q.QName.position()
	}
	d := j.judge(&p, position{}) // a network covers all its addresses
	if d.entry == nil {
		return Verdict{Until: d.until, CountryDependent: j.scoped, PassedForQName: j.spared}
	}
	if q.QName != nil && s.protected(q.QName) {
		return Verdict{Until: Forever, CountryDependent: j.scoped, PassedForQName: true}
	}
	return Verdict{Order: &d.entry.Order, Response: d.entry.response, TargetLabels: dname.MaxLabels, Match: d.match,
		Subtree: SubtreeBlocked, Until: d.until, CountryDependent: j.scoped}
}

// A judgement is the state of judging one query.
type judgement struct {
	*Set
	c      Client
	now    order.Time
	shadow bool
	// strict is set if lifts with exceptions do not count.
	strict bool
	// asked is the path of the asked name if another name is judged. It is empty if no rule is
	// at or above the asked name.
	asked   path
	askedAt position
	// scoped is set if an order was met that is for some countries only.
	scoped bool
	// spared is set if an order was met that does not apply because of the asked name.
	spared bool
}

// protected reports whether the operator's guard protects an asked name. It passes a copy to
// the guard, because a name that is passed to an interface escapes to the heap. The copy costs
// one allocation, only for an answer that leads to a blocked name.
func (s *Set) protected(asked *QName) bool {
	if s.opt.Guard == nil {
		return false
	}
	w := asked.Wire
	return s.opt.Guard.Protected(&w)
}

// position returns the position of the name on its own path.
func (q *QName) position() position { return position{q.NumLabels(), q.NumLabels() - q.Service, false} }

// walk collects the rules at w and above it, longest name first.
func (s *Set) walk(w *dname.Wire, hits []hit) path {
	p := path{hits: hits}
	for _, part := range s.segments {
		var buf [pathRoom]index.Hit
		found, below := part.names.Walk(w, buf[:0])
		p.below = p.below || below
		for _, f := range found {
			rules := part.list(f.Ref)
			h := hit{part, rules, f.Labels, s.held.at(w.Suffix(f.Labels)), part.longList(f.Ref)}
			if rules[0].kind < blockExact {
				p.addKinds(&h)
			}
			p.hits = append(p.hits, h)
		}
	}
	p.sort()
	return p
}

// addKinds records the kinds of the exceptions and lifts of a hit.
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

// sort sorts the hits, longest name first.
func (p *path) sort() {
	// Insertion sort: the few hits of each part are already sorted. The sort is stable, so
	// equally long names keep the sequence of the parts.
	for i := 1; i < len(p.hits); i++ {
		for j := i; j > 0 && p.hits[j].labels > p.hits[j-1].labels; j-- {
			p.hits[j], p.hits[j-1] = p.hits[j-1], p.hits[j]
		}
	}
}

// list returns the rules that start at ref.
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

// A position is where the decided name is on a path.
type position struct {
	labels int // the number of labels of the name
	// host is the number of labels of the host of a service name. It is equal to labels if the
	// name is not the name of a service.
	host int
	// generic is set for a name below that the set does not mention, instead of the name
	// itself.
	generic bool
}

// covers reports whether a rule covers the position. The rule is at a name with the given number
// of labels.
func (at position) covers(m order.Match, labels int) bool {
	switch m {
	case order.Exact:
		return !at.generic && (labels == at.labels || labels == at.host)
	case order.BelowOnly:
		return at.generic || labels < at.labels
	}
	return true
}

// A decision is the result of judge. It is small enough to be passed in registers.
type decision struct {
	entry  *entry // of the order that decides; nil if the name passes
	labels int    // the number of labels of the deciding target
	match  order.Match
	// everywhere is set if names below that the set does not mention have the same outcome.
	everywhere bool
	until      order.Time
}

// judge finds the order that decides at a position on the path.
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
			// Another part may have a target at the same name with higher precedence.
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

// applies reports whether a block rule that covers the position is enforced there, and the
// earliest time at which this may change. known is a time at which the verdict may change
// anyway: applies may return a later time than the true one if the true one is not before
// known.
func (j *judgement) applies(p *path, part *Part, r *rule, e *entry, at position, known order.Time) (bool, order.Time) {
	on, until := part.inForceAt(r.sched, j.now)
	if !on && until == Forever || p.excepts && excepted(p, part, r.entry, r.group) || !j.includes(e) {
		return false, Forever
	}
	// If several reasons keep the order from applying, the reason that lasts longest decides.
	// For example, the beginning of an order does not limit the TTL for a client that will be
	// exempt then.
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

// includes reports whether an order is for the client. It is called for orders that have not
// begun too, because a cache may keep the answer until they begin.
func (j *judgement) includes(e *entry) bool {
	if e.scope.reaches(j.c.Addr) {
		return true
	}
	j.scoped = j.scoped || e.scope.hasCountries()
	return e.scope.has(j.c.Country)
}

// anyLabel is a label that orders almost certainly do not name.
const anyLabel = "blocklist--any"

// SetBelow makes q represent the names below n that no order names. If n is too long to have
// names below it, SetBelow sets q to n and returns false.
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
