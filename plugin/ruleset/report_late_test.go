package ruleset

import (
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestLate(t *testing.T) {
	const (
		noon order.Time = 1777636800
		hour order.Time = 3600
		past            = `deadline: "2026-05-01T11:00:00Z"`
	)
	for _, tc := range []struct {
		why, before, after string
		late, later        int // the field Late at noon, and two hours later
	}{
		{"entered after its deadline", `[]`, `[{id: x, ` + past + `, targets: [a.example]}]`, 1, 1},
		{"entered at its deadline", `[]`, `[{id: x, deadline: "2026-05-01T12:00:00Z", targets: [a.example]}]`, 1, 1},
		{"entered in time", `[]`, `[{id: x, deadline: "2026-05-01T12:00:01Z", targets: [a.example]}]`, 0, 0},
		{"without a deadline", `[]`, `[{id: x, targets: [a.example]}]`, 0, 0},
		{"there before", `[{id: x, ` + past + `, targets: [a.example]}]`, `[{id: x, ` + past + `, targets: [a.example, b.example]}]`, 0, 0},
		{"there before, and suspended for a while", `[{id: x, status: suspended, ` + past + `, targets: [a.example]}]`, `[{id: x, ` + past + `, targets: [a.example]}]`, 0, 0},
		{"a draft before", `[{id: x, status: draft, ` + past + `, targets: [a.example]}]`, `[{id: x, ` + past + `, targets: [a.example]}]`, 1, 1},
		{"entered as a draft, which is overdue", `[]`, `[{id: x, status: draft, ` + past + `, targets: [a.example]}]`, 0, 0},
		{"entered late, for a match", `[]`, `[{id: x, ` + past + `, targets: [a.example], windows: [{from: "2026-05-01T13:00:00Z", until: "2026-05-01T13:30:00Z"}]}]`, 1, 0},
		{"entered late, and ended by then", `[]`, `[{id: x, ` + past + `, until: "2026-05-01T11:30:00Z", targets: [a.example]}]`, 0, 0},
		{"entered late, and lifted soon", `[]`, `[{id: x, issued: 2026-04-01, ` + past + `, targets: [a.example]}, {id: l, action: lift, lifts: [x], issued: 2026-04-02, from: "2026-05-01T13:00:00Z"}]`, 1, 0},
		{"a lift entered late", `[]`, `[{id: l, action: lift, issued: 2026-04-02, ` + past + `, targets: [a.example]}]`, 1, 1},
		{"a target's deadline", `[]`, `[{id: x, targets: [{name: a.example, ` + past + `}, b.example]}]`, 1, 1},
		{"an order counts once", `[]`, `[{id: x, ` + past + `, targets: [{name: a.example, ` + past + `}, {name: b.example, ` + past + `}]}]`, 1, 1},
		{"two orders", `[{id: w, targets: [c.example]}]`, `[{id: w, targets: [c.example]}, {id: x, ` + past + `, targets: [a.example]}, {id: y, ` + past + `, targets: [a.example]}]`, 2, 2},

		// Orders whose own dates begin after the deadline.
		{"begins after its deadline", `[{id: x, from: "2026-05-01T11:30:00Z", ` + past + `, targets: [a.example]}]`, ``, 1, 1},
		{"will begin after its deadline, and is overdue", `[{id: x, from: "2026-05-01T13:00:00Z", ` + past + `, targets: [a.example]}]`, ``, 0, 1},
		{"begins after its deadline, counted from served", `[{id: x, from: "2026-05-01T11:30:00Z", served: "2026-05-01T10:00:00Z", deadline: 30m, targets: [a.example]}]`, ``, 1, 1},
		{"a target begins after its deadline", `[{id: x, targets: [{name: a.example, from: "2026-05-01T11:30:00Z", ` + past + `}]}]`, ``, 1, 1},
		{"windows after the deadline are no late beginning", `[{id: x, ` + past + `, targets: [a.example], windows: [{from: "2026-05-01T11:30:00Z", until: "2026-05-01T15:00:00Z"}]}]`, ``, 0, 0},
	} {
		load := func(orders string) *Set { return set(t, "  "+orders+"\n") }
		s := load(tc.before)
		if tc.after != "" {
			old := s
			s = load(tc.after)
			s.Follow(old, noon)
		}
		next := Merge(s.parts, Options{})
		next.Follow(s, noon+hour)
		for i, want := range []int{tc.late, tc.later} {
			if got := next.Deadlines(noon + 2*hour*order.Time(i)).Late; got != want {
				t.Errorf("%s: %d late after %d hours, want %d", tc.why, got, 2*i, want)
			}
		}
	}
}

func TestBeginsLate(t *testing.T) {
	for _, tc := range []struct {
		orders string
		want   bool
	}{
		{`{id: x, targets: [a.example]}`, false},
		{`{id: x, deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, false},
		{`{id: x, from: "2026-05-01T11:00:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, false},
		{`{id: x, from: "2026-05-01T11:00:01Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, true},
		{`{id: x, from: "2026-05-01T11:00:01Z", targets: [{name: a.example, deadline: "2026-05-01T11:00:00Z"}]}`, true},
		{`{id: x, targets: [{name: a.example, from: "2026-05-01T11:00:01Z", deadline: "2026-05-01T11:00:00Z"}]}`, true},
		{`{id: x, targets: [{name: a.example, from: "2026-05-01T11:00:01Z"}]}`, false},
		{`{id: x, deadline: "2026-05-01T11:00:00Z", targets: [a.example], windows: [{from: "2026-05-02T11:00:00Z"}]}`, false},
		{`{id: x, from: "2026-05-01T11:00:01Z", served: "2026-05-01T10:00:00Z", deadline: 30m, targets: [a.example, {name: b.example, served: "2026-05-01T10:20:00Z"}]}`, true},
		{`{id: x, from: "2026-05-01T11:00:01Z", targets: [{name: a.example, served: "2026-05-01T10:00:00Z", deadline: 30m}]}`, true},
		{`{id: x, action: lift, issued: "2026-05-02T11:00:00Z", deadline: "2026-05-01T11:00:00Z", targets: [a.example]}`, true},
	} {
		got := false
		text := "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n- " + tc.orders + "\n"
		opt := order.Options{Emit: func(o *order.Order) { got = BeginsLate(o) }}
		if _, ps := order.Parse("a.yaml", strings.NewReader(text), opt); len(ps.Errors()) > 0 {
			t.Fatal(ps)
		}
		if got != tc.want {
			t.Errorf("%s: %t", tc.orders, got)
		}
	}
}
