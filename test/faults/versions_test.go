//go:build e2e

package faults

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

func (l *lab) inForce(limit time.Duration, names ...string) {
	l.t.Helper()
	l.until(limit, "the new orders to be in force", func() error {
		for _, n := range names {
			if got := l.client.ask(n); got != nxdomain {
				return fmt.Errorf("%s: %s", n, got)
			}
		}
		return nil
	})
	l.model.set(nxdomain, names...)
}

func versions() []fault {
	return []fault{
		{name: "a storm of link swaps", tries: 300, fresh: true, inject: func(l *lab) func() {
			for i := range 300 {
				l.link(fmt.Sprintf("..%d", 1+i%2), "volume/..data")
			}
			l.inForce(recoverTime, "linked2.example") // this name is only in the version of the last swap
			return nil
		}},
		{name: "a storm of links to nowhere, to a loop and to a directory", tries: 200, inject: func(l *lab) func() {
			l.link("loop", "volume/loop")
			for i := range 200 {
				l.link([]string{"..1", "nowhere", "loop", "..2", "../orders/lists"}[i%5], "volume/..data")
			}
			l.link("..1", "volume/..data")
			return nil
		}},
		{name: "a storm of good and bad versions", tries: 200, fresh: true, inject: func(l *lab) func() {
			files, _ := world()
			for i := range 200 {
				l.write(single, files[single][:len(files[single])-i%2*30])
			}
			l.write(single, files[single]+"  - {id: single/4, targets: [last.example]}\n")
			l.inForce(recoverTime, "last.example")
			return nil
		}},
		{name: "a file that is written in pieces", fresh: true, inject: func(l *lab) func() {
			text := orderFile("slow/1", numbered("slow", 400)...)
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for i := range 10 {
				l.writeInPlace("orders/slow.yaml", text[:len(text)*(i+1)/10])
				<-tick.C
			}
			l.inForce(recoverTime, "slow0000.example", "slow0399.example")
			return nil
		}},
		{name: "a version with the size and the times of the last", fresh: true, inject: func(l *lab) func() {
			l.stamped("orders/stamp.yaml", orderFile("stamp/1", "stamp1.example"), l.write)
			l.inForce(recoverTime, "stamp1.example")
			for i, write := range []func(string, string){l.write, l.writeInPlace} {
				l.model.set(unsure, fmt.Sprintf("stamp%d.example", i+1))
				l.stamped("orders/stamp.yaml", orderFile("stamp/1", fmt.Sprintf("stamp%d.example", i+2)), write)
				l.inForce(recoverTime, fmt.Sprintf("stamp%d.example", i+2))
				l.model.set(pass, fmt.Sprintf("stamp%d.example", i+1))
			}
			return nil
		}},
		{name: "a directory that becomes a link to another", fresh: true, inject: func(l *lab) func() {
			l.copy("orders", "release2")
			l.write("release2/more.yaml", orderFile("more/1", "more.example"))
			l.check(os.Rename(l.path("orders"), l.path("release1")))
			l.link("release2", "orders")
			l.inForce(recoverTime, "more.example")
			return nil
		}},
		{name: "a directory with 2,000 new versions at once", fresh: true, inject: func(l *lab) func() {
			const n = 2000
			l.many("orders", n, "old")
			l.inForce(startTime, "old1999.example")
			l.copy("orders", "next")
			l.many("next", n, "old", "new")
			l.check(os.Rename(l.path("orders"), l.path("last")))
			l.check(os.Rename(l.path("next"), l.path("orders")))
			l.inForce(recoverTime, "new1999.example", "new0000.example", "old1000.example")
			return nil
		}},
		{name: "2,000 files that are bad at once", alarm: "f1999.yaml", notReady: true, fresh: true, inject: func(l *lab) func() {
			for i := range 2000 {
				l.write(fmt.Sprintf("orders/f%04d.yaml", i), "version: 2\n")
			}
			return func() {
				for i := range 2000 {
					l.remove(fmt.Sprintf("orders/f%04d.yaml", i))
				}
			}
		}},
	}
}

// stamped writes a file with a fixed modification time.
func (l *lab) stamped(name, text string, write func(name, text string)) {
	l.t.Helper()
	write(name, text)
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l.check(os.Chtimes(l.path(name), when, when))
}

func (l *lab) copy(from, to string) {
	l.t.Helper()
	l.check(filepath.WalkDir(l.path(from), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.Replace(path, l.path(from), to, 1)
		switch {
		case d.IsDir():
			return os.MkdirAll(l.path(name), 0o755)
		case d.Type() == os.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, l.path(name))
		}
		return os.Link(path, l.path(name))
	}))
}

func (l *lab) many(dir string, n int, words ...string) {
	l.t.Helper()
	for i := range n {
		var targets []string
		for _, w := range words {
			targets = append(targets, fmt.Sprintf("%s%04d.example", w, i))
		}
		l.write(fmt.Sprintf("%s/m%04d.yaml", dir, i), orderFile(fmt.Sprintf("many/%d", i), targets...))
	}
}

func names() (out []fault) {
	forged := "\n[ERROR] forged\x1b[2J\u202e"
	for what, name := range map[string]string{
		"not UTF-8": "n\xb0 12.yaml", "with a line feed": "x\n[ERROR] forged.yaml",
		"with an escape sequence": "x\x1b]0;pwn\x07.yaml", "with a bidirectional mark": "x\u202elmay.yaml",
	} {
		out = append(out,
			fault{name: "a good file whose name is " + what, fresh: true, inject: func(l *lab) func() {
				l.write("orders/"+name, orderFile("named/1", "named.example"))
				l.inForce(recoverTime, "named.example")
				return nil
			}},
			fault{name: "a bad file whose name is " + what, alarm: ".yaml", notReady: true, inject: func(l *lab) func() {
				l.write("orders/"+name, "version: 2\n")
				return func() { l.remove("orders/" + name) }
			}})
	}
	for what, order := range map[string]string{
		"side list": encode(terms("text/1", map[string]any{"targets_from": map[string]string{"file": "no" + forged}})),
		"reference": encode(terms("text/1", map[string]any{"references": []string{"R" + forged}, "targets": []string{"not a name"}})),
		"key":       encode(terms("text/1", map[string]any{"k" + forged: 1})),
		"target":    encode(terms("text/1", map[string]any{"targets": []string{"a" + forged}})),
		"id":        encode(terms("text/1"+forged, map[string]any{"targets": []string{"a.example"}})),
	} {
		out = append(out, fault{name: "a forged log line in a " + what, alarm: "text.json", notReady: true, inject: func(l *lab) func() {
			l.write("orders/text.json", `{"version":1,"orders":[`+order+`]}`)
			return func() { l.remove("orders/text.json") }
		}})
	}
	return out
}

// changes returns faults with reloads of the Corefile.
func changes() []fault {
	options := []string{"poll 300ms", "max_shrink 60%", "ttl 20s", "home IT", "organization Test", "answers addresses", "country IT 192.0.2.0/24", usualOptions}
	spoil := func(l *lab) func() {
		undo := []func(){
			l.swap(single, "oops: [\n"),
			l.swap(reg, regulatorFile(numbered("reg", 3))),
			l.swap(court, courtFile(6, numbered("court", 50))),
			l.replace(protect, kind{make: linkTo("nowhere")}),
		}
		l.check(os.Rename(l.path(stream), l.path("gone")))
		undo = append(undo, func() { l.check(os.Rename(l.path("gone"), l.path(stream))) })
		return func() {
			for _, u := range undo {
				u()
			}
		}
	}
	storm := func(l *lab) {
		for i, o := range options {
			l.corefile = o
			if i%2 == 1 {
				l.orders = usualOrders + " more.yaml"
			} else {
				l.orders = usualOrders
			}
			l.configure()
			l.reload("Reloading complete")
			l.sample(40)
		}
	}
	alarms := []string{"single.yaml", "regulator.json", "court.yaml", "register.jsonl", "protect.txt"}
	return []fault{
		{name: "reloads with other options while files are bad", alarm: alarms[0], resets: true, tries: len(options), inject: func(l *lab) func() {
			l.write("more.yaml", orderFile("more/1", "more.example"))
			from := l.logSize()
			undo := spoil(l)
			check := func() {
				for _, alarm := range alarms {
					l.until(alarmTime, "the alarm of "+alarm, func() error { return l.alarmed(fault{alarm: alarm}, from, samples{}) })
				}
			}
			check()
			storm(l)
			check()
			return undo
		}},
		{name: "reloads with other options", tries: len(options), inject: func(l *lab) func() {
			l.write("more.yaml", orderFile("more/1", "more.example"))
			storm(l)
			return nil
		}},
		{name: "reloads that name no good file", tries: 10, inject: func(l *lab) func() {
			return refusedReloads(l, "missing.yaml", usualOptions)
		}},
		{name: "reloads of a Corefile with an error", tries: 10, inject: func(l *lab) func() {
			return refusedReloads(l, usualOrders, "frobnicate")
		}},
	}
}

func reloads() []fault {
	orders, corefiles := 20, 8
	if *many {
		orders, corefiles = 1000, 100
	}
	return []fault{
		{name: "many reloads of the orders", tries: orders, inject: func(l *lab) func() {
			l.useState()
			for range orders {
				l.change()
			}
			l.stored()
			return l.dropState
		}},
		{name: "many reloads of the Corefile with state", tries: corefiles, inject: func(l *lab) func() {
			l.useState()
			for i := range corefiles {
				l.corefile = fmt.Sprintf("poll %dms\n        ttl %ds\n        state state", 250+i%2, 20+i%5)
				l.configure()
				l.reload("Reloading complete")
				l.sample(20)
			}
			l.stored()
			return l.dropState
		}},
	}
}

func refusedReloads(l *lab, orders, options string) func() {
	for range 10 {
		l.orders, l.corefile = orders, options
		l.configure()
		l.reload("Restart failed")
	}
	l.orders, l.corefile = usualOrders, usualOptions
	l.configure()
	return nil
}

// processes returns faults that end the server's process.
func processes() []fault {
	restart := func(l *lab) {
		l.asker.paused.Store(true)
		l.kill()
		l.start()
		l.asker.paused.Store(false)
	}
	fullPipe := func(l *lab) *os.File {
		r, w, err := os.Pipe()
		l.check(err)
		l.stdout = w
		restart(l)
		l.stdout = nil
		l.check(fill(w))
		l.check(w.Close())
		return r
	}
	keeps := func(name, alarm string, spoil func(l *lab) func()) fault {
		return fault{name: name, resets: true, alarm: alarm, fresh: true, inject: func(l *lab) func() {
			l.check(os.Mkdir(l.path("state"), 0o755))
			l.check(os.Chmod(l.path("state"), 0o777)) // the server may have another user
			l.corefile = usualOptions + "\n        state state"
			l.configure()
			l.reload("Reloading complete")
			l.asker.paused.Store(true)
			_, err := l.stop()
			l.check(err)
			undo := spoil(l)
			l.start()
			l.asker.paused.Store(false)
			return undo
		}}
	}
	ends := func(name string, busy func(l *lab)) fault {
		return fault{name: "SIGTERM " + name, tries: 1, blind: true, noUrgent: true, fresh: true, inject: func(l *lab) func() {
			busy(l)
			l.asker.paused.Store(true)
			took, err := l.stop()
			l.check(err)
			if took > stopTime {
				l.t.Errorf("took %s", took)
			}
			l.remove("orders")
			l.remove("volume")
			files, _ := world()
			for name, text := range files {
				l.write(name, text)
			}
			l.link("..1", "volume/..data")
			l.link("../volume/..data/linked.yaml", linked)
			l.write(urgent, orderFile("urgent/1", fmt.Sprintf("urgent%d.example", l.version)))
			l.start()
			l.asker.paused.Store(false)
			return nil
		}}
	}
	return []fault{
		{name: "SIGKILL and a restart", fresh: true, inject: func(l *lab) func() { restart(l); return nil }},
		{name: "SIGKILL in a storm of versions, and a restart", fresh: true, inject: func(l *lab) func() {
			for i := range 50 {
				l.write(court, courtFile(8+i, numbered("court", 50)))
			}
			restart(l)
			return nil
		}},
		keeps("a restart with state while one file is bad", "court.yaml", func(l *lab) func() { return l.swap(court, "oops: [\n") }),
		keeps("a restart with state while one file is gone", "single.yaml", func(l *lab) func() {
			l.check(os.Rename(l.path(single), l.path("gone")))
			return func() { l.check(os.Rename(l.path("gone"), l.path(single))) }
		}),
		keeps("a restart with state while a link leads nowhere", "linked.yaml", func(l *lab) func() {
			l.check(os.Rename(l.path("volume"), l.path("unmounted")))
			return func() { l.check(os.Rename(l.path("unmounted"), l.path("volume"))) }
		}),
		{name: "a restart while one file is bad", resets: true, alarm: "court.yaml", notReady: true, fresh: true, inject: func(l *lab) func() {
			for _, n := range append(numbered("court", 50), "refused.example") {
				l.model.set(unsure, n, "www."+n)
			}
			undo := l.swap(court, "oops: [\n")
			restart(l)
			return func() {
				undo()
				_, want := world()
				for _, n := range append(numbered("court", 50), "refused.example") {
					l.until(recoverTime, n, func() error {
						if got := l.client.ask(n); got != want[n] {
							return fmt.Errorf("%s", got)
						}
						return nil
					})
					l.model.set(want[n], n, "www."+n)
				}
			}
		}},
		{name: "a restart while a link leads nowhere", resets: true, alarm: "linked.yaml", notReady: true, fresh: true, inject: func(l *lab) func() {
			l.model.set(unsure, "linked.example", "www.linked.example")
			l.check(os.Rename(l.path("volume"), l.path("unmounted")))
			restart(l)
			return func() {
				l.check(os.Rename(l.path("unmounted"), l.path("volume")))
				l.inForce(recoverTime, "linked.example", "www.linked.example")
			}
		}},
		{name: "an upstream that is down", blind: true, noUrgent: true, inject: func(l *lab) func() {
			// The answers that pass need the upstream.
			l.asker.paused.Store(true)
			addr := l.upstream.PacketConn.LocalAddr().String()
			l.check(l.upstream.Shutdown())
			for _, n := range l.model.names() {
				if want := l.model.answer(n); want != pass && want != unsure {
					l.sampled.judge(n, l.client.ask(n), want)
				}
			}
			return func() {
				conn, err := net.ListenPacket("udp", addr)
				l.check(err)
				l.upstream = &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(upstream)}
				go l.upstream.ActivateAndServe()
				l.asker.paused.Store(false)
			}
		}},
		{name: "standard output is a full pipe", resets: true, fresh: true, inject: func(l *lab) func() {
			r := fullPipe(l)
			for range 5 {
				_, err := l.urgent()
				l.check(err)
			}
			return func() {
				restart(l)
				l.check(r.Close())
			}
		}},
		ends("while standard output is a full pipe", func(l *lab) {
			r := fullPipe(l)
			l.t.Cleanup(func() { l.check(r.Close()) })
		}),
		ends("while all is well", func(l *lab) {}),
		ends("while an open blocks", func(l *lab) {
			l.replace(court, kind{make: leased})
			_, _ = within(time.Second, func() error { _, err := l.urgent(); return err })
		}),
		ends("while a long line is read", func(l *lab) {
			l.write("orders/.long", "{version: 1, note: Achtung!, orders: [{id: a, targets: ["+strings.Repeat("n.example, ", 200000)+"]}]}\n")
			l.check(os.Rename(l.path("orders/.long"), l.path("orders/long.yaml")))
		}),
		ends("while 10 TB are there to be read", func(l *lab) { sparse(10<<40)(l, l.path(side)) }),
		ends("while 2,000 files are read", func(l *lab) {
			l.copy("orders", "next")
			l.many("next", 2000, "old")
			l.check(os.Rename(l.path("orders"), l.path("last")))
			l.check(os.Rename(l.path("next"), l.path("orders")))
		}),
	}
}

// Open the pipe again. O_NONBLOCK would otherwise also apply to the server.
func fill(w *os.File) error {
	fd, err := syscall.Open(fmt.Sprintf("/proc/self/fd/%d", w.Fd()), syscall.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	for _, n := range []int{1 << 12, 1} {
		for err = nil; err == nil; {
			_, err = syscall.Write(fd, make([]byte, n))
		}
	}
	if !errors.Is(err, syscall.EAGAIN) {
		return err
	}
	return syscall.Close(fd)
}
