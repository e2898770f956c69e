package ruleset

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// TestMissedDuties checks the orders, targets and times of the deadlines. The field Number must be
// the position in OrderStates.
func TestMissedDuties(t *testing.T) {
	const orders = `
- {id: ok, deadline: 2026-04-20, targets: [a.example]}
- {id: draft, status: draft, deadline: 2026-04-20, review: 2026-05-03, targets: [b.example]}
- {id: soon, status: draft, deadline: 2026-05-03, review: 2026-06-03, targets: [c.example]}
- {id: rows, targets: [d.example, {name: e.example, match: exact, status: draft, deadline: 2026-04-21}, {name: "*.f.example", deadline: 2026-04-22, from: 2026-04-24}]}
- {id: ended, status: draft, deadline: 2026-04-20, until: 2026-04-25, review: 2026-04-24, targets: [g.example]}
`
	first := guarded(t, Options{}, "- {id: first, targets: [z.example]}\n- {id: second, targets: [y.example]}\n")
	s := Merge(append(first.Parts(), guarded(t, Options{}, orders).Parts()...), Options{})
	var ids []string
	for st := range s.OrderStates(0) {
		ids = append(ids, st.Order.ID)
	}
	now, before := at(t, "2026-05-01"), at(t, "2026-05-08")
	var got []string
	for d := range s.MissedDuties(now, before) {
		got = append(got, fmt.Sprintf("%s %q %s %v %v %v", ids[d.Number], d.Target, d.At.EndText(time.UTC), d.Overdue, d.AtRisk, d.Late))
	}
	want := []string{
		`draft "" 2026-04-20 true false false`,
		`soon "" 2026-05-03 false true false`,
		`rows "e.example" 2026-04-21 true false false`,
		`rows "*.f.example" 2026-04-22 false false true`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	got = nil
	for d := range s.DueReviews(now, before) {
		got = append(got, ids[d.Number]+" "+d.At.EndText(time.UTC))
	}
	if want := []string{"draft 2026-05-03"}; !slices.Equal(got, want) {
		t.Errorf("reviews %q, want %q", got, want)
	}
}

// TestUselessLifts checks which lifts the list has.
func TestUselessLifts(t *testing.T) {
	s := guarded(t, Options{}, `
- {id: a, issued: 2026-01-01, targets: [a.example]}
- {id: good, action: lift, issued: 2026-02-01, lifts: [a]}
- {id: typo, action: lift, issued: 2026-02-01, lifts: [a, aa]}
- {id: nothing, action: lift, issued: 2026-02-01, targets: [b.example]}
- {id: draft, action: lift, status: draft, issued: 2026-02-01, lifts: [c]}
`)
	var got []string
	for _, x := range s.UselessLifts() {
		got = append(got, fmt.Sprint(x.Lift.ID, x.Unknown, x.Nothing))
	}
	if want := []string{"typo[aa] false", "nothing[] true"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, want := range map[string]bool{"a.example": true, "x.a.example": true, "example": true, "c.example": false, "b.example": false} {
		n, err := dname.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Touches(n); got != want {
			t.Errorf("Touches(%s) = %v", name, got)
		}
	}
}
