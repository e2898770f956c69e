package ruleset

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func (t *twin) guard() *stubGuard { return t.opt.Guard.(*stubGuard) }

func (t *twin) undecidable(o *order.Order) bool {
	return t.opt.NoCountry && o.Scope != nil && len(o.Scope.Countries) > 0 && len(o.Scope.Clients) == 0
}

func (t *twin) held(o *order.Order, x *order.Target) bool {
	if t.opt.Guard == nil || twinForced(o, x) {
		return false
	}
	if x.Kind == order.TargetName {
		return t.guard().name(x.Name) != "" // the guard checks "*.example.com" as "example.com"
	}
	if t.guard().net(x.Attr.Address) != "" || slices.ContainsFunc(t.redirects(), x.Attr.Address.Contains) {
		return true
	}
	for a := x.Attr.Address.Addr(); a.Is6() && x.Attr.Address.Bits() >= 120 && x.Attr.Address.Contains(a); a = a.Next() {
		for _, v4 := range t.inside(a) {
			if t.guard().net(netip.PrefixFrom(v4, 32)) != "" {
				return true
			}
		}
	}
	return false
}

func (t *twin) redirects() (out []netip.Addr) {
	for _, o := range t.orders {
		if r := t.response(o.Order); o.Action == order.Block && o.Status == order.Active && r.Kind == order.Redirect {
			for _, a := range r.Addresses {
				out = append(append(out, a), t.inside(a)...)
			}
		}
	}
	return out
}

func twinForced(o *order.Order, x *order.Target) bool {
	return slices.ContainsFunc(o.Force, func(f order.Force) bool {
		if x.Kind == order.TargetAddress {
			a, err := netip.ParseAddr(f.Target)
			p, _ := netip.ParsePrefix(f.Target)
			return p == x.Attr.Address || err == nil && x.Attr.Address.IsSingleIP() && a == x.Attr.Address.Addr()
		}
		if x.Match == order.BelowOnly {
			return f.Target == "*."+x.Name.String()
		}
		return f.Target == x.Name.String()
	})
}

func (t *twin) enforceable(o *order.Order) (out []order.Target) {
	for _, x := range twinTargets(o) {
		here := x.Kind == order.TargetName ||
			x.Kind == order.TargetAddress && t.opt.Addresses && x.Attr.EnforcedBy == order.ByDNS
		if here && !slices.ContainsFunc(out, func(y order.Target) bool { return sameTarget(&x, &y) }) {
			out = append(out, x)
		}
	}
	return out
}

func (t *twin) heldTargets(o *order.Order) (out []order.Target) {
	if o.Action == order.Lift {
		return nil // a lift blocks nothing
	}
	return slices.DeleteFunc(t.enforceable(o), func(x order.Target) bool { return !t.held(o, &x) })
}

func (t *twin) state(o *order.Order, now order.Time) State {
	switch o.Status {
	case order.Shadow:
		return Shadow
	case order.Suspended:
		return Suspended
	case order.Draft:
		return Draft
	}
	on, later := twinInTime(o, now), false
	for s := now + 1; s <= lastSecond; s++ {
		later = later || twinInTime(o, s)
	}
	if !on && !later {
		return Ended
	}
	if o.Action == order.Block && (on && t.allFreed(o, now) || t.freedForGood(o, now)) {
		return Lifted
	}
	held := t.heldTargets(o)
	switch {
	case t.undecidable(o), len(held) > 0 && len(held) == len(t.enforceable(o)):
		return OnHold
	case on && len(held) > 0 && o.Action == order.Block && len(held)+t.freedTargets(o, now) == len(t.enforceable(o)):
		return OnHold
	case on:
		return InForce
	}
	return Pending
}

func (t *twin) freedForGood(o *order.Order, now order.Time) bool {
	for s := now; s <= max(now, lastSecond+1); s++ {
		if twinInTime(o, s) && !t.allFreed(o, s) {
			return false
		}
	}
	return true
}

func (t *twin) allFreed(o *order.Order, now order.Time) bool {
	own := t.orders[slices.IndexFunc(t.orders, func(x twinOrder) bool { return x.Order == o })]
	if t.freedAt(own, now, func(*order.Target) bool { return false }) {
		return true
	}
	if len(t.recorded(o)) > 0 {
		return false
	}
	freed := 0
	for _, x := range t.enforceable(o) {
		if t.freed(own, &x, now) {
			freed++
			continue
		}
		for _, y := range twinTargets(o) {
			due := twinDue{x: &y}
			if y.Attr == nil {
				due.x = nil
			}
			active := o.Status == order.Active && (y.Attr == nil || y.Attr.Status == order.Active)
			if sameTarget(&x, &y) && (!active || due.ever(o, min(now, lastSecond+1)) || !due.ever(o, -1)) {
				return false
			}
		}
	}
	return freed > 0
}

func (t *twin) freedTargets(o *order.Order, now order.Time) (n int) {
	own := t.orders[slices.IndexFunc(t.orders, func(x twinOrder) bool { return x.Order == o })]
	for _, x := range t.enforceable(o) {
		if !t.held(o, &x) && t.freed(own, &x, now) {
			n++
		}
	}
	return n
}

func (t *twin) counts(now order.Time) (c Counts) {
	for _, o := range t.orders {
		s := t.state(o.Order, now)
		if o.Action == order.Lift {
			c.Lifts[s]++
			continue
		}
		c.Orders[s]++
		targets, held, freed := len(t.enforceable(o.Order)), 0, 0
		all := len(t.heldTargets(o.Order))
		if s == InForce || s == Pending {
			held = all
		}
		if s == InForce || s == OnHold && all < targets && !t.undecidable(o.Order) && twinInTime(o.Order, now) {
			freed = t.freedTargets(o.Order, now)
		}
		c.Targets[s] += targets - held - freed
		c.Targets[Lifted] += freed
		c.Targets[OnHold] += held
		if s == InForce {
			c.NotDNS += len(t.recorded(o.Order))
		}
	}
	return c
}

func (t *twin) recorded(o *order.Order) (out []order.Target) {
	for _, x := range twinTargets(o) {
		switch {
		case x.Kind == order.TargetURL, x.Kind == order.TargetAddress && x.Attr.EnforcedBy != order.ByDNS:
		case x.Kind == order.TargetAddress && !t.opt.Addresses:
			if slices.ContainsFunc(out, func(y order.Target) bool { return y.Attr.EnforcedBy == order.ByDNS && sameTarget(&x, &y) }) {
				continue
			}
		default:
			continue
		}
		out = append(out, x)
	}
	return out
}

func (f *twinFile) standing(now order.Time, whatever bool) map[nameOrNet]bool {
	out := map[nameOrNet]bool{}
	for _, o := range f.orders {
		for _, x := range twinTargets(o) {
			q := twinQuery{now: now}
			if o.Action == order.Block && (whatever || q.inForce(o, &x)) {
				switch {
				case x.Kind == order.TargetName:
					out[nameOrNet{name: x.Name}] = true
				case x.Kind == order.TargetAddress && x.Attr.EnforcedBy == order.ByDNS:
					out[nameOrNet{net: x.Attr.Address}] = true
				}
			}
		}
	}
	return out
}

type nameOrNet struct {
	name dname.Name
	net  netip.Prefix
}

func compareStates(t *testing.T, w *world, now order.Time) {
	t.Helper()
	if got, want := w.Counts(now), w.twin.counts(now); got != want {
		t.Fatalf("%vat %d:\n got %+v\nwant %+v", w, now, got, want)
	}
	next, i := w.NextChange(now), 0
	all := w.twin.orders
	for st := range w.OrderStates(now) {
		o := all[i].Order
		i++
		if want := w.twin.state(o, now); st.Order.ID != o.ID || st.State != want || st.Until <= now || st.Until < next {
			t.Fatalf("%vat %d: %+v of order %s, want %v", w, now, st, o.ID, want)
		}
		for later := now; later < min(st.Until, lastSecond+1); later++ {
			if s := w.twin.state(o, later); s != st.State {
				t.Fatalf("%vat %d: order %s is %s until %d, but at %d %s", w, now, o.ID, st.State, st.Until, later, s)
			}
		}
	}
	var changes []string
	for _, x := range w.Transitions(now, now+3) {
		changes = append(changes, fmt.Sprint(x.Order.ID, x.Lift, x.From, x.To, x.Label() != x.Order.ID))
	}
	var wantChanges, wantHeld, held []string
	for _, o := range all {
		if a, b := w.twin.state(o.Order, now), w.twin.state(o.Order, now+3); a != b {
			wantChanges = append(wantChanges, fmt.Sprint(o.ID, o.Action == order.Lift, a, b, w.twin.secret(o)))
		}
		if w.twin.undecidable(o.Order) {
			wantHeld = append(wantHeld, o.ID+" ")
		}
		for _, x := range w.twin.heldTargets(o.Order) {
			wantHeld = append(wantHeld, o.ID+" "+twinWritten(&x))
		}
	}
	if !slices.Equal(changes, wantChanges) {
		t.Fatalf("%vfrom %d on: transitions %q, want %q", w, now, changes, wantChanges)
	}
	for _, h := range w.Held() {
		if h.Why == "" || h.File == "" {
			t.Fatalf("%vheld without a reason or a file: %+v", w, h)
		}
		held = append(held, h.Order.ID+" "+h.Target)
	}
	slices.Sort(held)
	slices.Sort(wantHeld)
	if !slices.Equal(held, wantHeld) {
		t.Fatalf("%vheld %q, want %q", w, held, wantHeld)
	}
}

func (t *twin) secret(o twinOrder) bool {
	if o.Action == order.Block || o.Public || o.Disclosure.Sealed() {
		return o.Disclosure.Sealed()
	}
	known := false
	for _, x := range t.orders {
		if x.Action != order.Block || !twinReaches(o, x) {
			continue
		}
		if x.Disclosure.Sealed() {
			return true
		}
		known = true
	}
	return !known || slices.ContainsFunc(o.Lifts, func(id string) bool {
		return !slices.ContainsFunc(t.orders, func(x twinOrder) bool { return x.ID == id && x.Action == order.Block })
	})
}

func (t *twin) meets(l, o twinOrder) (meets, known bool) {
	if twinWhole(l.Order) {
		return true, true
	}
	for _, x := range twinTargets(l.Order) {
		for _, y := range twinTargets(o.Order) {
			known = known || x.Kind == order.TargetName && y.Kind == order.TargetName && (x.Name.Covers(y.Name) || y.Name.Covers(x.Name)) ||
				x.Kind == order.TargetAddress && y.Kind == order.TargetAddress && y.Attr.EnforcedBy == order.ByDNS && x.Attr.Address.Overlaps(y.Attr.Address)
			meets = meets || x.Kind == order.TargetAddress && (y.Kind == order.TargetURL || y.Kind == order.TargetAddress && y.Attr.EnforcedBy != order.ByDNS)
		}
	}
	return meets || known, known
}

func compareLifts(t *testing.T, w *world) {
	t.Helper()
	var want, got []string
	var reaches, wantReaches []Reach
	useless := 0
	secret, lifts, all := w.Secret(), w.SecretLifts(), slices.Collect(w.Orders())
	for i, l := range w.twin.orders {
		if s := w.twin.secret(l); secret[all[i]] != s || lifts[l.ID] != (s && l.Action == order.Lift) {
			t.Fatalf("%vorder %s: secret %t, want %t", w, l.ID, secret[all[i]], s)
		}
		if l.Action != order.Lift || l.Status != order.Active {
			continue
		}
		var unknown []string
		for _, id := range slices.Sorted(slices.Values(l.Lifts)) {
			if !slices.ContainsFunc(w.twin.orders, func(o twinOrder) bool { return o.ID == id }) {
				unknown = append(unknown, id)
				want = append(want, fmt.Sprint(l.ID, "lifts", id, true))
			}
		}
		pages := !slices.ContainsFunc(l.Targets, func(x order.Target) bool { return x.Kind == order.TargetName }) &&
			slices.ContainsFunc(l.Targets, func(x order.Target) bool { return x.Kind == order.TargetURL })
		reached, tie := pages, ""
		for _, o := range w.twin.orders {
			if o.Action == order.Block && twinReaches(l, o) {
				meets, known := w.twin.meets(l, o)
				reached = reached || meets
				if file := fmt.Sprint(o.file); known && l.Lifts == nil && l.file != o.file && l.From == o.From && l.DecidedAt() == o.DecidedAt() && (tie == "" || file < tie) {
					tie = file
				}
			}
		}
		if !reached {
			useless++
		}
		if !reached && unknown == nil {
			want = append(want, fmt.Sprint(l.ID, "", "", w.twin.secret(l)))
		}
		if tie != "" {
			want = append(want, fmt.Sprint(l.ID, "issued", l.DecidedAt().String(), w.twin.secret(l), "order in ", tie))
		}
		if !reached || unknown != nil {
			wantReaches = append(wantReaches, Reach{all[i], unknown, !reached})
		}
	}
	warnings, n := w.Warnings()
	for _, p := range warnings {
		if !p.Warning || p.File == "" || p.Msg == "" {
			t.Fatalf("%v%+v", w, p)
		}
		switch p.Field {
		case "", "lifts":
			got = append(got, fmt.Sprint(p.Order, p.Field, p.Got, p.Sealed))
		case "issued":
			file, _, _ := strings.Cut(p.Msg[strings.Index(p.Msg, "order in "):], ",")
			got = append(got, fmt.Sprint(p.Order, p.Field, p.Got, p.Sealed, file))
		}
	}
	if n != useless || !slices.Equal(got, want) {
		t.Fatalf("%v%d useless lifts, warnings %q, want %d and %q", w, n, got, useless, want)
	}
	if reaches = w.UselessLifts(); !reflect.DeepEqual(reaches, wantReaches) {
		t.Fatalf("%vuseless lifts %+v, want %+v", w, reaches, wantReaches)
	}
}

func compareNames(t *testing.T, w *world) {
	t.Helper()
	for _, name := range w.mentioned[:min(4, len(w.mentioned))] {
		blocks := 0
		covers, touches := false, false
		for _, o := range w.twin.orders {
			at := slices.Clone(o.Except)
			block := false
			for i := range o.Targets {
				x := &o.Targets[i]
				if x.Kind == order.TargetName {
					at = append(at, x.Name)
					block = block || o.Action == order.Block && x.Name.Covers(name)
				}
				if x.Attr != nil && w.twin.indexed(o.Order, x) {
					at = append(at, x.Attr.Except...)
				}
			}
			blocks += int(b2u(block))
			covers = covers || slices.ContainsFunc(at, func(n dname.Name) bool { return n.Covers(name) })
			touches = touches || block || slices.ContainsFunc(at, func(n dname.Name) bool { return n != name && name.Covers(n) })
		}
		var wire dname.Wire
		wire.SetName(name)
		if got := w.Covers(&wire); got != covers {
			t.Fatalf("%v%s: covers %t", w, name, got)
		}
		if got := w.Shared(name); got != (blocks > 1) {
			t.Fatalf("%v%s: shared %t, but %d orders block it", w, name, got, blocks)
		}
		if got := w.Touches(name); got != touches {
			t.Fatalf("%v%s: touches %t", w, name, got)
		}
	}
}

func (t *twin) indexed(o *order.Order, x *order.Target) bool {
	return x.Kind == order.TargetName || x.Kind == order.TargetAddress && (o.Action == order.Lift || x.Attr.EnforcedBy == order.ByDNS)
}

func twinWritten(x *order.Target) string {
	switch {
	case x.Kind == order.TargetAddress:
		return x.Attr.Address.String()
	case x.Match == order.BelowOnly:
		return "*." + x.Name.String()
	}
	return x.Name.String()
}

func compareShrink(t *testing.T, w *world, now order.Time) {
	t.Helper()
	p, q := w.parts[0], w.parts[len(w.parts)-1]
	files := w.twin.files
	from, to := files[0], files[len(files)-1]
	before, rest := from.standing(now, false), to.standing(now, true)
	lost := 0
	for x := range before {
		if !rest[x] {
			lost++
		}
	}
	if n, m := p.BlockedAt(now), p.TargetsLost(q, now); n != len(before) || m != lost {
		t.Fatalf("%vat %d: %d in force and %d lost, want %d and %d", w, now, n, m, len(before), lost)
	}
	names, removed := 0, 0
	for x := range from.standing(now, true) {
		if x.name != (dname.Name{}) {
			names++
			removed += int(b2u(!rest[x]))
		}
	}
	if n, m := p.NamesNotIn(q), p.NamesNotIn(&Part{}); n != removed || m != names {
		t.Fatalf("%vmissing: %d of %d, want %d of %d", w, n, m, removed, names)
	}
	if d := Compare(p, p.Guarded(nil), 1); d.Added+d.Removed+d.Changed != 0 {
		t.Fatalf("%vanother guard changes the orders: %+v", w, d)
	}
}

func compareGuarded(t *testing.T, w *world) {
	t.Helper()
	for i, file := range w.twin.files {
		b := NewBuilder(w.parts[i].Path(), w.opt)
		for _, o := range file.orders {
			b.Add(o)
		}
		p, _ := b.Freeze()
		if !reflect.DeepEqual(p.held, w.parts[i].held) {
			t.Fatalf("%vheld %+v, want %+v", w, w.parts[i].held, p.held)
		}
	}
}
