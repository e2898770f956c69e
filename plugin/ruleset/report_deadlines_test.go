package ruleset

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

type holding string

func (h holding) Name(w *dname.Wire) string {
	if w.Name().String() == string(h) {
		return "is protected"
	}
	return ""
}
func (holding) Address(x netip.Prefix) string {
	if x.Contains(netip.MustParseAddr("203.0.113.66")) {
		return "is protected"
	}
	return ""
}
func (holding) Protected(*dname.Wire) bool { return false }

func guardedSet(t *testing.T, orders string) *Set {
	t.Helper()
	return guarded(t, Options{Guard: holding("held.example"), NoCountry: true}, orders)
}

func guarded(t *testing.T, opt Options, orders string) *Set {
	t.Helper()
	b := NewBuilder("a.yaml", opt)
	text := "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n" + orders
	if _, ps := order.Parse("a.yaml", strings.NewReader(text), order.Options{Emit: b.Add}); len(ps.Errors()) > 0 {
		t.Fatal(ps)
	}
	p, _ := b.Freeze()
	return Merge([]*Part{p}, opt)
}

func TestDeadlines(t *testing.T) {
	const (
		now  order.Time = 1777636800
		hour order.Time = 3600
		none            = Forever
	)
	for _, tc := range []struct {
		why, orders           string
		overdue               int
		next                  order.Time
		review                int
		laterOverdue, laterAt int // Overdue after laterAt hours
	}{
		// These cases have a deadline of the whole order.
		{"in force in time", `{deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"in force before its deadline", `{deadline: "2026-05-01T13:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 2},
		{"no deadline", `{status: draft, targets: [a.example]}`, 0, none, 0, 0, 0},
		{"a draft will miss it", `{status: draft, deadline: "2026-05-01T13:00:00Z", targets: [a.example]}`, 0, now + hour, 0, 1, 1},
		{"a draft has missed it", `{status: draft, deadline: "2026-05-01T12:00:00Z", targets: [a.example]}`, 1, none, 0, 1, 1},
		{"one on the brake", `{status: suspended, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 1, none, 0, 1, 1},
		{"one in shadow", `{status: shadow, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 1, none, 0, 1, 1},
		{"from after the deadline, not begun", `{from: "2026-05-01T14:00:00Z", deadline: "2026-05-01T13:00:00Z", targets: [a.example]}`, 0, now + hour, 0, 1, 1},
		{"from after the deadline, begun too late", `{from: "2026-05-01T14:00:00Z", deadline: "2026-05-01T13:00:00Z", targets: [a.example]}`, 0, now + hour, 0, 0, 2},
		{"counted from served, and the from is later", `{served: "2026-05-01T10:00:00Z", deadline: 30m, from: "2026-05-01T14:00:00Z", targets: [a.example]}`, 1, none, 0, 0, 2},
		{"counted from served, after the from", `{status: draft, served: "2026-05-01T10:00:00Z", deadline: 3h, from: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, now + hour, 0, 1, 1},
		{"between two windows that keep it", `{deadline: "2026-05-01T11:00:00Z", targets: [a.example], windows: [{from: "2026-05-01T10:00:00Z", until: "2026-05-01T11:30:00Z"}, {from: "2026-05-02T10:00:00Z", until: "2026-05-02T11:00:00Z"}]}`, 0, none, 0, 0, 1},
		{"windows that begin after it", `{deadline: "2026-05-01T13:00:00Z", targets: [a.example], windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}`, 0, none, 0, 0, 2},
		{"windows that begin after it, which has passed", `{deadline: "2026-05-01T11:00:00Z", targets: [a.example], windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}`, 0, none, 0, 0, 2},
		{"windows of a target that begin after it", `{deadline: "2026-05-01T11:00:00Z", targets: [{name: a.example, deadline: "2026-05-01T11:30:00Z", windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}]}`, 0, none, 0, 0, 2},
		{"windows that begin after it, and a target that is a draft", `{deadline: "2026-05-01T11:00:00Z", targets: [a.example, {name: b.example, status: draft}], windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}`, 1, none, 0, 1, 2},
		{"windows that begin after it, of a draft", `{status: draft, deadline: "2026-05-01T11:00:00Z", targets: [a.example], windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}`, 1, none, 0, 1, 2},
		{"windows that begin after it, of a held target", `{deadline: "2026-05-01T11:00:00Z", targets: [held.example], windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}`, 1, none, 0, 1, 2},
		{"windows that begin after it, and a from that does too", `{from: "2026-05-01T14:00:00Z", deadline: "2026-05-01T13:00:00Z", targets: [a.example], windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}`, 0, now + hour, 0, 1, 1},
		{"all windows before the from", `{from: "2026-05-02T14:00:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example], windows: [{from: "2026-05-01T15:00:00Z", until: "2026-05-01T16:00:00Z"}]}`, 1, none, 0, 1, 1},
		{"windows that are over", `{status: draft, deadline: "2026-05-01T11:00:00Z", targets: [a.example], windows: [{from: "2026-05-01T11:00:00Z", until: "2026-05-01T11:30:00Z"}]}`, 0, none, 0, 0, 2},

		{"ended", `{until: "2026-05-01T11:30:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"a draft that has ended", `{status: draft, until: "2026-05-01T11:30:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"a draft that ends", `{status: draft, until: "2026-05-01T12:30:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 1, none, 0, 0, 1},
		{"a draft that ends before its deadline", `{status: draft, until: "2026-05-01T12:30:00Z", deadline: "2026-05-01T13:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 2},
		{"one in shadow that has ended", `{status: shadow, until: "2026-05-01T11:30:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"lifted", `{status: suspended, issued: 2026-04-01, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}
- {id: l, action: lift, lifts: [x], issued: 2026-04-02}`, 0, none, 0, 0, 0},
		{"lifted before its deadline", `{status: draft, issued: 2026-04-01, deadline: "2026-05-01T13:00:00Z", targets: [a.example]}
- {id: l, action: lift, lifts: [x], issued: 2026-04-02, from: "2026-05-01T12:30:00Z"}`, 0, none, 0, 0, 2},
		{"stayed, and still a draft after it", `{status: draft, issued: 2026-04-01, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}
- {id: l, action: lift, lifts: [x], issued: 2026-04-02, until: "2026-05-01T12:30:00Z"}`, 0, none, 0, 1, 1},
		{"lifted for some clients only", `{status: draft, issued: 2026-04-01, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}
- {id: l, action: lift, lifts: [x], issued: 2026-04-02, scope: {clients: [192.0.2.0/24]}}`, 1, none, 0, 1, 1},

		// Targets that the guard protects are not in force.
		{"held", `{deadline: "2026-05-01T11:00:00Z", targets: [held.example]}`, 1, none, 0, 1, 1},
		{"held in part", `{deadline: "2026-05-01T13:00:00Z", targets: [a.example, held.example]}`, 0, now + hour, 0, 1, 1},
		{"held, and forced", `{deadline: "2026-05-01T11:00:00Z", targets: [held.example], force: {held.example: asked}}`, 0, none, 0, 0, 0},
		{"held, and that target lifted", `{issued: 2026-04-01, deadline: "2026-05-01T11:00:00Z", targets: [a.example, held.example]}
- {id: l, action: lift, issued: 2026-04-02, targets: [held.example]}`, 0, none, 0, 0, 0},
		{"nobody knows countries", `{deadline: "2026-05-01T11:00:00Z", scope: {countries: [IT]}, targets: [a.example]}`, 1, none, 0, 1, 1},
		{"addresses that nobody looks for", `{deadline: "2026-05-01T11:00:00Z", targets: [{address: 203.0.113.1, enforced_by: dns}]}`, 1, none, 0, 1, 1},
		{"addresses for routers", `{deadline: "2026-05-01T11:00:00Z", targets: [{address: 203.0.113.1}]}`, 0, none, 0, 0, 0},

		// The targets have deadlines of their own.
		{"a target in force", `{targets: [{name: a.example, deadline: "2026-05-01T11:00:00Z"}]}`, 0, none, 0, 0, 0},
		{"a draft target", `{targets: [{name: a.example, status: draft, deadline: "2026-05-01T13:00:00Z"}]}`, 0, now + hour, 0, 1, 1},
		{"a suspended target", `{targets: [{name: a.example, status: suspended, deadline: "2026-05-01T11:00:00Z"}]}`, 1, none, 0, 1, 1},
		{"a target in shadow", `{targets: [{name: a.example, status: shadow, deadline: "2026-05-01T11:00:00Z"}]}`, 1, none, 0, 1, 1},
		{"a target of a draft", `{status: draft, targets: [{name: a.example, deadline: "2026-05-01T11:00:00Z"}]}`, 1, none, 0, 1, 1},
		{"a target that begins late", `{targets: [{name: a.example, from: "2026-05-01T14:00:00Z", deadline: "2026-05-01T13:00:00Z"}]}`, 0, now + hour, 0, 1, 1},
		{"a target whose deadline counts from its served, and a later from", `{targets: [{name: a.example, served: "2026-05-01T10:00:00Z", deadline: 30m, from: "2026-05-01T14:00:00Z"}]}`, 1, none, 0, 0, 2},
		{"a target with the duration of its order, and a later from", `{served: "2026-05-01T09:00:00Z", deadline: 30m, from: "2026-05-01T14:00:00Z", targets: [a.example, {name: b.example, served: "2026-05-01T10:00:00Z"}]}`, 1, none, 0, 0, 2},
		{"a target with a time as its deadline, in an order with a duration", `{served: "2026-05-01T09:00:00Z", deadline: 30m, from: "2026-05-01T14:00:00Z", targets: [a.example, {name: b.example, deadline: "2026-05-01T13:00:00Z"}]}`, 1, now + hour, 0, 1, 1},
		{"a target outside the order's time", `{from: 2026-04-01, until: 2026-06-01, targets: [{name: a.example, until: 2026-03-01, deadline: "2026-05-01T11:00:00Z"}]}`, 1, none, 0, 1, 1},
		{"a draft target that has ended", `{targets: [{name: a.example, status: draft, until: "2026-05-01T11:30:00Z", deadline: "2026-05-01T11:00:00Z"}]}`, 0, none, 0, 0, 0},
		{"a draft target that was lifted", `{issued: 2026-04-01, targets: [{name: a.example, status: draft, deadline: "2026-05-01T11:00:00Z"}]}
- {id: l, action: lift, issued: 2026-04-02, targets: [example]}`, 0, none, 0, 0, 0},
		{"a mask is not lifted with its base", `{issued: 2026-04-01, targets: [{name: "*.a.example", status: draft, deadline: "2026-05-01T11:00:00Z"}]}
- {id: l, action: lift, issued: 2026-04-02, targets: [{name: a.example, match: exact}]}`, 1, none, 0, 1, 1},
		{"a held target", `{targets: [{name: held.example, deadline: "2026-05-01T11:00:00Z"}, b.example]}`, 1, none, 0, 1, 1},
		{"a held target, forced", `{targets: [{name: held.example, deadline: "2026-05-01T11:00:00Z"}], force: {held.example: asked}}`, 0, none, 0, 0, 0},
		{"a target beside a held one", `{targets: [held.example, {name: b.example, deadline: "2026-05-01T13:00:00Z"}]}`, 0, none, 0, 0, 2},
		{"an order counts once", `{status: draft, deadline: "2026-05-01T10:00:00Z", targets: [{name: a.example, deadline: "2026-05-01T11:00:00Z"}, {name: b.example, deadline: "2026-05-01T11:00:00Z"}]}`, 1, none, 0, 1, 1},
		{"the next of several", `{status: draft, deadline: "2026-05-01T15:00:00Z", targets: [{name: a.example, deadline: "2026-05-01T13:00:00Z"}, {name: b.example, deadline: "2026-05-01T14:00:00Z"}]}`, 0, now + hour, 0, 1, 5},
		{"the order's deadline for a draft target", `{deadline: "2026-05-01T13:00:00Z", targets: [a.example, {name: b.example, status: draft}]}`, 0, now + hour, 0, 1, 1},
		{"a page, which DNS does not enforce", `{targets: [{url: "https://a.example/x", status: draft, deadline: "2026-05-01T11:00:00Z"}]}`, 0, none, 0, 0, 0},

		{"a lift in force", `{action: lift, issued: 2026-04-01, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"a draft lift", `{action: lift, status: draft, issued: 2026-04-01, deadline: "2026-05-01T13:00:00Z", targets: [a.example]}`, 0, now + hour, 0, 1, 1},
		{"a lift cannot be lifted", `{action: lift, status: draft, issued: 2026-04-01, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}
- {id: l, action: lift, issued: 2026-04-02, lifts: [x]}`, 1, none, 0, 1, 1},
		{"a lift that begins late", `{action: lift, issued: 2026-04-01, from: "2026-05-02T12:00:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, 1, none, 0, 0, 25},

		// The orders have review dates.
		{"to be reviewed", `{review: "2026-05-01T12:00:00Z", targets: [a.example]}`, 0, none, 1, 0, 0},
		{"not yet", `{review: "2026-05-01T12:00:01Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"a suspended order wants to be looked at all the more", `{status: suspended, review: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 1, 0, 0},
		{"a held one too", `{review: "2026-05-01T11:00:00Z", targets: [held.example]}`, 0, none, 1, 0, 0},
		{"review of what has ended", `{until: "2026-05-01T11:30:00Z", review: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"review of a draft that has ended", `{status: draft, until: "2026-05-01T11:30:00Z", review: "2026-05-01T11:00:00Z", targets: [a.example]}`, 0, none, 0, 0, 0},
		{"review of what was lifted", `{status: suspended, issued: 2026-04-01, review: "2026-05-01T11:00:00Z", targets: [a.example]}
- {id: l, action: lift, lifts: [x], issued: 2026-04-02}`, 0, none, 0, 0, 0},
	} {
		s := guardedSet(t, "- {id: x, "+tc.orders[1:])
		if d := s.Deadlines(now); d != (Deadlines{tc.overdue, tc.next, d.Late, tc.review}) {
			t.Errorf("%s: %+v, want overdue %d, next %d, past review %d", tc.why, d, tc.overdue, tc.next, tc.review)
		}
		if d := s.Deadlines(now + order.Time(tc.laterAt)*hour); d.Overdue != tc.laterOverdue && tc.laterAt > 0 {
			t.Errorf("%s: %d hours later %d overdue, want %d", tc.why, tc.laterAt, d.Overdue, tc.laterOverdue)
		}
	}
}

func TestDutiesOfAddresses(t *testing.T) {
	const now order.Time = 1777636800
	const late = `deadline: "2026-05-01T11:00:00Z"`
	for _, tc := range []struct {
		why, orders string
		overdue     int
	}{
		{"in force, beside a name that is held", `{targets: [held.example, {address: 203.0.113.1, enforced_by: dns, ` + late + `}]}`, 0},
		{"in force, beside an address that is held", `{targets: [{address: 203.0.113.66, enforced_by: dns}, {address: 203.0.113.1, enforced_by: dns, ` + late + `}]}`, 0},
		{"held", `{targets: [a.example, {address: 203.0.113.64/29, enforced_by: dns, ` + late + `}]}`, 1},
		{"held, and forced", `{force: {203.0.113.66: asked}, targets: [{address: 203.0.113.66, enforced_by: dns, ` + late + `}]}`, 0},
		{"suspended", `{targets: [a.example, {address: 203.0.113.1, enforced_by: dns, status: suspended, ` + late + `}]}`, 1},
		{"suspended and lifted", `{issued: 2026-01-01, targets: [{address: 203.0.113.1, enforced_by: dns, status: suspended, ` + late + `}]}
- {id: l, action: lift, issued: 2026-01-05, targets: [{address: 203.0.113.0/24}]}`, 0},
		{"suspended, another one lifted", `{issued: 2026-01-01, targets: [{address: 203.0.113.0/24, enforced_by: dns, status: suspended, ` + late + `}]}
- {id: l, action: lift, issued: 2026-01-05, targets: [{address: 203.0.113.1}]}`, 1},
		{"the order's deadline, the held address lifted", `{issued: 2026-01-01, ` + late + `, targets: [a.example, {address: 203.0.113.66, enforced_by: dns}]}
- {id: l, action: lift, issued: 2026-01-05, targets: [{address: 203.0.113.66}]}`, 0},
	} {
		opt := Options{Guard: holding("held.example"), Addresses: true}
		if d := guarded(t, opt, "- {id: x, "+tc.orders[1:]).Deadlines(now); d.Overdue != tc.overdue {
			t.Errorf("%s: %d overdue, want %d", tc.why, d.Overdue, tc.overdue)
		}
	}
	s := guardedSet(t, `- {id: x, targets: [a.example, {address: 203.0.113.1, enforced_by: dns, `+late+`}]}`)
	if d := s.Deadlines(now); d.Overdue != 1 {
		t.Errorf("an address that is not enforced: %d overdue", d.Overdue)
	}
}

func TestDutiesOfFiles(t *testing.T) {
	draft := "- {id: ID, status: draft, deadline: DAY, review: 2026-01-01, targets: [a.example]}\n"
	file := func(name string, days ...string) *Part {
		text := ""
		for _, day := range days {
			text += strings.NewReplacer("ID", name+day, "DAY", day).Replace(draft)
		}
		return part(t, name+".yaml", text)
	}
	s := Merge([]*Part{file("a", "2026-01-01", "2026-02-01", "2026-06-02"), file("b", "2026-06-01", "2026-03-01")}, Options{})
	if d := s.Deadlines(at(t, "2026-05-01")); d != (Deadlines{3, at(t, "2026-06-02"), 0, 5}) {
		t.Errorf("%+v", d)
	}
}
