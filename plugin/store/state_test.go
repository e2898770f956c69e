package store

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestStateOfNewOrders checks that the log says of each new order how much of the order is
// enforced, and when it came too late.
func TestStateOfNewOrders(t *testing.T) {
	const head = "version: 1\ntimezone: Europe/Rome\ndefaults: {authority: {name: A, country: IT}, scope: global, issued: 2026-01-02}\norders:\n"
	const lift = "- {id: l, action: lift, issued: 2026-02-01, lifts: [o], targets: [a.example]}\n"
	for _, tc := range []struct{ name, orders, want string }{
		{"some targets lifted", "- {id: o, targets: [a.example, b.example, c.example, d.example]}\n" + lift, "order o: new, in force (3 of 4 targets; 1 lifted by l); 3 names newly blocked"},
		{"all targets lifted", "- {id: o, targets: [a.example]}\n" + lift, "order o: new, nothing of it is enforced now (1 target: 1 lifted by l)"},
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

// TestMissedDeadlines checks that the log says at the moment of a deadline which orders are not
// enforced, and is silent about orders that are.
func TestMissedDeadlines(t *testing.T) {
	w := newWorld(t)
	begin := w.clock.Now()
	at := begin.Add(10 * time.Minute).UTC().Format(time.RFC3339)
	order := func(id, more string) string {
		return fmt.Sprintf("- {id: %s, authority: {name: A}, scope: global, deadline: %q, %s}\n", id, at, more)
	}
	w.write("a.yaml", "version: 1\norders:\n"+order("good", "targets: [a.example]")+order("stopped", "status: suspended, targets: [b.example]")+
		order("held", "targets: [github.io]")+order("part", "targets: [c.example, github.io]")+order("secret", "disclosure: none, status: draft, targets: [d.example]"))
	w.mustStart()
	then := seconds(begin)
	if next := w.s.Set().Deadlines(then).NextDeadline; next != then+600 {
		t.Errorf("the next deadline is %s", next)
	}
	w.log.take()
	w.s.tellTransitions(w.s.Set(), then, then+599)
	if log := w.log.take(); log != "" {
		t.Errorf("before the deadline: %s", log)
	}
	w.s.tellTransitions(w.s.Set(), then+599, then+600)
	log := w.log.take()
	for _, want := range []string{
		"order stopped: its deadline, " + at + ", has passed and it is not enforced: it is suspended",
		"order held: its deadline, " + at + ", has passed and it is not enforced: it is held",
		"order part: its deadline, " + at + ", has passed and not all of its targets are enforced",
		"has passed and it is not enforced: it is draft",
	} {
		logged(t, log, 1, "warning: ", want)
	}
	logged(t, log, 0, "order good")
	logged(t, log, 0, "secret")
}
