package ruleset

import (
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

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

func TestReportsInUse(t *testing.T) {
	s := set(t, `
- {id: a, from: 2026-03-01, targets: [a.example, b.example], deadline: 2026-01-01, review: 2026-01-01}
- {id: l, action: lift, lifts: [a], issued: 2025-01-01, targets: [a.example]}
- {id: m, action: lift, lifts: [a], issued: 2025-01-01, targets: [b.example]}
`)
	now, done := at(t, "2026-01-01"), make(chan int)
	report := func() {
		lifted := s.Counts(now).Orders[Lifted]
		for range s.OrderStates(now) {
		}
		s.Warnings()
		s.Deadlines(now)
		s.Transitions(now, s.NextChange(now))
		s.Explain(asked(t, "a.example"), Client{}, now)
		done <- lifted
	}
	go report()
	go report()
	if n := <-done + <-done; n != 2 {
		t.Errorf("%d orders are lifted in two reports, want 2", n)
	}
}
