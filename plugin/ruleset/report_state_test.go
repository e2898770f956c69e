package ruleset

import (
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func TestOrderStates(t *testing.T) {
	f, problems := order.Parse("o.yaml", strings.NewReader(`
version: 1
defaults: {authority: {name: Court}, scope: global}
orders:
- {id: now, targets: [a.example]}
- {id: later, from: 2026-06-01T00:00:00Z, targets: [a.example]}
- {id: over, until: 2026-04-01T00:00:00Z, targets: [a.example]}
- {id: lifted, targets: [a.example]}
- {id: draft, status: draft, targets: [a.example]}
- {id: lift, action: lift, authority: {name: Court}, issued: 2026-04-01, lifts: [lifted]}
`), order.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b := NewBuilder("o.yaml", Options{})
	for _, o := range f.Orders {
		b.Add(o)
	}
	part, _ := b.Freeze()
	s := Merge([]*Part{part}, Options{})
	const at order.Time = 1777636800 // 2026-05-01T12:00:00Z
	var got []string
	for st := range s.OrderStates(at) {
		got = append(got, st.Order.ID+" "+st.State.String())
		if st.Lift != (st.Order.ID == "lift") || (st.Order.ID == "later") != (st.Until != Forever) {
			t.Errorf("%s: %+v", st.Order.ID, st)
		}
	}
	want := []string{"now in_force", "later pending", "over ended", "lifted lifted", "draft draft", "lift in_force"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for range s.OrderStates(at) { // the caller may stop early
		break
	}
}

func TestSetBelow(t *testing.T) {
	var q QName
	n, _ := dname.Parse("a.example")
	if !q.SetBelow(n) || q.NumLabels() != 3 || q.Ancestor(2) != n {
		t.Errorf("below %s: %s", n, q.Name())
	}
	long, err := dname.Parse(strings.Repeat(strings.Repeat("x", 49)+".", 5))
	if err != nil {
		t.Fatal(err)
	}
	if q.SetBelow(long) || q.Name() != long {
		t.Errorf("nothing fits below %s, got %s", long, q.Name())
	}
}

// TestLostCountsTargets checks BlockedAt and TargetsLost if several orders block one name
// or network. The name or network must count once.
func TestLostCountsTargets(t *testing.T) {
	now := at(t, "2026-01-01")
	for _, tc := range []struct {
		name, before, after string
		inForce, lost       int
	}{
		{"networks", "- {id: a, targets: [{address: 192.0.2.1, enforced_by: dns}, {address: 192.0.2.0/28, enforced_by: dns}]}",
			"- {id: a, targets: [{address: 192.0.2.1, enforced_by: dns}]}", 2, 1},
		{"a name of two orders", "- {id: a, targets: [a.example]}\n- {id: b, targets: [a.example]}", "- {id: a, targets: [b.example]}", 1, 1},
		{"what others enforce", "- {id: a, targets: [{address: 192.0.2.1}, {url: \"http://a.example/x\"}]}", "- {id: a, targets: [b.example]}", 0, 0},
		{"shadow", "- {id: a, status: shadow, targets: [a.example]}\n- {id: b, targets: [{name: b.example, status: shadow}]}", "- {id: a, targets: [c.example]}", 0, 0},
		{"to shadow", "- {id: a, targets: [a.example]}", "- {id: a, status: shadow, targets: [a.example]}", 1, 0},
		{"a target that ended", "- {id: a, targets: [{name: a.example, until: 2025-01-01}, b.example]}", "- {id: a, targets: [c.example]}", 1, 1},
		{"only its lift stays", "- {id: a, targets: [a.example]}", "- {id: l, action: lift, lifts: [a], issued: 2025-01-01, targets: [a.example]}", 1, 1},
	} {
		before, after := part(t, "a.yaml", tc.before), part(t, "a.yaml", tc.after)
		if n, m := before.BlockedAt(now), before.TargetsLost(after, now); n != tc.inForce || m != tc.lost {
			t.Errorf("%s: %d in force and %d lost, want %d and %d", tc.name, n, m, tc.inForce, tc.lost)
		}
	}
}

// TestLiftOfAllBut checks that a lift of a whole order does not apply to the exceptions of
// the lift.
func TestLiftOfAllBut(t *testing.T) {
	now := at(t, "2026-01-01")
	s := set(t, "- {id: a, targets: [a.example, b.example]}\n"+
		"- {id: l, action: lift, lifts: [a], issued: 2025-01-01, except: [b.example]}\n")
	for name, blocked := range map[string]bool{"a.example.": false, "b.example.": true, "x.b.example.": true} {
		if got := s.Decide(asked(t, name), Query{Now: now}).Blocked(); got != blocked {
			t.Errorf("%s: blocked %v, want %v", name, got, blocked)
		}
	}
	if c := s.Counts(now); c.Orders[InForce] != 1 || c.Orders[Lifted] != 0 {
		t.Errorf("the order is still in force in part, counts %+v", c)
	}
}

func TestLiftedEnds(t *testing.T) {
	now := at(t, "2026-01-01")
	s := set(t, "- {id: a, until: 2026-02-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01}\n")
	for st := range s.OrderStates(now) {
		if st.Order.ID == "a" && (st.State != Lifted || st.Until != at(t, "2026-02-02")) {
			t.Errorf("%s until %v", st.State, st.Until)
		}
	}
	if next := s.NextChange(now); next != at(t, "2026-02-02") {
		t.Errorf("next change %v", next)
	}
}

// TestWithdrawn checks orders that lifts end before the orders begin. An order that will
// never be in force is lifted until its own end.
func TestWithdrawn(t *testing.T) {
	now := at(t, "2026-01-01")
	for _, tc := range []struct {
		why, orders string
		state       State
		until       order.Time
	}{
		{"lifted for ever", "- {id: a, from: 2026-03-01, targets: [a.example, b.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01}", Lifted, Forever},
		{"with an end", "- {id: a, from: 2026-03-01, until: 2026-03-31, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01}", Lifted, at(t, "2026-04-01")},
		{"the lift begins later, and before the order", "- {id: a, from: 2026-03-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, from: 2026-02-01}", Lifted, Forever},
		{"the lift begins after the order", "- {id: a, from: 2026-03-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, from: 2026-03-02}", Pending, at(t, "2026-03-01")},
		{"the lift ends before the order does", "- {id: a, from: 2026-03-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, until: 2026-03-02}", Pending, at(t, "2026-03-01")},
		{"the lift ends after the order does", "- {id: a, from: 2026-03-01, until: 2026-03-02, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, until: 2026-03-03}", Lifted, at(t, "2026-03-03")},
		{"two lifts", "- {id: a, from: 2026-03-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, until: 2026-03-02}\n- {id: m, action: lift, lifts: [a], issued: 2025-01-01, from: 2026-03-02}", Lifted, Forever},
		{"each target", "- {id: a, from: 2026-03-01, targets: [a.example, b.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, targets: [a.example]}\n- {id: m, action: lift, lifts: [a], issued: 2025-01-01, targets: [b.example]}", Lifted, Forever},
		{"one of two targets", "- {id: a, from: 2026-03-01, targets: [a.example, b.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, targets: [a.example]}", Pending, at(t, "2026-03-01")},
		{"for some clients", "- {id: a, from: 2026-03-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, scope: {countries: [IT]}}", Pending, at(t, "2026-03-01")},
		{"between two windows", "- {id: a, windows: [{from: 2025-12-01, until: 2025-12-02}, {from: 2026-03-01, until: 2026-03-02}], targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, from: 2026-01-01}", Lifted, at(t, "2026-03-03")},
	} {
		for st := range set(t, tc.orders+"\n").OrderStates(now) {
			if st.Order.ID == "a" && (st.State != tc.state || st.Until != tc.until) {
				t.Errorf("%s: %s until %v, want %s until %v", tc.why, st.State, st.Until, tc.state, tc.until)
			}
		}
	}
}

// TestExplainTwice checks an order that lists a target twice. The target is in force if one of the
// two entries is in force.
func TestExplainTwice(t *testing.T) {
	for _, lines := range []string{
		`{name: a.example, until: 2026-03-01}, {name: a.example, from: 2026-02-01, until: 2026-05-01}`,
		`{name: a.example, from: 2026-02-01, until: 2026-05-01}, {name: a.example, until: 2026-03-01}`,
		`{name: a.example, from: 2026-02-01, until: 2026-05-01}, {name: a.example, status: suspended}, {name: a.example, until: 2026-03-01}`,
	} {
		s := set(t, "- {id: x, from: 2026-01-01, targets: ["+lines+"]}\n")
		_, reasons := s.Explain(asked(t, "a.example."), Client{}, at(t, "2026-02-15"))
		// An end date without a time means the end of that day.
		if len(reasons) != 1 || reasons[0].Why != Decides || reasons[0].Since != at(t, "2026-01-01") || reasons[0].Until != at(t, "2026-05-02") {
			t.Errorf("%s: %+v", lines, reasons)
		}
	}
}
