package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func under(tld string, n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("n%d.%s", i, tld))
	}
	return strings.Join(names, " ")
}

func logged(t *testing.T, text string, n int, parts ...string) []string {
	t.Helper()
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		has := true
		for _, p := range parts {
			has = has && strings.Contains(line, p)
		}
		if has {
			out = append(out, line)
		}
	}
	if len(out) != n {
		t.Errorf("%d lines with %q, want %d:\n%s", len(out), parts, n, text)
	}
	return out
}

func TestLogOnlyChanges(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "old: "+under("test", 25)))
	w.mustStart()
	log := w.log.take()
	logged(t, log, 20, "the target is held and not enforced, because it is")
	logged(t, log, 1, "warning: the order set: 5 more warnings; blocklistctl check lists all")
	logged(t, log, 1, "info: held, not enforced: 25 targets of 1 order")

	w.write("a.yaml", orders("", "new: github.io", "misses: nowhere.example", "old: "+under("test", 25)))
	w.step()
	log = w.log.take()
	logged(t, log, 1, "the target is held and not enforced, because it is", `order "new"`, `got "github.io"`)
	logged(t, log, 1, "the target is held and not enforced, because it is")
	logged(t, log, 0, "more warnings")
	logged(t, log, 1, "info: held, not enforced: 26 targets of 2 orders")

	w.write("a.yaml", orders("", "new: github.io", "old: "+under("test", 25), "other: b.example"))
	w.step()
	log = w.log.take()
	logged(t, log, 0, "is held")
	logged(t, log, 0, "info: held")

	w.write("a.yaml", orders("", "old: "+under("test", 25), "other: b.example"))
	w.step()
	log = w.log.take()
	logged(t, log, 0, "enforced now")
	logged(t, log, 1, "info: held, not enforced: 25 targets of 1 order")

	w.write("a.yaml", orders("", "old: "+under("test", 25), "new: github.io"))
	w.step()
	logged(t, w.log.take(), 1, "the target is held and not enforced, because it is", `got "github.io"`)
}

func TestLogIgnoresLineNumbers(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "x: a.example b.example"))
	w.write("a.txt", "a.example\n")
	if err := w.startProtected("a.txt"); err != nil {
		t.Fatal(err)
	}
	logged(t, w.log.take(), 1, `is held`, `a.txt:1: a.example`)
	w.write("a.txt", "b.example\na.example\n")
	w.step()
	log := w.log.take()
	logged(t, log, 1, "is held")
	logged(t, log, 1, "is held", `got "b.example"`)
}

func TestLogFreedTargets(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", `version: 1
defaults: {authority: {name: A}, scope: global}
orders:
- {id: names, targets: [a.example, "*.b.example"]}
- {id: nets, targets: [{address: 45.0.0.7, enforced_by: dns}]}
- {id: italy, scope: {clients: [10.0.0.0/8]}, targets: [a.example]}
- {id: listed, disclosure: schedule, targets: [schedule.example]}
- {id: hidden-id, disclosure: code, targets: [hidden.example]}
- {id: stands, targets: [stands.example]}
- {id: later, from: 2999-01-01, targets: [later.example]}
- {id: asleep, status: suspended, targets: [asleep.example]}
`)
	w.write("a.txt", "example\n45.0.0.0/24\n"+strings.ReplaceAll(under("club", 25), " ", "\n"))
	w.write("b.txt", "stands.example\n")
	w.write("b.yaml", orders("", "many: "+under("club", 25)))
	err := w.start(func(o *Options) {
		o.Rules.Addresses = true
		o.Protect = []string{filepath.Join(w.dir, "a.txt"), filepath.Join(w.dir, "b.txt")}
	}, "a.yaml", "b.yaml")
	if err != nil {
		t.Fatal(err)
	}
	log := w.log.take()
	logged(t, log, 1, "info: held, not enforced: 34 targets of 9 orders")
	logged(t, log, 1, "warning: the order set: 14 more warnings; blocklistctl check --protect FILE lists all")

	w.write("a.txt", strings.ReplaceAll(under("club", 25), " ", "\n"))
	w.step()
	log = w.log.take()
	for _, want := range []string{
		`order names: "a.example"`, `order names: "*.b.example"`, `order nets: "45.0.0.7/32"`, `order italy: "a.example"`,
		`order listed: a target`, `order sealed:` + ruleset.Digest("hidden-id") + `: a target`,
	} {
		logged(t, log, 1, "info: "+want+" is enforced now, no longer held")
	}
	logged(t, log, 6, "is enforced now")
	logged(t, log, 0, "hidden")
	logged(t, log, 0, "schedule.example")
	logged(t, log, 0, "is held")
	logged(t, log, 1, "info: held, not enforced: 26 targets of 2 orders")
	logged(t, log, 1, "warning: ", "a.txt: lost 2 of its 27 entries")

	w.write("a.txt", "# nothing\n")
	w.step()
	log = w.log.take()
	logged(t, log, 20, "is enforced now, no longer held")
	logged(t, log, 1, "info: the order set: 5 more targets now enforced, no longer held")
}

func TestLogWholeOrders(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", "version: 1\ndefaults: {authority: {name: A}}\norders:\n- {id: x, scope: {countries: [IT]}, targets: [a.example, github.io]}\n")
	if err := w.start(func(o *Options) { o.Rules.NoCountry = true }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.wantLog("info: held, not enforced: 1 target of 1 order, and 1 order as a whole", "scope.countries: the order is held", `got "github.io"`)
	w.write("a.yaml", "version: 1\ndefaults: {authority: {name: A}}\norders:\n- {id: x, scope: {countries: [FR]}, targets: [a.example, github.io]}\n")
	w.step()
	log := w.log.take()
	logged(t, log, 0, "is held")
	logged(t, log, 0, "info: held")
	logged(t, log, 1, "order x: changed, held as a whole, not enforced")
}
