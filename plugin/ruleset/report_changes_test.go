package ruleset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestOutcomes(t *testing.T) {
	now := at(t, "2026-06-01")
	type files map[string]string
	for _, tc := range []struct {
		name          string
		before, after files
		want          string
	}{
		{"new", files{}, files{"a": "- {id: a, targets: [a.example, '*.b.example']}\n"}, "a new in_force +2"},
		{"a target exchanged for another", files{"a": "- {id: a, targets: [a.example]}\n- {id: b, targets: [b.example]}\n"},
			files{"a": "- {id: a, targets: [c.example]}\n- {id: b, targets: [b.example]}\n"}, "a changed in_force +1 -1"},
		{"an exception", files{"a": "- {id: a, targets: [a.example], except: [x.a.example]}\n"},
			files{"a": "- {id: a, targets: [a.example], except: [y.a.example]}\n"}, "a changed in_force"},
		{"another order still blocks", files{"a": "- {id: a, targets: [a.example]}\n- {id: b, targets: [a.example]}\n"},
			files{"a": "- {id: b, targets: [a.example]}\n"}, "a removed"},
		{"a lift of three names", files{"a": "- {id: a, targets: [a.example, b.example, c.example, d.example]}\n"},
			files{"a": "- {id: a, targets: [a.example, b.example, c.example, d.example]}\n- {id: l, action: lift, issued: 2026-02-01, lifts: [a], targets: [a.example, b.example, c.example]}\n"},
			"l new lift in_force -3"},
		{"a lift of a whole order in another file", files{"a": "- {id: a, targets: [a.example, b.example]}\n"},
			files{"a": "- {id: a, targets: [a.example, b.example]}\n", "b": "- {id: l, action: lift, issued: 2026-02-01, lifts: [a]}\n"},
			"l new lift in_force -2, a affected lifted by l -2"},
		{"a lift above", files{"a": "- {id: a, targets: [x.a.example, y.a.example]}\n"},
			files{"a": "- {id: a, targets: [x.a.example, y.a.example]}\n- {id: l, action: lift, issued: 2026-02-01, lifts: [a], targets: [a.example]}\n"},
			"l new lift in_force -2, a affected lifted by l 0/2/0/0/0 l -2"},
		{"a lift that is taken back", files{"a": "- {id: a, targets: [a.example]}\n- {id: l, action: lift, issued: 2026-02-01, lifts: [a]}\n"},
			files{"a": "- {id: a, targets: [a.example]}\n"}, "l removed lift +1, a affected in_force +1"},
		{"a lift of a sealed order", files{"a": "- {id: a, disclosure: none, targets: [a.example]}\n"},
			files{"a": "- {id: a, disclosure: none, targets: [a.example]}\n- {id: l, action: lift, issued: 2026-02-01, lifts: [a]}\n"},
			fmt.Sprintf("sealed:%s new lift in_force -1, sealed:%s affected lifted by sealed:%[1]s -1", Digest("l"), Digest("a"))},
		{"a status", files{"a": "- {id: a, targets: [a.example]}\n"}, files{"a": "- {id: a, status: suspended, targets: [a.example]}\n"}, "a changed suspended -1"},
		{"shadow", files{}, files{"a": "- {id: a, status: shadow, targets: [a.example]}\n"}, "a new shadow"},
		{"a date to come", files{}, files{"a": "- {id: a, from: 2026-07-01, targets: [a.example]}\n"}, "a new pending"},
		{"for clients of a country", files{}, files{"a": "- {id: a, scope: {countries: [IT]}, targets: [a.example]}\n"}, "a new in_force +1"},
		{"for clients of a network", files{}, files{"a": "- {id: a, scope: {clients: [192.0.2.0/24]}, targets: [a.example]}\n"}, "a new in_force +1"},
		{"moved", files{"a": "- {id: a, targets: [a.example]}\n"}, files{"b": "- {id: a, targets: [a.example]}\n"}, "a moved in_force"},
		{"moved, with fewer and other targets", files{"a": "- {id: a, targets: [a.example, b.example, c.example]}\n- {id: k, targets: [k.example]}\n"},
			files{"a": "- {id: k, targets: [k.example]}\n", "b": "- {id: a, targets: [a.example, d.example]}\n"}, "a moved on in_force -2, a moved in_force differs +1 -2"},
		{"a lift that moved, with fewer targets", files{"a": "- {id: a, targets: [a.example, b.example]}\n", "b": "- {id: l, action: lift, issued: 2026-02-01, lifts: [a], targets: [a.example, b.example]}\n"},
			files{"a": "- {id: a, targets: [a.example, b.example]}\n", "c": "- {id: l, action: lift, issued: 2026-02-01, lifts: [a], targets: [a.example]}\n"}, "l moved lift in_force differs +1, a affected in_force 1/1/0/0/0 l +1"},
		{"a name that one order hands to another", files{"a": "- {id: a, targets: [a.example]}\n"},
			files{"a": "- {id: b, targets: [a.example]}\n"}, "b new in_force, a removed"},
		{"a lift of one target before", files{"l": ""}, files{"a": "- {id: l, action: lift, issued: 2026-02-01, lifts: [a], targets: [a.example]}\n- {id: a, targets: [a.example, b.example]}\n"},
			"l new lift in_force, a new in_force 1/1/0/0/0 l +1"},
		{"all targets lifted, by two lifts", files{}, files{"a": "- {id: a, targets: [a.example, b.example]}\n- {id: l, action: lift, issued: 2026-02-01, lifts: [a], targets: [a.example]}\n- {id: m, action: lift, issued: 2026-02-01, lifts: [a], targets: [b.example]}\n"},
			"a new lifted 0/2/0/0/0 , l new lift in_force, m new lift in_force"},
		{"targets of other times", files{}, files{"a": "- {id: a, targets: [{name: a.example, until: 2026-05-01}, {name: b.example, from: 2026-07-01}, c.example, {name: c.example, from: 2026-07-01}]}\n"},
			"a new in_force 1/0/0/1/1  +1"},
		{"a lift that reaches nothing", files{}, files{"a": "- {id: a, targets: [a.example]}\n- {id: l, action: lift, issued: 2026-02-01, lifts: [a], targets: [x.example]}\n"},
			"a new in_force +1, l new lift in_force reaches nothing"},
		{"a lift of an unknown order", files{}, files{"a": "- {id: l, action: lift, issued: 2026-02-01, lifts: [a]}\n"},
			fmt.Sprintf("sealed:%s new lift in_force reaches nothing", Digest("l"))},
		{"nothing", files{"a": "- {id: a, targets: [a.example]}\n"}, files{"a": "# a comment\n- {id: a, targets: [a.example]}\n"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var was, is []*Part
			var diffs []*Diff
			for _, name := range []string{"a", "b", "c"} {
				var old, new *Part
				if text, ok := tc.before[name]; ok {
					old = part(t, name+".yaml", text)
					was = append(was, old)
				}
				if text, ok := tc.after[name]; ok {
					new = part(t, name+".yaml", text)
					is = append(is, new)
					diffs = append(diffs, Compare(old, new, 20))
				}
			}
			before, after := Merge(was, Options{}), Merge(is, Options{})
			var got []string
			for _, o := range Outcomes(before, after, diffs, now, 20, func() bool { return false }) {
				line := o.Label + " " + [...]string{"new", "changed", "removed", "affected", "moved", "moved on"}[o.What]
				if o.Lift {
					line += " lift"
				}
				if o.What != Removed {
					line += " " + o.State.String()
				}
				if o.By != "" {
					line += " by " + o.By
				}
				if x := o.Tally; x.Lifted+x.Held+x.Pending+x.Ended > 0 {
					line += fmt.Sprintf(" %d/%d/%d/%d/%d %s", x.InForce, x.Lifted, x.Held, x.Pending, x.Ended, x.By)
				}
				if o.Lift && !o.Reaches && o.What != Removed {
					line += " reaches nothing"
				}
				if o.Differs {
					line += " differs"
				}
				if o.Blocked > 0 {
					line += fmt.Sprintf(" +%d", o.Blocked)
				}
				if o.Freed > 0 {
					line += fmt.Sprintf(" -%d", o.Freed)
				}
				if !o.Counted || !o.Below {
					line += " not counted"
				}
				got = append(got, line)
			}
			if got := strings.Join(got, ", "); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestOutcomesOfMany(t *testing.T) {
	var names []string
	for i := range maxOutcomeNames + 1 {
		names = append(names, fmt.Sprintf("n%d.example", i))
	}
	p := part(t, "a.yaml", "- {id: big, targets: ["+strings.Join(names, ", ")+"]}\n- {id: b, targets: [b.example]}\n- {id: c, targets: [c.example]}\n")
	list := Outcomes(nil, Merge([]*Part{p}, Options{}), []*Diff{Compare(nil, p, 2)}, order.Time(0), 2, func() bool { return false })
	if len(list) != 2 || list[0].Counted || list[0].Targets != len(names) || list[0].Blocked != 0 || !list[1].Counted || list[1].Blocked != 1 {
		t.Errorf("got %+v", list)
	}
}

func TestOutcomesOfManyClients(t *testing.T) {
	var names, clients []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("n%d.example", i))
		clients = append(clients, fmt.Sprintf("10.0.%d.%d/32", i>>8, i&255))
	}
	text := func(id, more string) string {
		return fmt.Sprintf("- {id: %s, scope: {clients: [%s]}, %s targets: [%s]}\n", id, strings.Join(clients, ", "), more, strings.Join(names, ", "))
	}
	plain := part(t, "a.yaml", text("a", ""))
	exempt := part(t, "a.yaml", text("a", "exempt: [{clients: [10.0.0.0/8]}],"))
	second := part(t, "b.yaml", text("b", ""))
	for _, tc := range []struct {
		name          string
		before, after []*Part
		diff          *Diff
		stopAfter     int
		work          int
		want          string
	}{
		{"new", nil, []*Part{plain}, Compare(nil, plain, 20), -1, 5 * 2000, "+2000 -0 true"},
		{"removed", []*Part{plain}, nil, Compare(plain, &Part{}, 20), -1, 6 * 2000, "+0 -2000 true"},
		{"all clients are exempt", nil, []*Part{exempt}, Compare(nil, exempt, 20), -1, maxOutcomeWork, "+0 -0 false"},
		{"another order blocks the names", []*Part{plain}, []*Part{plain, second}, Compare(nil, second, 20), -1, maxOutcomeWork, "+0 -0 false"},
		{"stopped", nil, []*Part{plain}, Compare(nil, plain, 20), 100, 101, "+0 -0 false"},
	} {
		work := 0
		stop := func() bool { work++; return work > tc.stopAfter && tc.stopAfter >= 0 }
		list := Outcomes(Merge(tc.before, Options{}), Merge(tc.after, Options{}), []*Diff{tc.diff}, at(t, "2026-06-01"), 20, stop)
		if len(list) != 1 {
			t.Fatalf("%s: got %+v", tc.name, list)
		}
		if got := fmt.Sprintf("+%d -%d %t", list[0].Blocked, list[0].Freed, list[0].Counted); got != tc.want || work > tc.work {
			t.Errorf("%s: got %s after %d clients and rules, want %s after at most %d", tc.name, got, work, tc.want, tc.work)
		}
	}
}

func TestOutcomesOfManyOrders(t *testing.T) {
	var names, clients []string
	for i := range 400 {
		names = append(names, fmt.Sprintf("n%d.example", i))
		clients = append(clients, fmt.Sprintf("10.0.%d.%d/32", i>>8, i&255))
	}
	text := ""
	for i := range 20 {
		text += fmt.Sprintf("- {id: o%d, scope: {clients: [%s]}, exempt: [{clients: [10.0.0.0/8]}], targets: [%d.%s]}\n",
			i, strings.Join(clients, ", "), i, strings.Join(names, fmt.Sprintf(", %d.", i)))
	}
	p, work := part(t, "a.yaml", text), 0
	Outcomes(nil, Merge([]*Part{p}, Options{}), []*Diff{Compare(nil, p, 20)}, at(t, "2026-06-01"), 20, func() bool { work++; return false })
	if work > maxLoadWork {
		t.Errorf("%d clients and rules were tried, want at most %d", work, maxLoadWork)
	}
}
