package store

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func TestTransitions(t *testing.T) {
	w := newWorld(t)
	at := w.clock.Now().UTC().Truncate(time.Second)
	stamp := func(d time.Duration) string { return at.Add(d).Format(time.RFC3339) }
	w.write("a.yaml", fmt.Sprintf(`version: 1
defaults: {authority: {name: A}, scope: global}
orders:
- {id: soon, from: %s, until: %s, targets: [a.example]}
- {id: secret, disclosure: code, from: %s, targets: [b.example]}
- {id: secret-lift, action: lift, lifts: [secret], issued: %s}
- {id: open-lift, action: lift, lifts: [soon], issued: %s}
`, stamp(30*time.Minute), stamp(time.Hour), stamp(40*time.Minute), stamp(50*time.Minute), stamp(55*time.Minute)))
	w.mustStart()
	w.log.take()
	var got []string
	for range 10 {
		next := w.s.due()
		if s := w.log.take(); s != "" {
			got = append(got, strings.Split(s, "\n")...)
		}
		if next.IsZero() {
			break
		}
		w.clock.After(next.Sub(w.clock.Now()))
	}
	want := []string{
		"info: order soon: is in force now (it was pending)",
		"info: order sealed:" + ruleset.Digest("secret") + ": is in force now (it was pending)",
		"info: order sealed:" + ruleset.Digest("secret") + ": is lifted now (it was in force)",
		"info: lift sealed:" + ruleset.Digest("secret-lift") + ": is in force now (it was pending)",
		"info: order soon: is lifted now (it was in force)",
		"info: lift open-lift: is in force now (it was pending)",
		"info: order soon: has ended (it was lifted)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

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
	w.s.logTransitions(w.s.Set(), then, then+599)
	if log := w.log.take(); log != "" {
		t.Errorf("before the deadline: %s", log)
	}
	w.s.logTransitions(w.s.Set(), then+599, then+600)
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

func TestRunLogsTransitions(t *testing.T) {
	w := newWorld(t)
	at := w.clock.Now().UTC().Truncate(time.Second)
	w.write("a.yaml", fmt.Sprintf("version: 1\ndefaults: {authority: {name: A}, scope: global}\norders:\n- {id: a, from: %s, until: %s, targets: [a.example]}\n",
		at.Add(time.Minute).Format(time.RFC3339), at.Add(2*time.Minute).Format(time.RFC3339)))
	s, err := Open(w.options("a.yaml"), w.log, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log := ""
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(log, "order a: has ended (it was in force)"); time.Sleep(time.Millisecond) {
		if log += w.log.take() + "\n"; time.Now().After(deadline) {
			t.Fatalf("the log has no end of the order:\n%s", log)
		}
	}
	logged(t, log, 1, "order a: is in force now (it was pending)")
}

// More idle goroutines slow down queries, because Go then gives new goroutines smaller stacks.
func TestGoroutinesAtRest(t *testing.T) {
	before := runtime.NumGoroutine()
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	s, err := Open(Options{Patterns: []string{w.dir}, MaxShrink: 50, Poll: time.Hour}, w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before+2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines", runtime.NumGoroutine()-before)
		}
	}
}
