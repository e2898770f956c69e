package ruleset

import (
	"slices"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

type twinReason struct {
	*world
	order twinOrder
	r     Reason
	place twinPlace
	c     Client
}

func (x *twinReason) mentions() (out []order.Target) {
	for _, y := range twinTargets(x.order.Order) {
		if y.Kind == order.TargetName && y.Name == x.r.Target && y.Match == x.r.Match {
			out = append(out, y)
		}
	}
	return out
}

func (x *twinReason) dated(now order.Time, shadow bool) bool {
	q := twinQuery{now: now, shadow: shadow}
	return slices.ContainsFunc(x.mentions(), func(y order.Target) bool { return q.inForce(x.order.Order, &y) })
}

func (x *twinReason) enforced(now order.Time) bool {
	y := x.mentions()[0]
	q := twinQuery{now: now, c: x.c}
	return x.dated(now, false) && x.twin.covers(x.order.Order, &y, x.place) && !x.twin.held(x.order.Order, &y) && !x.twin.undecidable(x.order.Order) &&
		!twinExempt(x.order.Order, x.c, now) && !x.twin.spared(x.order, &y, x.place, q)
}

func (x *twinReason) decides(now order.Time) bool {
	best := x.twin.judge(x.place, twinQuery{now: now, c: x.c})
	return best != nil && best.order.Order == x.order.Order && best.target.Name == x.r.Target && best.target.Match == x.r.Match
}

func span(now order.Time, is func(order.Time) bool) (since, until order.Time) {
	since, until = now, now
	for since > -1 && is(since-1) {
		since--
	}
	for until <= lastSecond && is(until) {
		until++
	}
	return since, until
}

func compareReasons(t *testing.T, w *world, q *question) {
	t.Helper()
	v, reasons := w.Explain(&q.name, q.Client, q.Now)
	if _, dateless := w.Reasons(&q.name, q.Client, q.Now); len(dateless) != len(reasons) {
		t.Fatalf("%v%s: %d reasons, but %d without dates", w, q, len(reasons), len(dateless))
	}
	type target struct {
		id    string
		name  dname.Name
		match order.Match
	}
	seen := map[target]bool{}
	for _, r := range reasons {
		k := target{r.Order.ID, r.Target, r.Match}
		if seen[k] {
			t.Fatalf("%v%s: two reasons for %+v", w, q, k)
		}
		seen[k] = true
		i := slices.IndexFunc(w.twin.orders, func(o twinOrder) bool { return o.ID == r.Order.ID })
		x := twinReason{w, w.twin.orders[i], r, q.place, q.Client}
		o, first := x.order.Order, x.mentions()[0]
		fail := func(what string, want ...any) {
			t.Helper()
			t.Fatalf("%v%s: %+v why %d begins %d since %d until %d: %s %v", w, q, k, r.Why, r.Begins, r.Since, r.Until, what, want)
		}
		when := q.Now
		if r.Begins != order.NoTime {
			when = r.Begins
			for s := q.Now; s < when; s++ {
				if x.dated(s, true) {
					fail("has begun at", s)
				}
			}
		}
		if r.Why != OtherName && r.Why != NotActive && r.Why != Over && !x.dated(when, true) {
			fail("is not in its dates at", when)
		}
		at := twinQuery{now: when, c: q.Client}
		inScope := twinScope(o, q.Client)
		if !inScope {
			x.c = Client{} // a client in the scope to whom no scoped lift applies
		}
		lifted := x.twin.lifted(x.order, x.place, twinQuery{now: when, c: x.c}, false)
		ok := true
		switch r.Why {
		case Decides, Outranked:
			ok = when == q.Now && inScope && x.enforced(when) && (r.Why == Decides) == (r.By == nil) && (r.By == nil || r.By == v.Order)
		case NotActive, Over:
			for s := q.Now; s <= lastSecond; s++ {
				ok = ok && !x.dated(s, true)
			}
		case NotYet:
			ok = inScope && r.Begins > q.Now && r.Until == r.Begins && x.enforced(r.Begins)
		case OutOfScope:
			ok = !inScope && !lifted && !x.twin.undecidable(o) && !x.twin.held(o, &first)
		case ExemptClient:
			ok = twinExempt(o, q.Client, when) && !lifted
		case Excepted:
			ok = twinExcepted(o, &first, x.place)
		case LiftedBy:
			l := w.twin.orders[slices.IndexFunc(w.twin.orders, func(l twinOrder) bool { return l.ID == r.By.ID })]
			ok = lifted && twinReaches(l, x.order) && at.inForce(l.Order, nil)
		case HeldBack:
			ok = (x.twin.held(o, &first) || x.twin.undecidable(o)) && r.Held != ""
		case OtherName:
			ok = !x.twin.covers(o, &first, x.place)
		case InShadow:
			ok = x.dated(when, true) && !x.dated(when, false)
		}
		if !ok {
			fail("the reason is not true")
		}
		is := x.enforced
		switch r.Why {
		case Decides:
			is = x.decides
			fallthrough
		case Outranked:
			since, until := span(q.Now, is)
			if max(r.Since, -1) != since || min(r.Until, lastSecond+1) != until {
				fail("want since and until", since, until)
			}
		case NotYet, LiftedBy, ExemptClient, InShadow:
			next := q.Now
			for next <= lastSecond && !x.enforced(next) {
				next++
			}
			if min(r.Until, lastSecond+1) != next {
				fail("want until", next)
			}
		default:
			if r.Until != Forever {
				fail("want no until")
			}
		}
		if r.Why == LiftedBy && w.LiftOf(o.ID, &q.name, q.Client, q.Now) == nil {
			fail("LiftOf finds no lift")
		}
		if r.After != nil {
			l := w.twin.orders[slices.IndexFunc(w.twin.orders, func(l twinOrder) bool { return l.ID == r.After.ID })]
			before, after := twinQuery{now: r.Since - 1}, twinQuery{now: r.Since}
			ends := slices.ContainsFunc(append(twinTargets(l.Order), order.Target{}), func(y order.Target) bool {
				return before.inForce(l.Order, &y) && !after.inForce(l.Order, &y)
			})
			if !twinReaches(l, x.order) || !ends {
				fail("is no lift that ended then:", r.After.ID)
			}
		}
	}
}
