package store

import (
	"strings"
	"testing"
)

func TestStateOfNewOrders(t *testing.T) {
	const head = "version: 1\ntimezone: Europe/Rome\ndefaults: {authority: {name: A, country: IT}, scope: global, issued: 2026-01-02}\norders:\n"
	const lift = "- {id: l, action: lift, issued: 2026-02-01, lifts: [o], targets: [a.example]}\n"
	for _, tc := range []struct{ name, orders, want string }{
		{"some targets lifted", "- {id: o, targets: [a.example, b.example, c.example, d.example]}\n" + lift, "order o: new, in force (3 of 4 targets; 1 lifted by l); 3 names newly blocked"},
		{"all targets lifted", "- {id: o, targets: [a.example]}\n" + lift, "order o: new, lifted by l"},
		{"a target held", "- {id: o, targets: [a.example, github.io]}\n", "order o: new, in force (1 of 2 targets; 1 held); 1 name newly blocked"},
		{"a target that ended", "- {id: o, targets: [{name: a.example, until: 2026-02-01}, b.example]}\n", "order o: new, in force (1 of 2 targets; 1 ended); 1 name newly blocked"},
		{"only an address", "- {id: o, targets: [{address: 192.0.2.1}]}\n", "order o: new, not enforced: DNS enforces none of its targets here (1 target)"},
		{"a lift that reaches nothing", "- {id: o, targets: [b.example]}\n" + lift, "lift l: new, in force, but reaches no order"},
		{"dates of the file's time zone", "- {id: o, from: 2099-12-20, targets: [a.example]}\n", "order o: new, pending until 2099-12-20"},
		{"the last day", "- {id: o, until: 2099-12-20, targets: [a.example]}\n", "order o: new, in force until 2099-12-20; 1 name newly blocked"},
		{"an order after its deadline", "- {id: o, deadline: 2026-03-01, targets: [a.example]}\n", "order o: new, in force, late: its deadline was 2026-03-01; 1 name newly blocked"},
		{"an order before its deadline", "- {id: o, deadline: 2099-03-01, targets: [a.example]}\n", "order o: new, in force; 1 name newly blocked"},
	} {
		w := newWorld(t)
		w.write("z.yaml", orders("", "z: z.example"))
		w.mustStart()
		w.log.take()
		w.write("a.yaml", head+tc.orders)
		w.step()
		if log := w.log.take(); !strings.Contains(log+"\n", "info: "+tc.want+"\n") {
			t.Errorf("%s: no line %q in\n%s", tc.name, tc.want, log)
		}
	}
}
