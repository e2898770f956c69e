//go:build e2e

package faults

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

func bad(name, file, alarm, text string) fault {
	return fault{name: name, alarm: alarm, inject: func(l *lab) func() { return l.swap(file, text) }}
}

func (l *lab) swap(name, text string) (undo func()) {
	l.t.Helper()
	before, err := os.ReadFile(l.path(name))
	l.check(err)
	l.write(name, text)
	return func() { l.write(name, string(before)) }
}

func contents() []fault {
	files, _ := world()
	few := numbered("court", 5)
	out := []fault{
		bad("a lower serial", court, "court.yaml", courtFile(6, numbered("court", 50))),
		bad("the serial of other bytes", court, "court.yaml", courtFile(7, append(numbered("court", 50), "more.example"))),
		bad("a large shrink", reg, "regulator.json", regulatorFile(numbered("reg", 3))),
		bad("a large shrink of a side list", side, "register", strings.Join(numbered("side", 9), "\n")+"\n"),
		bad("a file that lifts everything by being short", court, "court.yaml", courtFile(8, few)),
		bad("the id of another file's order", reg, "regulator.json", strings.ReplaceAll(files[reg], "reg/1", "court/1")),
		bad("a count that does not match", stream, "register", strings.Replace(files[stream], `"count":2`, `"count":3`, 1)),
		bad("secret values in a side list", side, "register", secret+" 1\n"+secret+"/2\n"),
		bad("a second document", court, "court.yaml", files[court]+"---\nversion: 1\norders: []\n"),
		bad("an unknown key", court, "court.yaml", strings.Replace(files[court], "serial: 7", "serial: 8\nfrobnicate: 1", 1)),
		bad("UTF-16", court, "court.yaml", "\xff\xfe"+strings.Join(strings.Split(files[court], ""), "\x00")+"\x00"),
		bad("NUL octets at the end", court, "court.yaml", files[court]+strings.Repeat("\x00", 4096)),
		bad("a protect list of junk", protect, "protect.txt", "not a name!\n"),
		bad("a side list that is missing", stream, "register", strings.Replace(files[stream], "register.txt", "nowhere.txt", 1)),
		bad("many numbers where orders should be", reg, "regulator.json", `{"version":1,"orders":[`+strings.Repeat("1,", 6<<20)+`1]}`),
		bad("many numbers on one line of a stream", stream, "register", `{"version":1,"count":1}`+"\n"+`{"targets":[`+strings.Repeat("1,", 6<<20)+`1]}`+"\n"),
		{name: "a new file with the id of another's order", alarm: "twice.yaml", notReady: true, inject: func(l *lab) func() {
			l.write("orders/twice.yaml", orderFile("court/1", "twice.example"))
			l.model.set(pass, "twice.example")
			return func() { l.remove("orders/twice.yaml") }
		}},
	}
	out = append(out, fault{name: "a large shrink and a lower serial under another name", alarm: "court2.yaml", notReady: true, inject: func(l *lab) func() {
		from := l.logSize()
		l.write("orders/.court2", courtFile(6, few))
		l.check(os.Rename(l.path(court), l.path("away")))
		l.check(os.Rename(l.path("orders/.court2"), l.path("orders/court2.yaml")))
		l.until(alarmTime, "the log to miss court.yaml", func() error {
			if !strings.Contains(l.logFrom(from), "orders/court.yaml: ") {
				return errors.New("the log does not name the file")
			}
			return nil
		})
		return func() {
			l.remove("orders/court2.yaml")
			l.check(os.Rename(l.path("away"), l.path(court)))
		}
	}})
	for file, alarm := range map[string]string{court: "court.yaml", reg: "regulator.json", stream: "register"} {
		out = append(out, cuts("", file, files[file], alarm))
	}
	block := head + "count: 1\norders:\n  - id: counted/1\n    target_count: 40\n    targets:\n      - " +
		strings.Join(numbered("counted", 40), "\n      - ") + "\n"
	out = append(out, cuts(block, "orders/counted.yaml", block, "counted.yaml"))
	return append(out, longLine(), largeFile(), manyLabels())
}

func cuts(first, file, text, alarm string) fault {
	const places = 24
	return fault{name: "a cut of " + file, alarm: alarm, tries: places, fresh: first != "", inject: func(l *lab) func() {
		if first != "" {
			l.write(file, first)
			l.model.set(nxdomain, numbered("counted", 40)...)
			l.until(recoverTime, file+" to be in force", l.recovered)
		}
		for i := range places {
			l.write(file, text[:1+(len(text)-3)*i/places])
			if _, err := l.urgent(); err != nil {
				l.t.Errorf("an order beside cut %d of %s: %v", i, file, err)
				break
			}
			l.sample(60)
		}
		return func() { l.write(file, text) }
	}}
}

func (l *lab) sample(n int) {
	names := l.model.names()
	for range n {
		name := names[l.random.IntN(len(names))]
		if want := l.model.answer(name); want != unsure {
			l.sampled.judge(name, l.client.ask(name), want)
		}
	}
}

func longLine() fault {
	var list strings.Builder
	for i := range 64000 {
		fmt.Fprintf(&list, "n%06d.example, ", i)
	}
	text := "{version: 1, orders: [{id: long/1, authority: {name: Court}, scope: global, issued: 2026-01-12, note: Achtung!, targets: [" +
		strings.TrimSuffix(list.String(), ", ") + "]}]}\n"
	return fault{name: "64,000 names on one line with a !", fresh: true, inject: func(l *lab) func() {
		l.write("orders/long.yaml", text)
		l.until(recoverTime, "the long line to be in force", func() error {
			if got := l.client.ask("n063999.example"); got != nxdomain {
				return fmt.Errorf("n063999.example: %s", got)
			}
			return nil
		})
		return nil
	}}
}

// This is the memory limit in MB for the load of a large file. It suits a server with 512 MB.
const room = 420

func largeFile() fault {
	return fault{name: "50 MB of good YAML", fresh: true, peak: room, inject: func(l *lab) func() {
		var text strings.Builder
		text.WriteString(head + "orders:\n  - id: large/1\n    targets:\n")
		for i := range 1600000 {
			fmt.Fprintf(&text, "      - n%07d.large.example\n", i)
		}
		l.write("orders/large.yaml", text.String())
		l.inForce(largeTime, "n1599999.large.example")
		return nil
	}}
}

func manyLabels() fault {
	return fault{name: "a side list of names with 120 labels", alarm: "labels", either: true, notReady: true, fresh: true, peak: room, inject: func(l *lab) func() {
		var list strings.Builder
		for range 100000 {
			for range 119 {
				list.WriteByte('a' + byte(l.random.IntN(26)))
				list.WriteByte('.')
			}
			list.WriteString("example\n")
		}
		l.write("orders/labels/labels.txt", list.String())
		l.write("orders/labels.yaml", head+"orders:\n  - {id: labels/1, targets_from: {file: labels/labels.txt}}\n")
		return func() { l.write("orders/labels.yaml", head+"orders: []\n") }
	}}
}
