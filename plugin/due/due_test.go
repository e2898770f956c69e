package due

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

var update = flag.Bool("update", false, "write the golden files")

var now = order.FromTime(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))

func input(t *testing.T, texts ...string) Options {
	t.Helper()
	opt := Options{Now: now, Days: 7, Disclosure: func(o *order.Order) order.Disclosure { return o.Disclosure },
		Command: func(command, id, _ string) string { return "blocklistctl " + command + " " + id }}
	rules := ruleset.Options{Guard: guard.New(), Addresses: true}
	var parts []*ruleset.Part
	for i, text := range texts {
		path := string(rune('a'+i)) + ".yaml"
		f, problems := order.Parse(path, strings.NewReader(text), order.Options{})
		if len(problems.Errors()) > 0 {
			t.Fatal(problems)
		}
		b := ruleset.NewBuilder(path, rules)
		for _, o := range f.Orders {
			b.Add(o)
		}
		part, _ := b.Freeze()
		parts = append(parts, part)
		zone, err := time.LoadLocation(f.Timezone)
		if err != nil {
			t.Fatal(err)
		}
		opt.Files = append(opt.Files, File{Path: path, Orders: f.Orders, Zone: zone, Expires: f.Expires, Register: f.Source != nil})
	}
	opt.Set = ruleset.Merge(parts, rules)
	return opt
}

const head = "version: 1\ntimezone: Europe/Rome\ndefaults: {scope: global, authority: {name: Court}, acknowledged: 2026-04-01, reported: 2026-04-01, review: 2027-01-01}\norders:\n"

func whole(orders string) string {
	h := head
	if strings.Contains(orders, "new: x, ") {
		h = strings.Replace(h, "acknowledged: 2026-04-01, reported: 2026-04-01, ", "", 1)
	}
	return h + strings.NewReplacer("new: x, ", "", "action: lift", "action: lift, acknowledged: 2026-04-01, reported: 2026-04-01").Replace(orders) + "\n"
}

func lines(r *Report) (out []string) {
	for _, s := range r.Sections {
		for _, it := range s.Items {
			out = append(out, strings.Join(slices.DeleteFunc([]string{s.Name, it.Order, r.Date(it), it.Target, r.Because(it), strings.Join(it.DidYouMean, " ")},
				func(s string) bool { return s == "" }), " | "))
		}
	}
	return out
}

func TestSections(t *testing.T) {
	for _, tc := range []struct {
		why, orders string
		want        []string
	}{
		{"nothing is due", "- {id: x, targets: [a.example]}", nil},

		// Deadlines.
		{"a draft past its deadline", "- {id: x, status: draft, deadline: 2026-04-30, targets: [a.example]}",
			[]string{"behind | x | Thu 2026-04-30 | deadline yesterday; the status is draft; to enforce the order, set the status to active at a.yaml:5"}},
		{"a draft before its deadline", "- {id: x, status: draft, deadline: 2026-05-01T18:00, targets: [a.example]}",
			[]string{"at_risk | x | Fri 2026-05-01 18:00 | deadline today 18:00; the status is draft; to enforce the order, set the status to active at a.yaml:5"}},
		{"a draft whose deadline is later", "- {id: x, status: draft, deadline: 2026-05-09, targets: [a.example]}", nil},
		{"in force in time", "- {id: x, deadline: 2026-04-30, targets: [a.example]}", nil},
		{"held by the guard", "- {id: x, deadline: 2026-04-30, targets: [com, a.example]}",
			[]string{"behind | x | Thu 2026-04-30 | deadline yesterday; the guard holds 1 target: com is a top-level domain"}},
		{"held, but its targets are secret", "- {id: x, disclosure: schedule, deadline: 2026-04-30, targets: [com, a.example]}",
			[]string{"behind | x | Thu 2026-04-30 | deadline yesterday; the guard holds 1 target"}},
		{"targets of their own", "- {id: x, targets: [{name: a.example, status: draft, deadline: 2026-04-30}, {name: b.example, status: draft, deadline: 2026-04-30}, {name: c.example, deadline: 2026-04-30}]}",
			[]string{"behind | x | Thu 2026-04-30 | a.example, b.example | deadline yesterday; the status of the first target is draft; to enforce the first target, set the status to active at a.yaml:5"}},
		{"a draft with a draft target is one item", "- {id: x, status: draft, deadline: 2026-04-30, targets: [{name: a.example, status: draft}]}",
			[]string{"behind | x | Thu 2026-04-30 | deadline yesterday; the status is draft; to enforce the order, set the status to active at a.yaml:5"}},
		{"begins after its deadline", "- {id: x, deadline: 2026-04-30, from: 2026-05-03T08:00, targets: [a.example]}",
			[]string{"behind | x | Thu 2026-04-30 | deadline yesterday; the order begins at 2026-05-03T08:00:00+02:00, after its deadline",
				"starts | x | Sun 2026-05-03 08:00 | in 2 days; the order begins"}},
		{"lifted, so nothing is missed", "- {id: x, issued: 2026-04-01, status: draft, deadline: 2026-04-30, targets: [a.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-04-02}", nil},

		// Late orders.
		{"served after its deadline", "- {id: x, new: x, acknowledged: 2026-04-12, served: 2026-04-12, deadline: 2026-04-10, targets: [a.example]}",
			[]string{"late | x | Fri 2026-04-10 | deadline 21 days ago; served after its deadline, 2026-04-12", "not_reported | x | Sun 2026-04-12 | served 19 days ago"}},
		{"begun after its deadline", "- {id: x, new: x, acknowledged: 2026-04-12, from: 2026-04-12, deadline: 2026-04-10, targets: [a.example]}",
			[]string{"late | x | Fri 2026-04-10 | deadline 21 days ago; begins after its deadline, from 2026-04-12", "not_reported | x | served at an unknown time"}},
		{"late, and reported", "- {id: x, from: 2026-04-12, deadline: 2026-04-10, targets: [a.example]}", nil},

		{"an order that begins after its duration", "- {id: x, served: 2026-05-01T10:00, deadline: 30m, from: 2026-05-03T08:00, targets: [a.example]}",
			[]string{"behind | x | Fri 2026-05-01 10:30 | deadline today 10:30; the order begins at 2026-05-03T08:00:00+02:00, after its deadline", "starts | x | Sun 2026-05-03 08:00 | in 2 days; the order begins"}},
		{"a draft that begins after its duration", "- {id: x, status: draft, served: 2026-05-01T10:00, deadline: 30m, from: 2026-05-03T08:00, targets: [a.example]}",
			[]string{"behind | x | Fri 2026-05-01 10:30 | deadline today 10:30; the status is draft; to enforce the order, set the status to active at a.yaml:5",
				"starts | x | Sun 2026-05-03 08:00 | in 2 days; the order begins, but the status of the order is draft, so the order is not enforced"}},
		{"a target that begins after its duration", "- {id: x, targets: [{name: a.example, served: 2026-03-31T10:00, deadline: 30m, from: 2026-05-03T08:00}]}",
			[]string{"behind | x | Tue 2026-03-31 10:30 | a.example | deadline 31 days ago; the target begins at 2026-05-03T08:00:00+02:00, after its deadline", "starts | x | Sun 2026-05-03 08:00 | a.example | in 2 days; a target begins"}},

		// Withdrawn orders. Nothing begins or ends to block.
		{"lifted before it begins", "- {id: x, issued: 2026-04-01, served: 2026-04-02T10:00, deadline: 2026-05-02, from: 2026-05-03, until: 2026-05-05, targets: [a.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-04-03}", nil},
		{"a match that was lifted, and a later match", "- {id: x, issued: 2026-04-01, targets: [a.example], windows: [{from: 2026-05-02T20:45, until: 2026-05-02T23:00}, {from: 2026-05-05T20:45, until: 2026-05-05T23:00}]}\n- {id: l, action: lift, lifts: [x], issued: 2026-04-03, until: 2026-05-03}",
			[]string{"starts | x | Tue 2026-05-05 20:45 to 23:00 | window in 4 days; a window begins", "ends | l | Sun 2026-05-03 | in 2 days; the lift ends; orders can block the freed names again", "ends | x | Tue 2026-05-05 23:00 | window in 4 days; the last window ends"}},
		{"lifted in part before it begins", "- {id: x, issued: 2026-04-01, from: 2026-05-03, until: 2026-05-05, targets: [a.example, b.example, c.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-04-03, targets: [b.example, c.example]}",
			[]string{"starts | x | Sun 2026-05-03 | in 2 days; the order begins; 2 targets are lifted", "ends | x | Tue 2026-05-05 | in 4 days; the order ends, and its names are freed unless another order blocks them; 2 targets are already lifted"}},
		{"targets of their own, one lifted", "- {id: x, issued: 2026-04-01, targets: [{name: a.example, from: 2026-05-03, until: 2026-05-05}, {name: b.example, from: 2026-05-03, until: 2026-05-05}, c.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-04-03, targets: [b.example]}",
			[]string{"starts | x | Sun 2026-05-03 | a.example | in 2 days; a target begins", "ends | x | Tue 2026-05-05 | a.example | in 4 days; a target ends"}},
		{"an exemption of a lifted order", "- {id: x, issued: 2026-04-01, exempt: [{clients: [192.0.2.0/24], until: 2026-05-03}], targets: [a.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-04-03}", nil},

		// Times.
		{"a match", "- {id: x, targets: [a.example], windows: [{from: 2026-05-02T20:45, until: 2026-05-02T23:00}, {from: 2026-05-20T20:45, until: 2026-05-20T23:00}]}",
			[]string{"starts | x | Sat 2026-05-02 20:45 to 23:00 | window tomorrow; a window begins"}},
		{"the last match", "- {id: x, targets: [a.example], windows: [{from: 2026-05-08T23:00, until: 2026-05-09T00:00}]}",
			[]string{"starts | x | Fri 2026-05-08 23:00 to 24:00 | window in 7 days; a window begins", "ends | x | Fri 2026-05-08 | window in 7 days; the last window ends"}},
		{"an order begins, but is a draft", "- {id: x, status: draft, from: 2026-05-08, targets: [a.example]}",
			[]string{"starts | x | Fri 2026-05-08 | in 7 days; the order begins, but the status of the order is draft, so the order is not enforced"}},
		{"begins too late for the report", "- {id: x, from: 2026-05-09, targets: [a.example]}", nil},
		{"an order ends", "- {id: x, until: 2026-05-08, targets: [a.example]}",
			[]string{"ends | x | Fri 2026-05-08 | in 7 days; the order ends, and its names are freed unless another order blocks them"}},
		{"ends after the report", "- {id: x, until: 2026-05-09, targets: [a.example]}", nil},
		{"has ended", "- {id: x, until: 2026-04-30, targets: [a.example]}", nil},
		{"a stay ends", "- {id: x, issued: 2026-01-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-02-01, until: 2026-05-03}",
			[]string{"ends | l | Sun 2026-05-03 | in 2 days; the lift ends; order x blocks a.example again"}},
		{"targets begin and end", "- {id: x, targets: [{name: a.example, from: 2026-05-02}, {name: b.example, from: 2026-05-02}, {name: c.example, until: 2026-05-02}]}",
			[]string{"starts | x | Sat 2026-05-02 | a.example, b.example | from tomorrow; 2 targets begin", "ends | x | Sat 2026-05-02 | c.example | until tomorrow; a target ends"}},
		{"a stay of some names ends", "- {id: x, issued: 2026-01-01, targets: [a.example, b.example, c.example, d.example, e.example, {name: f.example, match: exact}]}\n- {id: l, action: lift, lifts: [x], issued: 2026-02-01, until: 2026-05-02, targets: [a.example, b.example, c.example, d.example, e.example]}\n- {id: m, action: lift, lifts: [x], issued: 2026-02-01, targets: [b.example]}",
			[]string{"ends | l | Sat 2026-05-02 | until tomorrow; the lift ends; order x blocks a.example, c.example, d.example, and 1 more target again"}},
		{"a stay of a sealed order ends", "- {id: x, disclosure: none, issued: 2026-01-01, targets: [a.example]}\n- {id: l, action: lift, disclosure: full, lifts: [x], issued: 2026-02-01, until: 2026-05-02}",
			[]string{"ends | l | Sat 2026-05-02 | until tomorrow; the lift ends; orders can block the freed names again"}},
		{"a stay ends today", "- {id: x, issued: 2026-01-01, targets: [a.example]}\n- {id: l, action: lift, issued: 2026-02-01, authority: {name: Court}, until: 2026-05-01T18:30, targets: [a.example]}",
			[]string{"ends | l | Fri 2026-05-01 18:30 | until today 18:30; the lift ends; order x blocks a.example again"}},
		{"an order of names not disclosed", "- {id: x, disclosure: schedule, issued: 2026-01-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [x], disclosure: full, issued: 2026-02-01, until: 2026-05-02}",
			[]string{"ends | l | Sat 2026-05-02 | until tomorrow; the lift ends; order x blocks 1 target again"}},
		{"an exemption ends", "- {id: x, exempt: [{clients: [192.0.2.0/24], until: 2026-05-04}], targets: [a.example]}",
			[]string{"ends | x | Mon 2026-05-04 | in 3 days; an exemption ends; its clients are then blocked"}},

		// Reviews.
		{"a review is due", "- {id: x, review: 2026-04-01, targets: [a.example]}",
			[]string{"review | x | Wed 2026-04-01 | review 30 days ago; look at the order again, then write a new review date at a.yaml:5"}},
		{"a review during a stay, and a review after a stay", "- {id: x, issued: 2026-01-01, review: 2026-05-02, targets: [a.example]}\n- {id: y, issued: 2026-01-01, review: 2026-05-06, targets: [b.example]}\n- {id: l, action: lift, lifts: [x, y], issued: 2026-02-01, until: 2026-05-04}",
			[]string{"ends | l | Mon 2026-05-04 | in 3 days; the lift ends; order x blocks a.example again, and 1 more order blocks names again",
				"review | y | Wed 2026-05-06 | review in 5 days; look at the order again, then write a new review date at a.yaml:6"}},

		// Lifts that end nothing.
		{"a wrong id", "- {id: court/17, issued: 2026-01-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [court/71], issued: 2026-02-01}",
			[]string{`unreached | l | Sun 2026-02-01 | issued 89 days ago; no order has the id "court/71"; the lift ends no order | court/17`}},
		{"a wrong name", "- {id: x, issued: 2026-01-01, targets: [films.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-02-01, targets: [flims.example, films.example]}",
			[]string{"unreached | l | Sun 2026-02-01 | flims.example | issued 89 days ago; no block order has flims.example, or a name above or below | films.example"}},
		{"another authority", "- {id: x, issued: 2026-01-01, targets: [films.example]}\n- {id: l, action: lift, authority: {name: Ministry}, issued: 2026-02-01, targets: [www.films.example]}",
			[]string{"unreached | l | Sun 2026-02-01 | issued 89 days ago; no earlier order of this authority has the targets of the lift; the lift ends no order; write lifts with the id of an order to end that order | x"}},
		{"a lift that works", "- {id: x, issued: 2026-01-01, targets: [films.example]}\n- {id: l, action: lift, issued: 2026-02-01, targets: [www.films.example]}", nil},
		{"the id of a sealed order is not suggested", "- {id: secret/17, disclosure: code, issued: 2026-01-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [secret/71], issued: 2026-02-01}",
			[]string{"unreached | sealed:" + ruleset.Digest("l") + " | a sealed order; --sealed shows the order and the date"}},

		// Names that are missing.
		{"fewer names than the decision", "- {id: x, served: 2026-04-30, stated_count: 3, targets: [a.example, b.example]}",
			[]string{"incomplete | x | Thu 2026-04-30 | served yesterday; the decision states 3 names, and the order has 2"}},
		{"as many names as the decision, or more", "- {id: x, stated_count: 1, targets: [a.example]}\n- {id: y, stated_count: 1, targets: [b.example, c.example]}", nil},
		{"fewer names in an order that has ended, and a lift of a whole order", "- {id: x, stated_count: 2, until: 2026-04-30, targets: [a.example]}\n- {id: y, issued: 2026-01-01, targets: [b.example]}\n- {id: l, action: lift, lifts: [y], stated_count: 2, issued: 2026-02-01}", nil},
		{"fewer names in a sealed order", "- {id: x, disclosure: none, stated_count: 2, targets: [a.example]}",
			[]string{"incomplete | sealed:" + ruleset.Digest("x") + " | a sealed order; --sealed shows the order and the date"}},

		// Messages to the authority.
		{"not acknowledged and not reported", "- {id: x, new: x, report_to: dsa@court.example, served: 2026-04-30T10:00, targets: [a.example]}",
			[]string{"not_acknowledged | x | Thu 2026-04-30 10:00 | served yesterday", "not_reported | x | Thu 2026-04-30 10:00 | served yesterday; report to dsa@court.example"}},
		{"the newest first, then without a date", "- {id: x, new: x, reported: 2026-04-01, targets: [a.example]}\n- {id: y, new: x, reported: 2026-04-01, issued: 2026-04-01, targets: [b.example]}\n- {id: z, new: x, reported: 2026-04-01, served: 2026-04-02, targets: [c.example]}",
			[]string{"not_acknowledged | z | Thu 2026-04-02 | served 29 days ago", "not_acknowledged | y | Wed 2026-04-01 | issued 30 days ago; served at an unknown time",
				"not_acknowledged | x | served at an unknown time"}},
		{"not in force, so no effect to report", "- {id: x, new: x, acknowledged: 2026-04-01, from: 2026-06-01, targets: [a.example]}", nil},
		{"the operator's own order, and a law", "- {id: x, new: x, authority: {name: A, kind: operator}, targets: [a.example]}\n- {id: y, new: x, authority: {name: A, kind: law}, targets: [b.example]}", nil},
		{"ended 30 days ago, and before", "- {id: x, new: x, served: 2026-03-01, from: 2026-03-02, until: 2026-04-01, targets: [a.example]}\n- {id: y, new: x, served: 2026-03-01, until: 2026-03-31, targets: [b.example]}",
			[]string{"not_acknowledged | x | Sun 2026-03-01 | served 61 days ago; the order has ended", "not_reported | x | Sun 2026-03-01 | served 61 days ago; the order has ended"}},
		{"lifted 29 days ago, and 31 days ago", "- {id: x, new: x, served: 2026-03-01, targets: [a.example]}\n- {id: y, new: x, served: 2026-03-01, targets: [b.example]}\n- {id: lx, action: lift, lifts: [x], issued: 2026-04-02}\n- {id: ly, action: lift, lifts: [y], issued: 2026-03-31}",
			[]string{"not_acknowledged | x | Sun 2026-03-01 | served 61 days ago; the order is lifted", "not_reported | x | Sun 2026-03-01 | served 61 days ago; the order is lifted"}},
		{"each target lifted, and the order ended later", "- {id: x, new: x, served: 2026-03-01, until: 2026-04-20, targets: [a.example, b.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-03-02, targets: [a.example]}\n- {id: m, action: lift, lifts: [x], issued: 2026-03-03, targets: [b.example]}", nil},
		{"lifted for a time long ago, and again", "- {id: x, new: x, reported: 2026-03-03, served: 2026-03-01, targets: [a.example]}\n- {id: l, action: lift, lifts: [x], issued: 2026-03-02, until: 2026-04-05}\n- {id: m, action: lift, lifts: [x], issued: 2026-04-20}",
			[]string{"not_acknowledged | x | Sun 2026-03-01 | served 61 days ago; the order is lifted"}},
		{"withdrawn before it began: only the receipt is due", "- {id: x, new: x, served: 2026-04-10, from: 2026-05-20, targets: [a.example]}\n- {id: y, new: x, served: 2026-04-10, from: 2026-04-28, until: 2026-04-29, targets: [b.example]}\n- {id: l, action: lift, lifts: [x, y], issued: 2026-04-20}",
			[]string{"not_acknowledged | x | Fri 2026-04-10 | served 21 days ago; the order is lifted", "not_acknowledged | y | Fri 2026-04-10 | served 21 days ago; the order has ended"}},
		{"never in force: the dates do not overlap", "- {id: x, new: x, served: 2026-04-10, from: 2026-04-20, targets: [a.example], windows: [{from: 2026-04-12, until: 2026-04-13}]}", nil},
		{"served later", "- {id: x, new: x, served: 2026-05-02, from: 2026-06-01, targets: [a.example]}", nil},
		{"a further list", "- {id: x, targets: [a.example, {name: b.example, served: 2026-04-20}, {name: c.example, served: 2026-04-20}, {name: d.example, served: 2026-04-20, acknowledged: 2026-04-20}]}",
			[]string{"not_acknowledged | x | Mon 2026-04-20 | b.example, c.example | served 11 days ago; 2 targets served later than the other targets",
				"not_reported | x | Mon 2026-04-20 | b.example, c.example, d.example | served 11 days ago; 3 targets served later than the other targets"}},

		// Sealed orders come last, without their dates.
		{"sealed", "- {id: x, disclosure: none, status: draft, deadline: 2026-04-01, targets: [a.example]}\n- {id: y, status: draft, deadline: 2026-04-30, targets: [b.example]}",
			[]string{"behind | y | Thu 2026-04-30 | deadline yesterday; the status is draft; to enforce the order, set the status to active at a.yaml:6",
				"behind | sealed:" + ruleset.Digest("x") + " | a sealed order; --sealed shows the order and the date"}},
	} {
		if got := lines(Collect(input(t, whole(tc.orders)))); !slices.Equal(got, tc.want) {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", tc.why, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
	}
}

func TestRegister(t *testing.T) {
	opt := input(t, "version: 1\nexpires: 2026-05-03\nsource: {register: R, as_of: 2026-04-30}\ndefaults: {scope: global, authority: {name: A}}\norders:\n- {id: x, targets: [a.example]}\n")
	if got, want := lines(Collect(opt)), []string{"review | Sun 2026-05-03 | expires in 2 days; the file must be renewed before this time; the orders stay in force"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestParty(t *testing.T) {
	const text = "version: 1\ndefaults: {scope: global}\norders:\n- {id: x, authority: {name: A}, acknowledged: 2026-04-01, reported: 2026-04-01, issued: 2026-04-01, targets: [a.example, b.example]}\n" +
		"- {id: party, action: lift, lifts: [x], authority: {name: P}, issued: 2026-04-20, targets: [a.example]}\n" +
		"- {id: court, action: lift, lifts: [x], authority: {name: C, kind: court}, issued: 2026-04-20, targets: [a.example]}\n"
	want := []string{"not_acknowledged | court | Mon 2026-04-20 | issued 11 days ago; served at an unknown time", "not_reported | court | Mon 2026-04-20 | issued 11 days ago; served at an unknown time"}
	if got := lines(Collect(input(t, text))); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecretFile(t *testing.T) {
	opt := input(t, whole("- {id: x, new: x, targets: [a.example]}"),
		"version: 1\nexpires: 2026-05-03\ndefaults: {scope: global, authority: {name: A}}\norders:\n- {id: y, disclosure: none, deadline: 2026-04-01, status: draft, targets: [b.example]}\n")
	opt.Command = func(command, id, file string) string { return command + " " + id + " " + file }
	formats := func(opt Options) (out [5]string) {
		r := Collect(opt)
		for i, write := range []func(io.Writer) error{r.WriteText, r.WriteCSV, r.WriteHTML, r.WriteICS, func(w io.Writer) error { return json.NewEncoder(w).Encode(r) }} {
			var b strings.Builder
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			out[i] = b.String()
		}
		return out
	}
	for i, text := range formats(opt) {
		if strings.Contains(text, "b.yaml") || i != 3 && !strings.Contains(text, "a.yaml") || !strings.Contains(text, "a file with sealed orders") {
			t.Errorf("format %d: %s", i, text)
		}
	}
	if text := formats(opt)[0]; !strings.Contains(text, "1 file, and 1 more file with sealed orders, read, with 2 orders.") {
		t.Errorf("%s", text)
	}
	opt.Sealed = true
	for i, text := range formats(opt) {
		if !strings.Contains(text, "b.yaml") {
			t.Errorf("with Sealed, format %d: %s", i, text)
		}
	}
}

// A lift of an unknown order must be hidden, because the order may be sealed.
func TestUnreadable(t *testing.T) {
	opt := input(t, whole("- {id: l, action: lift, lifts: [nothing], issued: 2026-02-01}"))
	opt.Disclosure = func(*order.Order) order.Disclosure { return order.None }
	if got := lines(Collect(opt)); len(got) != 1 || !strings.Contains(got[0], "| l |") {
		t.Errorf("with all files: %q", got)
	}
	opt.Problems = []string{"b.yaml: cannot be read: permission denied"}
	r := Collect(opt)
	if got := lines(r); len(got) != 1 || strings.Contains(got[0], "| l |") {
		t.Errorf("without a file: %q", got)
	}
	var b strings.Builder
	r.WriteText(&b)
	if !strings.HasPrefix(b.String(), opt.Problems[0]+"\n") || strings.Contains(b.String(), "No order is behind") {
		t.Errorf("text %q", b.String())
	}
}

// world is a report with items in each section.
func world(t *testing.T) Options {
	opt := input(t, `version: 1
timezone: Europe/Rome
expires: 2026-05-06
defaults: {scope: global}
authorities:
  agcom: {authority: {name: AGCOM, country: IT, kind: regulator}, report_to: dsa@agcom.example}
  milan: {authority: {name: "Tribunale di Milano, Sezione \"Imprese\"; A", country: IT, kind: court}}
orders:
- {id: agcom/7, authority: agcom, references: ["7/26/CONS"], served: 2026-04-30T10:00, deadline: 30m, targets: [com, films.example]}
- {id: agcom/8, authority: agcom, references: ["=8/26/CONS"], status: draft, served: 2026-04-30, deadline: 2026-05-04, targets: [films2.example]}
- {id: milan/2026-17, authority: milan, references: ["17/2026", "RG 4410/2026 <script>alert(1)</script>"], issued: 2026-04-20, served: 2026-04-21, acknowledged: 2026-04-21, reported: 2026-04-22, review: 2026-05-05, targets: [films3.example, {name: m.example, served: 2026-04-29}]}
- {id: milan/2026-23, authority: milan, references: ["23/2026"], issued: 2026-04-28, targets: [match.example], windows: [{from: 2026-05-02T20:45, until: 2026-05-02T23:00}, {from: 2026-05-06T20:45, until: 2026-05-07T01:00}]}
- {id: milan/2026-17/stay, action: lift, authority: milan, references: ["44/2026"], issued: 2026-04-29, lifts: [milan/2026-17], until: 2026-05-03}
- {id: milan/2026-17/x, action: lift, authority: milan, references: ["45/2026"], issued: 2026-04-29, lifts: [milan/2026-71]}
- {id: secret/1, disclosure: code, authority: agcom, served: 2026-04-01, deadline: 2026-04-02, status: draft, targets: [s.example]}
- {id: late/1, authority: agcom, served: 2026-04-10, deadline: 2026-04-11, from: 2026-04-13, acknowledged: 2026-04-10, stated_count: 3, targets: [l.example]}
`, `version: 1
timezone: Europe/Kyiv
defaults: {scope: global, authority: {name: Національний центр оперативно-технічного управління мережами телекомунікацій}}
orders:
- {id: ncu/914-2719-a-long-identifier-made-from-the-name-of-an-attached-file, references: ["914/2719 від 12.04.2026"], issued: 2026-04-12, until: 2026-05-05T12:30, targets: [приклад.example]}
`)
	opt.Problems = []string{`c.yaml:1:1: is empty`}
	return opt
}

func TestGolden(t *testing.T) {
	r := Collect(world(t))
	for _, s := range r.Sections {
		if s.Count == 0 {
			t.Errorf("section %s has no item", s.Name)
		}
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"due.txt":  func(b *bytes.Buffer) error { return r.WriteText(b) },
		"due.csv":  func(b *bytes.Buffer) error { return r.WriteCSV(b) },
		"due.html": func(b *bytes.Buffer) error { return r.WriteHTML(b) },
		"due.ics":  func(b *bytes.Buffer) error { return r.WriteICS(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s differs; -update writes the file: %v\n%s", path, err, b.Bytes())
		}
	}
}

func TestColumns(t *testing.T) {
	var b strings.Builder
	Collect(world(t)).WriteText(&b)
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimRight(line, "\n"); textWidth(line) > columns {
			t.Errorf("%d columns: %s", textWidth(line), line)
		}
	}
}

func TestOneFile(t *testing.T) {
	var b strings.Builder
	Collect(world(t)).WriteHTML(&b)
	for _, bad := range []string{"<script", "<link", "<img", "src=", "url(", "@import", "http:", "https:"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("has %s", bad)
		}
	}
	if !strings.Contains(b.String(), "&lt;script&gt;") || !strings.Contains(b.String(), "@media print") {
		t.Error("lacks the escaped text, or the style for printing")
	}
}

func TestCSV(t *testing.T) {
	r := Collect(world(t))
	var b strings.Builder
	r.WriteCSV(&b)
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(lines(r)) {
		t.Errorf("%d rows for %d items", len(rows), len(lines(r)))
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
}

func TestLimit(t *testing.T) {
	var orders strings.Builder
	for i, id := range strings.Split("blocklistctl", "") { // ids that are parts of the command line
		fmt.Fprintf(&orders, "- {id: %s%s, status: draft, deadline: 2026-04-30, targets: [a%d.example]}\n", strings.Repeat(id, 1+i/5), strings.Repeat("x", i/9), i)
	}
	opt := input(t, head+orders.String())
	opt.Limit = 10
	r := Collect(opt)
	if s := r.Sections[behind]; s.Count != 12 || len(s.Items) != 10 || s.More() != 2 {
		t.Errorf("%d items, %d shown, %d more", s.Count, len(s.Items), s.More())
	}
	var b strings.Builder
	r.WriteText(&b)
	if !strings.Contains(b.String(), "... and 2 more; --all shows all") || strings.Count(b.String(), "$ blocklistctl") != 1 {
		t.Error(b.String())
	}
}

func TestPrune(t *testing.T) {
	var orders strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&orders, "- {id: x%d, reported: 2026-04-01, served: %s, targets: [a%d.example]}\n", i, now-order.Time(60+i*7919%4001), i)
	}
	opt := input(t, "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n"+orders.String())
	all := Collect(opt).Sections[notAcknowledged]
	opt.Limit = 10
	some := Collect(opt).Sections[notAcknowledged]
	if all.Count != 4000 || some.Count != 4000 || len(some.Items) != 10 {
		t.Fatalf("%d and %d items, %d shown", all.Count, some.Count, len(some.Items))
	}
	for i, it := range some.Items {
		if it.Order != all.Items[i].Order {
			t.Errorf("item %d is %s, want %s", i, it.Order, all.Items[i].Order)
		}
	}
}

func TestHostile(t *testing.T) {
	count := func(text string) (n int) {
		opt := input(t, head+"- {id: x, status: draft, deadline: 2026-04-30, authority: {name: "+text+"}, references: ["+text+"], report_to: "+text+", targets: [a.example]}\n")
		r := Collect(opt)
		for _, write := range []func(*bytes.Buffer) error{
			func(b *bytes.Buffer) error { return r.WriteText(b) },
			func(b *bytes.Buffer) error { return r.WriteCSV(b) },
			func(b *bytes.Buffer) error { return r.WriteHTML(b) },
			func(b *bytes.Buffer) error { return r.WriteICS(b) },
		} {
			var b bytes.Buffer
			write(&b)
			if i := regexp.MustCompile(`[\x00-\x09\x0b\x0c\x0e-\x1f\x7f\x{202e}\x{200b}\x{2028}]`).FindIndex(b.Bytes()); i != nil {
				t.Errorf("%s: %q", text, b.Bytes()[max(0, i[0]-30):i[1]])
			}
			n += bytes.Count(b.Bytes(), []byte{'\n'})
		}
		return n
	}
	want := count(`"harmless, and as long as the others"`)
	for _, text := range []string{`"x\u001b[2Jx and more text here"`, `"x\r\nBEGIN:VEVENT and more"`, `"\u202e\u200b and more text"`, `"\u2028 and much more text"`} {
		if got := count(text); got > want+4 {
			t.Errorf("%s: %d lines, want about %d", text, got, want)
		}
	}
}

// TestVerdict checks that the verdict mentions late orders.
func TestVerdict(t *testing.T) {
	const late = "- {id: x, new: x, acknowledged: 2026-04-12, from: 2026-04-12, deadline: 2026-04-10, targets: [a.example]}"
	const behind = "- {id: y, status: draft, deadline: 2026-04-10, targets: [b.example]}"
	for _, tc := range []struct {
		orders, want string
		problems     []string
	}{
		{"- {id: x, targets: [a.example]}", "No order is behind or late.", nil},
		{"- {id: x, targets: [a.example]}", "Files have errors, so it is unknown whether an order is behind or late.", []string{"p"}},
		{late, "1 deadline met late.", nil},
		{behind, "1 deadline behind.", nil},
		{late + "\n" + behind, "1 deadline behind, and 1 deadline met late.", nil},
		{late + "\n" + behind, "1 deadline behind, 1 deadline met late, and files have errors.", []string{"p"}},
	} {
		opt := input(t, whole(tc.orders))
		opt.Problems = tc.problems
		if got := Collect(opt).Verdict(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.orders, got, tc.want)
		}
	}
}
