package store

import (
	"fmt"
	"testing"
	"time"
)

func TestLogInShadow(t *testing.T) {
	w := newWorld(t)
	start := func(shadow bool) {
		t.Helper()
		if err := w.start(func(o *Options) { o.Shadow = shadow }); err != nil {
			t.Fatal(err)
		}
	}
	end := w.clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	const head = "version: 1\ndefaults: {authority: {name: A}, scope: global, issued: 2026-01-02}\norders:\n"
	w.write("a.yaml", head+fmt.Sprintf("- {id: a, until: %q, targets: [a.example, b.example]}\n- {id: trial, status: shadow, targets: [t.example]}\n- {id: g, targets: [g.example]}\n", end)+
		"- {id: l, action: lift, lifts: [a], issued: 2026-02-02, targets: [b.example]}\n")
	start(false)
	enforced := w.s.Status().Digest
	logged(t, w.log.take(), 1, "info: the order set: 1 file; 2 orders in force, 1 shadow; 1 lift in force; 2 targets of orders in force, 1 lifted, 1 shadow; digest ")
	start(true)
	if got := w.s.Status().Digest; got != enforced {
		t.Errorf("digest %s, want %s", got, enforced)
	}
	log := w.log.take()
	logged(t, log, 1, "info: order a: new, in shadow until "+end+" (1 of 2 targets; 1 lifted by l); 1 name would be blocked")
	logged(t, log, 1, "info: order trial: new, in shadow")
	logged(t, log, 1, "info: lift l: new, in shadow")
	logged(t, log, 1, "info: the order set: 1 file; 3 orders in shadow; 1 lift in shadow; 3 targets of orders in shadow, 1 lifted; digest ")
	logged(t, log, 0, "blocked", "newly")
	logged(t, log, 0, "order", "in force")

	w.write("a.yaml", head+fmt.Sprintf("- {id: a, until: %q, targets: [a.example, b.example]}\n", end))
	w.step()
	log = w.log.take()
	logged(t, log, 1, "info: order g: removed from "+w.dir+"/a.yaml; 1 name would be freed")
	logged(t, log, 0, "order", "in force")

	w.remove("a.yaml")
	w.step()
	logged(t, w.log.take(), 1, "error: ", "a.yaml: is gone; its orders stay in shadow until the server restarts")
	w.s.due()
	w.clock.After(2 * time.Hour)
	w.s.due()
	logged(t, w.log.take(), 1, "info: order a: has ended (it was in shadow)")
}

func TestLogOfFreedTargetsInShadow(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "x: a.example b.example"))
	w.write("a.txt", "a.example\n")
	if err := w.start(func(o *Options) { o.Shadow, o.Protect = true, []string{w.dir + "/a.txt"} }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.log.take()
	w.write("a.txt", "c.example\n")
	w.step()
	log := w.log.take()
	logged(t, log, 1, `info: order x: "a.example" is in shadow now, no longer held`)
	logged(t, log, 0, "is enforced")
}
