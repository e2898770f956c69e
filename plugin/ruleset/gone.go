package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// over returns the time at which the last interval of a schedule ends, or NoTime if it has no
// intervals.
func (p *Part) over(sched uint32) order.Time {
	if ivs := p.ivs(sched); len(ivs) > 0 {
		return ivs[len(ivs)-1].until
	}
	return order.NoTime
}

// forGood returns the time from which on a lift is in force forever for all clients and
// without exceptions, or Forever if there is no such time.
func (p *Part) forGood(l *entry, sched uint32) order.Time {
	if ivs := p.ivs(sched); l.scope == nil && !l.excepts && p.over(sched) == Forever {
		return ivs[len(ivs)-1].from
	}
	return Forever
}

// goneFrom returns the time from which on a block has no effect, for any client, at a name and
// below it. The path leads to the name, which has the given number of labels. A block has no
// effect if its last interval has ended, an exception applies, or a lift has ended it for good
// and for all clients.
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

// nearLifts returns the indexes of the lifts that may reach an order. In a crowd, these are
// only the lifts that name the order, and the next few lifts of the same authority in history.
// The very next one is usually the lift of this order.
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

// maxLookouts limits the number of lookouts of a part.
const maxLookouts = 1 << 10

// findLookouts records the names at which a crowd may need a view (see findViews): names with
// crowds, and names with lifts.
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

// findViews makes the views of the set. A view is a copy of a crowd that also takes into
// account lifts and exceptions outside the crowd: in other segments, and at names above or
// below the crowd. findViews walks the path to each lookout, and makes a view of each crowd
// there that needs one.
//
// findViews stops after maxViewed rules. A crowd without a view only makes queries slower.
func (s *Set) findViews() {
	s.views = nil
	views, viewed := map[string]map[sight]*crowd{}, 0
	var w dname.Wire
	for _, part := range s.segments {
		for i, name := range part.lookouts {
			coop.Tick(i)
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

// A sight identifies a crowd and the length of the name at which it is. Names with equal rules
// share a crowd, and a lift of one name must not change the crowd of another name.
type sight struct {
	*crowd
	labels int
}

func (h *hit) sight() sight { return sight{h.crowd, h.labels} }

// maxViewed limits the work of a merge on views to some 50 ms.
const maxViewed = 1 << 16

// foreign reports whether exceptions or lifts that the crowd does not contain may apply to the
// name at the end of the path.
func (s *Set) foreign(p *path, h *hit) bool {
	return slices.ContainsFunc(p.hits, func(x hit) bool { return x.crowd != h.crowd && x.rules[0].kind < blockExact }) ||
		slices.ContainsFunc(s.segments, func(q *Part) bool { return q != h.part && len(q.whole) > 0 })
}

// look replaces the crowds on the path to a name by their views.
func (s *Set) look(w *dname.Wire, hits []hit) {
	for i := range hits {
		view := s.views[string(w.Suffix(hits[i].labels))]
		if view == nil {
			continue
		}
		// The view at the longest name takes everything above it into account.
		for ; i < len(hits); i++ {
			if c := view[hits[i].sight()]; c != nil {
				hits[i].crowd = c
			}
		}
		return
	}
}
