package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/pace"
)

// over returns when the last interval of a schedule ends; NoTime when it has none.
func (p *Part) over(sched uint32) order.Time {
	if ivs := p.ivs(sched); len(ivs) > 0 {
		return ivs[len(ivs)-1].until
	}
	return order.NoTime
}

// forGood returns from when on a lift holds for everyone and everything, Forever
// when that is never so.
func (p *Part) forGood(l *entry, sched uint32) order.Time {
	if ivs := p.ivs(sched); l.scope == nil && !l.excepts && p.over(sched) == Forever {
		return ivs[len(ivs)-1].from
	}
	return Forever
}

// goneFrom returns from when on a block does nothing to anybody at a name with so
// many labels, to which the path leads, and below it: its last interval has ended, an
// exception is in the way, or a lift takes it away for good and for everyone.
func (s *Set) goneFrom(p *path, h *hit, r *rule, labels int) order.Time {
	gone, e := h.part.over(r.sched), h.part.entries.at(r.entry)
	if excepted(p, e, r.group) {
		return order.NoTime
	}
	for _, w := range s.whole[e.ID] {
		if !w.shadow() {
			gone = min(gone, w.part.forGood(w.entry, w.entry.sched))
		}
	}
	for i := range p.hits {
		at := &p.hits[i]
		for _, k := range at.nearLifts(e) {
			l := &at.rules[k]
			covers := l.kind == liftSubtree || l.kind == liftBelow && at.labels < labels ||
				at.labels == h.labels && l.kind.match() == r.kind.match()
			if covers && !l.shadow && l.group == 0 && at.by(int(k)).reaches(e) {
				gone = min(gone, at.part.forGood(at.by(int(k)), l.sched))
			}
		}
	}
	return gone
}

// nearLifts returns where the lifts stand that may take an order away: of very many,
// those that name it, and the next few in history, the very next of which is
// that of the order, mostly.
func (h *hit) nearLifts(e *entry) (at []uint32) {
	if h.crowd == nil {
		for k := range h.rules {
			if h.rules[k].kind.isLift() {
				at = append(at, uint32(k))
			}
		}
		return at
	}
	at = h.crowd.byID[e.ID]
	if l := h.crowd.others[e.authority()]; l != nil {
		next, _ := slices.BinarySearchFunc(l.at, e.place, func(k uint32, place order.Time) int {
			if h.by(int(k)).place >= place {
				return -1
			}
			return 1
		})
		at = slices.Concat(at, l.at[max(0, next-crowdFrom):next])
	}
	return at
}

// maxLookouts bounds the lookouts of a part.
const maxLookouts = 1 << 10

// findLookouts notes the names from which a crowd may look different: those with
// crowds, and those with lifts.
func (p *Part) findLookouts() {
	if p.crowds == nil && len(p.lifts) == 0 {
		return
	}
	var lifts []dname.Name
	for w, ref := range p.names.Wires() {
		switch {
		case p.rules[ref].crowd && len(p.lookouts) < maxLookouts:
			p.lookouts = append(p.lookouts, w.Name())
		case len(lifts) < maxLookouts && slices.ContainsFunc(p.list(ref), func(r rule) bool { return r.kind.isLift() }):
			lifts = append(lifts, w.Name())
		}
	}
	p.lookouts = append(p.lookouts, lifts[:min(len(lifts), maxLookouts-len(p.lookouts))]...)
}

// findViews finds out what crowds look like from the lookouts, when there are lifts
// and exceptions on the way which the crowd itself does not know of: those of other
// segments, and those above or below the crowd.
//
// Beyond maxViewed rules it stops: what is left costs queries time.
func (s *Set) findViews() {
	s.views = nil
	views, viewed := map[string]map[sight]*crowd{}, 0
	var w dname.Wire
	for _, part := range s.segments {
		for i, name := range part.lookouts {
			pace.Step(i)
			w.SetName(name)
			p := s.walk(&w, nil)
			for i := range p.hits {
				h := &p.hits[i]
				if h.crowd == nil || !blocks(h.rules) || !s.foreign(&p, h) {
					continue
				}
				if viewed += len(h.rules); viewed > maxViewed {
					s.views = views
					return
				}
				if views[name.Wire()] == nil {
					views[name.Wire()] = map[sight]*crowd{}
				}
				view := *h.crowd
				view.groups = s.groups(&p, h, name.NumLabels())
				views[name.Wire()][h.sight()] = &view
			}
		}
	}
	s.views = views
}

// sight is a crowd at a name with so many labels. Names that are ordered alike share
// a crowd, and a lift of one of them alone leaves the other's as it is.
type sight struct {
	*crowd
	labels int
}

func (h *hit) sight() sight { return sight{h.crowd, h.labels} }

// maxViewed bounds what a merge spends on views, some 50 ms.
const maxViewed = 1 << 16

// foreign reports whether there may be exceptions and lifts that a crowd does not know
// of, but that hold where the path leads.
func (s *Set) foreign(p *path, h *hit) bool {
	return slices.ContainsFunc(p.hits, func(x hit) bool { return x.crowd != h.crowd && x.rules[0].kind < blockExact }) ||
		slices.ContainsFunc(s.segments, func(q *Part) bool { return q != h.part && len(q.whole) > 0 })
}

// look puts the crowds on the path to a name as they look from there.
func (s *Set) look(w *dname.Wire, hits []hit) {
	for i := range hits {
		view := s.views[string(w.Suffix(hits[i].labels))]
		if view == nil {
			continue
		}
		// The longest name has seen all that is above it.
		for ; i < len(hits); i++ {
			if c := view[hits[i].sight()]; c != nil {
				hits[i].crowd = c
			}
		}
		return
	}
}
