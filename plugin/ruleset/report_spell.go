package ruleset

import (
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

type dated struct {
	reason *Reason
	entry  *entry
	hit    *hit
	rules  []rule // the rules of the target
	spell
	before    order.Time
	ends      []liftEnd
	histories []prefix
}

type liftEnd struct {
	at   order.Time
	lift *Order
}

type dater struct {
	*judgement
	path      *path
	at        position
	histories map[historyKey]*history
}

func (d *dater) date(all []*dated) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(x, y *dated) int {
		return cmp.Or(y.entry.rank.Compare(x.entry.rank), cmp.Compare(y.entry.index, x.entry.index))
	})
	for _, t := range sorted {
		d.dateTarget(t)
		t.setDates()
	}
}

func (d *dater) dateTarget(t *dated) {
	t.spell, t.before = spell{until: Forever}, order.NoTime
	e, h := t.entry, t.hit
	if excepted(d.path, h.part, t.rules[0].entry, t.rules[0].group) || h.held != nil && !e.force.covers(h.held, t.reason.Match) {
		return
	}
	in := *d
	in.judgement = &judgement{Set: d.Set, c: d.c, now: d.now}
	if !e.scope.includes(d.c) {
		in.c = Client{}
	}
	off := in.liftTimes(t)
	for now := order.NoTime; ; {
		exempt, end := e.exempt.covers(in.c, now)
		if !exempt {
			break
		}
		off, now = append(off, interval{order.NoTime, end}), end
		if end == Forever {
			break
		}
	}
	x := timeline{times: without(h.part.union(t.rules, false), off)}
	for _, p := range t.histories {
		x.off = append(x.off, p.off)
	}
	t.spell, t.before = x.around(d.now)
}

func (d *dater) liftTimes(t *dated) (times []interval) {
	e := t.entry
	add := func(part *Part, l *entry, sched uint32) {
		for _, iv := range part.ivs(sched) {
			times = append(times, iv)
			t.ends = append(t.ends, liftEnd{iv.until, &l.Order})
		}
	}
	for _, w := range d.whole[e.ID] {
		if !w.shadow() && d.includes(w.entry) && !(d.strict && w.entry.excepts) && !excepted(d.path, w.part, w.number, 0) {
			add(w.part, w.entry, w.entry.sched)
		}
	}
	if !d.path.lifts {
		return times
	}
	for i := range d.path.hits {
		h := &d.path.hits[i]
		try := func(k uint32) {
			if l := h.part.entries.at(h.rules[k].entry); d.lifts(h, k) && l.reaches(e) {
				add(h.part, l, h.rules[k].sched)
			}
		}
		if h.long == nil {
			for k := 0; k < len(h.rules) && h.rules[k].kind < blockExact; k++ {
				try(uint32(k))
			}
			continue
		}
		named, later := h.long.lifts.of(e)
		for _, rule := range named {
			try(rule)
		}
		if len(later) > 0 {
			t.histories = append(t.histories, d.history(i, e))
		}
	}
	return times
}

func (d *dater) lifts(h *hit, k uint32) bool {
	r := &h.rules[k]
	l := h.part.entries.at(r.entry)
	return r.kind.isLift() && !r.shadow && d.at.covers(r.kind.match(), h.labels) &&
		d.includes(l) && !(d.strict && (l.excepts || r.group > 0)) && !excepted(d.path, h.part, r.entry, r.group)
}

type history struct {
	lifts []uint32 // indexes of rules
	taken int      // how many of these lifts are in the fields off and ends
	off   []interval
	ends  map[order.Time]historyEnd
}

type historyEnd struct {
	index int // the index of the first lift that ends at this time
	lift  *Order
}

type prefix struct {
	*history
	n int
}

type historyKey struct {
	hit       int
	authority Authority
	file      *string
	client    Client
}

func (d *dater) history(hit int, e *entry) prefix {
	h, key := &d.path.hits[hit], historyKey{hit, e.authority(), e.file, d.c}
	x := d.histories[key]
	if x == nil {
		x = &history{ends: map[order.Time]historyEnd{}}
		for _, l := range h.long.lifts.later[e.authority()] {
			if d.lifts(h, l.rule) {
				x.lifts = append(x.lifts, l.rule)
			}
		}
		slices.SortStableFunc(x.lifts, func(i, k uint32) int {
			a, b := h.part.entries.at(h.rules[i].entry), h.part.entries.at(h.rules[k].entry)
			own := func(l *entry) int32 {
				if l.file != e.file {
					return -1
				}
				return -l.index
			}
			return cmp.Or(b.rank.Compare(a.rank), cmp.Compare(b2u(a.file == e.file), b2u(b.file == e.file)), cmp.Compare(own(a), own(b)))
		})
		d.histories[key] = x
	}
	for ; x.taken < len(x.lifts); x.taken++ {
		r := &h.rules[x.lifts[x.taken]]
		l := h.part.entries.at(r.entry)
		if !l.reaches(e) {
			break
		}
		for _, iv := range h.part.ivs(r.sched) {
			x.off = insert(x.off, iv)
			if _, ok := x.ends[iv.until]; !ok {
				x.ends[iv.until] = historyEnd{x.taken, &l.Order}
			}
		}
	}
	return prefix{x, x.taken}
}

type timeline struct {
	times []interval
	off   [][]interval
}

func (x *timeline) around(now order.Time) (sp spell, before order.Time) {
	sp, before = spell{until: Forever}, order.NoTime
	for _, iv := range x.times {
		switch from := x.free(max(iv.from, now)); {
		case iv.until <= now, from >= iv.until:
		case from == now:
			sp = spell{true, iv.from, iv.until}
			for _, off := range x.off {
				i := after(off, now)
				if i < len(off) {
					sp.until = min(sp.until, off[i].from)
				}
				if i > 0 {
					sp.since = max(sp.since, off[i-1].until)
				}
			}
			return sp, order.NoTime
		default:
			sp.until = min(sp.until, from)
		}
		if end := x.freeBefore(min(iv.until, now)); iv.from < now && end > iv.from {
			before = end
		}
	}
	return sp, before
}

func (x *timeline) free(t order.Time) order.Time {
	for again := true; again; {
		again = false
		for _, off := range x.off {
			if i := after(off, t); i < len(off) && off[i].from <= t {
				t, again = off[i].until, true
			}
		}
	}
	return t
}

func (x *timeline) freeBefore(t order.Time) order.Time {
	for again := true; again; {
		again = false
		for _, off := range x.off {
			if i := after(off, t-1); i < len(off) && off[i].from < t {
				t, again = off[i].from, true
			}
		}
	}
	return t
}

func (t *dated) decideAlone(all []*dated) {
	for _, x := range all {
		if x != t && cmp.Or(cmp.Compare(t.hit.labels, x.hit.labels), cmp.Compare(x.reason.Match, t.reason.Match), precedence(x.entry, t.entry)) < 0 {
			t.since, t.until = max(t.since, x.before), min(t.until, x.until)
		}
	}
	t.setDates()
}

func (t *dated) setDates() {
	x := t.reason
	x.Until, x.Since, x.After = t.until, order.NoTime, nil
	if !t.on {
		return
	}
	x.Since = t.since
	for _, end := range t.ends {
		if end.at == x.Since {
			x.After = end.lift
		}
	}
	for _, p := range t.histories {
		if end, ok := p.ends[x.Since]; ok && end.index < p.n {
			x.After = end.lift
		}
	}
}
