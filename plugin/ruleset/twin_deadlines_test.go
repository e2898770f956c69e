package ruleset

import (
	"iter"
	"slices"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

type twinDue struct {
	at order.Time
	x  *order.Target // nil means the whole order
}

func twinDues(o *order.Order) (out []twinDue) {
	if o.Deadline != order.NoTime {
		out = append(out, twinDue{o.Deadline, nil})
	}
	for i := range o.Targets {
		x := &o.Targets[i]
		if x.Attr == nil || x.Kind == order.TargetURL || x.Kind == order.TargetAddress && o.Action == order.Block && x.Attr.EnforcedBy != order.ByDNS {
			continue
		}
		at := x.Attr.Deadline
		if at == order.NoTime && x.Attr.Status != order.Active {
			at = o.Deadline
		}
		if at != order.NoTime {
			out = append(out, twinDue{at, x})
		}
	}
	return out
}

func twinBegin(o *order.Order) order.Time {
	if o.Action == order.Lift && o.From == order.NoTime {
		return o.DecidedAt()
	}
	return o.From
}

func (x twinDue) dated(o *order.Order, now order.Time) bool {
	return twinInTime(o, now) && (x.x == nil || inWindow(x.x.Attr.From, x.x.Attr.Until, now) && inWindows(x.x.Attr.Windows, now))
}

func (x twinDue) ever(o *order.Order, from order.Time) bool {
	for s := from; s <= lastSecond+1; s++ {
		if x.dated(o, s) {
			return true
		}
	}
	return false
}

func (x twinDue) begun(o *order.Order, now order.Time) bool {
	return twinBegin(o) <= now && (x.x == nil || x.x.Attr.From <= now)
}

func (t *twin) freed(o twinOrder, x *order.Target, now order.Time) bool {
	if x.Kind != order.TargetName {
		return t.freedAt(o, now, func(y *order.Target) bool {
			return y.Kind == order.TargetAddress &&
				y.Attr.Address.Bits() <= x.Attr.Address.Bits() && y.Attr.Address.Contains(x.Attr.Address.Addr())
		})
	}
	at := func(generic bool) bool {
		return t.freedAt(o, now, func(y *order.Target) bool {
			return t.covers(o.Order, y, twinPlace{name: x.Name, host: x.Name, generic: generic})
		})
	}
	return (x.Match == order.BelowOnly || at(false)) && (x.Match == order.Exact || at(true))
}

func (t *twin) freedAt(o twinOrder, now order.Time, covers func(*order.Target) bool) bool {
	q := twinQuery{now: now}
	return slices.ContainsFunc(t.orders, func(l twinOrder) bool {
		if l.Action != order.Lift || !twinReaches(l, o) || !twinScope(l.Order, Client{}) || len(l.Except) > 0 {
			return false
		}
		if twinWhole(l.Order) && q.inForce(l.Order, nil) {
			return true
		}
		return slices.ContainsFunc(twinTargets(l.Order), func(y order.Target) bool {
			alike := func(z order.Target) bool { return sameTarget(&y, &z) && z.Attr != nil && len(z.Attr.Except) > 0 }
			return covers(&y) && q.inForce(l.Order, &y) && !slices.ContainsFunc(l.Targets, alike)
		})
	})
}

func (t *twin) barred(o twinOrder, x *order.Target, now order.Time) bool {
	if t.undecidable(o.Order) {
		return true
	}
	if o.Action == order.Lift {
		return false
	}
	if x != nil {
		return x.Kind == order.TargetAddress && !t.opt.Addresses || t.held(o.Order, x)
	}
	if !t.opt.Addresses && slices.ContainsFunc(twinTargets(o.Order), func(x order.Target) bool {
		return x.Kind == order.TargetAddress && x.Attr.EnforcedBy == order.ByDNS
	}) {
		return true
	}
	return slices.ContainsFunc(t.heldTargets(o.Order), func(x order.Target) bool { return !t.freed(o, &x, now) })
}

func (t *twin) moot(o twinOrder, x twinDue, now order.Time) bool {
	if x.ever(o.Order, -1) && !x.ever(o.Order, now) {
		return true
	}
	if o.Action == order.Lift {
		return false
	}
	if x.x != nil {
		return t.freed(o, x.x, now)
	}
	return t.allFreed(o.Order, now)
}

func (t *twin) duties(now order.Time) (missed, reviews []Duty) {
	for i, o := range t.orders {
		for _, x := range twinDues(o.Order) {
			at := max(now, x.at)
			if t.moot(o, x, at) {
				continue
			}
			active := o.Status == order.Active && (x.x == nil || x.x.Attr.Status == order.Active) && x.ever(o.Order, -1)
			prevented := !active || t.barred(o, x.x, at)
			d := Duty{Number: i, At: x.at}
			if x.x != nil {
				d.Target = twinWritten(x.x)
			}
			if x.at > now {
				d.AtRisk = prevented || !x.begun(o.Order, x.at)
			} else {
				d.Overdue = prevented || !x.begun(o.Order, now)
				d.Late = active && x.begun(o.Order, now) && !x.begun(o.Order, x.at)
			}
			if d.AtRisk || d.Overdue || d.Late {
				missed = append(missed, d)
			}
		}
		if x := (twinDue{at: o.Review}); o.Review != order.NoTime && !t.moot(o, x, max(now, x.at)) {
			reviews = append(reviews, Duty{Number: i, At: o.Review})
		}
	}
	return missed, reviews
}

func collectDuties(t *testing.T, w *world, all iter.Seq[Duty]) (out []Duty) {
	t.Helper()
	for d := range all {
		if id := w.twin.orders[d.Number].ID; d.Order.ID != id {
			t.Fatalf("%vduty %+v is of the order %s, want %s", w, d, d.Order.ID, id)
		}
		d.Order = nil
		out = append(out, d)
	}
	return out
}

func compareDuties(t *testing.T, w *world, now order.Time) {
	t.Helper()
	missed, reviews := w.twin.duties(now)
	for before := now; before <= lastSecond+1; before += 3 {
		until := func(all []Duty) []Duty {
			return slices.DeleteFunc(slices.Clone(all), func(d Duty) bool { return d.At > before })
		}
		if got, want := collectDuties(t, w, w.MissedDuties(now, before)), until(missed); !slices.Equal(got, want) {
			t.Fatalf("%vat %d until %d: missed %+v, want %+v", w, now, before, got, want)
		}
		if got, want := collectDuties(t, w, w.DueReviews(now, before)), until(reviews); !slices.Equal(got, want) {
			t.Fatalf("%vat %d until %d: reviews %+v, want %+v", w, now, before, got, want)
		}
	}
	want := Deadlines{NextDeadline: Forever}
	overdue, late := map[int]bool{}, map[int]bool{}
	for _, d := range missed {
		if d.AtRisk {
			want.NextDeadline = min(want.NextDeadline, d.At)
		}
		if d.Overdue {
			overdue[d.Number] = true
		}
		if d.Late {
			late[d.Number] = true
		}
	}
	for _, d := range reviews {
		want.PastReview += int(b2u(d.At <= now))
	}
	want.Overdue, want.Late = len(overdue), len(late)
	if got := w.Deadlines(now); got != want {
		t.Fatalf("%vat %d: duties %+v, want %+v", w, now, got, want)
	}
}
