// Package lint warns of valid orders that may be mistakes. A file with warnings still goes into
// force.
package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A File contains the orders of one file.
type File struct {
	Path   string
	Orders []*order.Order
	Zone   *time.Location // the time zone of the dates in the file; nil is UTC
}

const maxEach = 10

// Check returns the warnings about files at a given time. It does not repeat the warnings of the
// set.
func Check(files []File, set *ruleset.Set, now order.Time) order.Problems {
	l := &linter{set: set, now: now, states: map[string]ruleset.OrderState{}, orders: map[string]*order.Order{}}
	for s := range set.OrderStates(now) {
		l.states[s.Order.ID] = s
	}
	for _, f := range files {
		for _, o := range f.Orders {
			l.orders[o.ID] = o
		}
	}
	l.holes = l.findHoles()
	l.corrected = FindCorrections(maps.Values(l.orders))
	for _, f := range files {
		l.path, l.zone = f.Path, cmp.Or(f.Zone, time.UTC)
		for _, o := range f.Orders {
			l.order(o)
		}
	}
	if l.steps > maxSteps {
		l.out = append(l.out, order.Problem{File: l.path, Warning: true,
			Msg: "too many orders have the same targets, so not all targets were compared; more targets may already be covered"})
	}
	return l.out
}

type linter struct {
	set       *ruleset.Set
	now       order.Time
	states    map[string]ruleset.OrderState
	orders    map[string]*order.Order
	holes     holes
	corrected Corrections
	path      string
	guesses   int      // the number of unknown ids that were compared with all ids
	ids       []string // the ids of all block orders, see blockIDs
	zone      *time.Location
	out       order.Problems

	lastAsked asked
	last      explained
	steps     int // the number of targets that covered has compared
}

func (l *linter) warn(o *order.Order, t *order.Target, field, format string, args ...any) *order.Problem {
	p := order.Problem{File: l.path, Line: o.Line, Column: o.Column, Order: o.ID, Field: field,
		Msg: fmt.Sprintf(format, args...), Warning: true, Sealed: o.Disclosure.Sealed()}
	if t != nil {
		p.Line, p.Column = t.Line, t.Column
	}
	l.out = append(l.out, p)
	return &l.out[len(l.out)-1]
}

func (l *linter) order(o *order.Order) {
	l.times(o)
	l.endless(o)
	l.names(o)
	// A plain list cannot contain an end or a review.
	plain := order.Ext(l.path) == order.ListExtension
	if byParty := o.Lifting() && o.Authority.Kind == order.KindUnstated; len(o.References) == 0 && o.Authority.Kind != order.KindOperator && !byParty {
		l.warn(o, nil, "references", "is missing: the order does not name the decision that it carries out")
	}
	switch o.Status {
	case order.Suspended:
		l.warn(o, nil, "status", "is suspended, which has no end date; for a stay or an appeal, use a lift with dates")
	case order.Shadow, order.Draft:
		l.warn(o, nil, "status", "is %s: the order is not enforced", l.states[o.ID].State)
	}
	l.slips(o)
	l.receipts(o)
	l.scope(o)
	l.lifts(o)
	l.stated(o)
	if o.Lifting() {
		return
	}
	if o.Response.Kind == order.Refused {
		l.warn(o, nil, "response", "refused may not block: clients ask their next server, and caches that serve stale answers keep the old answer")
	}
	if o.Until == order.NoTime && o.Review == order.NoTime && !windowsEnd(o.Windows) && !plain {
		l.warn(o, nil, "until", "the order has no until and no review, so no date reminds a person to check the order")
	}
	l.unenforced(o)
	l.covered(o)
}

func (l *linter) stated(o *order.Order) {
	if o.StatedCount == 0 || o.NumTargets() == 0 { // a lift of whole orders has no targets
		return
	}
	n, targets := l.corrected.Remaining(o), "targets"
	if n != o.NumTargets() {
		targets = "targets without the corrected names"
	}
	switch {
	case o.StatedCount > n:
		l.warn(o, nil, "stated_count", "is %d, and the number of %s is %d: names of the decision are missing", o.StatedCount, targets, n)
	case o.StatedCount < n:
		l.warn(o, nil, "stated_count", "is %d, and the number of %s is %d: the order may block names that are not in the decision", o.StatedCount, targets, n)
	}
}

func (l *linter) times(o *order.Order) {
	st := l.states[o.ID]
	switch {
	case o.Until != order.NoTime && o.Until <= l.now:
		l.warn(o, nil, "until", "is in the past: the order ended with %s", o.Until.EndText(l.zone))
	case st.Order != nil && st.State == ruleset.Ended:
		l.warn(o, nil, "windows", "are all in the past, or outside from and until: the order has ended")
	}
	if o.Review != order.NoTime && o.Review <= l.now {
		l.warn(o, nil, "review", "was due by %s: a person must look at the order again; a review date does not end an order", o.Review.EndText(l.zone))
	}
	for i, w := range o.Windows {
		if !overlap(w, order.Window{From: o.From, Until: o.Until}) {
			l.warn(o, nil, fmt.Sprintf("windows[%d]", i), "is outside the order's from and until: the window never opens")
		}
	}
	for i, e := range o.Exempt {
		if e.Until != order.NoTime && e.Until <= l.now {
			l.warn(o, nil, fmt.Sprintf("exempt[%d].until", i), "is in the past: these clients are no longer exempt")
		}
	}
	dead := l.each(o)
	for i := range o.Targets {
		t := &o.Targets[i]
		if t.Attr == nil {
			continue
		}
		field := fmt.Sprintf("targets[%d]", i)
		if u := t.Attr.Until; u != order.NoTime && u <= l.now && !(o.Until != order.NoTime && o.Until <= l.now) {
			dead(t, field+".until", "is in the past: the target ended with %s", u.EndText(l.zone))
		}
		own := order.Window{From: t.Attr.From, Until: t.Attr.Until}
		if !overlap(own, order.Window{From: o.From, Until: o.Until}) {
			dead(t, field, "has times outside the order's from and until: the target is never in force")
		}
		for k, w := range t.Attr.Windows {
			if !overlap(w, own) || !overlap(w, order.Window{From: o.From, Until: o.Until}) {
				dead(t, fmt.Sprintf("%s.windows[%d]", field, k), "is outside from and until: the window never opens")
			}
		}
	}
	dead(nil, "targets", "%d more targets whose times are past or empty")
}

// overlap reports whether two windows overlap.
func overlap(a, b order.Window) bool {
	from := max(a.From, b.From) // NoTime is less than every time
	return (a.Until == order.NoTime || from < a.Until) && (b.Until == order.NoTime || from < b.Until)
}

func windowsEnd(ws []order.Window) bool {
	return len(ws) > 0 && !slices.ContainsFunc(ws, func(w order.Window) bool { return w.Until == order.NoTime })
}

func (l *linter) each(o *order.Order) func(t *order.Target, field, format string, args ...any) *order.Problem {
	n := 0
	return func(t *order.Target, field, format string, args ...any) *order.Problem {
		switch {
		case t != nil && n < maxEach:
			n++
			return l.warn(o, t, field, format, args...)
		case t != nil:
			n++
		case n > maxEach:
			return l.warn(o, nil, field, format, n-maxEach)
		}
		return nil
	}
}

func (l *linter) unenforced(o *order.Order) {
	warn := l.each(o)
	for i := range o.Targets {
		t := &o.Targets[i]
		field := fmt.Sprintf("targets[%d]", i)
		switch {
		case t.Kind == order.TargetURL && hostless(t.Attr.URL):
			warn(t, field, "is a URL without a host name, which DNS cannot block: recorded, not enforced (%s)", t.Attr.URL)
		case t.Kind == order.TargetURL:
			warn(t, field, "is one page, which DNS cannot block without its whole host: recorded, not enforced (%s)", t.Attr.URL)
		case t.Kind == order.TargetAddress && t.Attr.EnforcedBy == order.ByDNS:
			warn(t, field, "is an address in answers: enforced only if the Corefile has the option answers addresses (%s)", t.Attr.Address)
		case t.Kind == order.TargetAddress:
			warn(t, field, "is an address, which DNS does not block: recorded, not enforced (%s)", t.Attr.Address)
		}
	}
	warn(nil, "targets", "%d more targets that DNS does not enforce")
}

func hostless(url string) bool {
	host, _ := order.URLHost(url)
	return host.IsZero()
}
