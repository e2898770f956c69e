//go:build e2e

package faults

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

type kind struct {
	name string
	make func(l *lab, path string) (undo func())
	peak int // how many MB the server may take to refuse the file; 0 means usualPeak
}

const refusal = 48

var kinds = []kind{
	{name: "FIFO", make: func(l *lab, path string) func() { l.check(unix.Mkfifo(path, 0o644)); return nil }},
	{name: "socket", make: func(l *lab, path string) func() {
		// The path of a socket must be short, so the socket is made in another directory.
		s, err := net.ListenUnix("unix", &net.UnixAddr{Name: l.path("socket")})
		l.check(err)
		s.SetUnlinkOnClose(false)
		l.check(os.Rename(l.path("socket"), path))
		return func() { l.check(s.Close()) }
	}},
	{name: "directory", make: func(l *lab, path string) func() { l.check(os.Mkdir(path, 0o755)); return nil }},
	{name: "link to /dev/zero", make: linkTo("/dev/zero")},
	{name: "link to /dev/full", make: linkTo("/dev/full")},
	{name: "dangling link", make: linkTo("nowhere")},
	{name: "link to a link that dangles", make: func(l *lab, path string) func() {
		l.check(os.Symlink("nowhere", path+".hop"))
		l.check(os.Symlink(path+".hop", path))
		return func() { l.check(os.Remove(path + ".hop")) }
	}},
	{name: "link loop", make: func(l *lab, path string) func() { l.check(os.Symlink(path, path)); return nil }},
	{name: "unreadable file", make: func(l *lab, path string) func() {
		l.check(os.WriteFile(path, []byte(head), 0o600))
		l.check(os.Chmod(path, 0))
		return nil
	}},
	{name: "file whose open blocks", make: leased},
	{name: "binary junk", make: text(junk())},
	{name: "5 GB of nothing", make: sparse(5 << 30), peak: refusal},
	{name: "10 TB of nothing", make: sparse(10 << 40), peak: refusal},
	{name: "20 MB on one line", make: text(strings.Repeat("a", 20<<20))},
	{name: "deep nesting", make: text(strings.Repeat("[", 1<<20))},
}

func linkTo(to string) func(*lab, string) func() {
	return func(l *lab, path string) func() { l.check(os.Symlink(to, path)); return nil }
}

func text(s string) func(*lab, string) func() {
	return func(l *lab, path string) func() {
		l.check(os.WriteFile(path+".new", []byte(s), 0o644))
		l.check(os.Rename(path+".new", path))
		return nil
	}
}

// junk returns 64 KB with every byte value.
func junk() string {
	b := make([]byte, 64<<10)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return "\x7fELF" + string(b)
}

func sparse(size int64) func(*lab, string) func() {
	return func(l *lab, path string) func() {
		f, err := os.Create(path + ".new")
		l.check(err)
		defer f.Close()
		for err = f.Truncate(size); errors.Is(err, syscall.EFBIG); err = f.Truncate(size) {
			size /= 2
		}
		l.check(err)
		l.check(os.Rename(path+".new", path))
		return nil
	}
}

// A write lease makes open(2) wait up to 45 s, as on a dead mount.
func leased(l *lab, path string) func() {
	l.check(os.WriteFile(path+".new", []byte(head+"orders: []\n"), 0o644))
	f, err := os.OpenFile(path+".new", os.O_RDWR, 0)
	l.check(err)
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		l.t.Fatalf("the kernel gives no lease on a file of %s: %v", l.dir, err)
	}
	l.check(os.Rename(path+".new", path))
	return func() { l.check(f.Close()) }
}

type place struct {
	name, path string
	alarm      string
	fresh      bool // the path had no file before
	not        []string
}

var places = []place{
	{name: "a new file of the directory", path: "orders/odd.yaml", alarm: "odd.yaml", fresh: true},
	{name: "an order file of the directory", path: court, alarm: "court.yaml"},
	{name: "an order file in JSON", path: reg, alarm: "regulator.json", not: []string{"link to a link that dangles"}},
	{name: "an order file of the Corefile", path: single, alarm: "single.yaml"},
	{name: "a side list", path: side, alarm: "register"},
	{name: "a protect list", path: protect, alarm: "protect.txt"},
}

func files() (out []fault) {
	for _, k := range kinds {
		for _, p := range places {
			if slices.Contains(p.not, k.name) {
				continue
			}
			out = append(out, fault{
				name: k.name + " in place of " + p.name, alarm: p.alarm, notReady: p.fresh, peak: k.peak,
				// The server ignores directories inside the orders directory.
				either: p.fresh && k.name == "directory",
				inject: func(l *lab) func() { return l.replace(p.path, k) },
			})
		}
	}
	for _, p := range places[1:] {
		out = append(out,
			fault{name: "the loss of " + p.name, alarm: p.alarm, inject: func(l *lab) func() {
				l.check(os.Rename(l.path(p.path), l.path(p.path)+".away"))
				return func() { l.check(os.Rename(l.path(p.path)+".away", l.path(p.path))) }
			}},
			fault{name: "an empty file in place of " + p.name, alarm: p.alarm, inject: func(l *lab) func() {
				return l.replace(p.path, kind{make: text("")})
			}})
	}
	return append(out,
		fault{name: "a target that went, behind a link of a mount", alarm: "linked.yaml", inject: func(l *lab) func() {
			l.check(os.Rename(l.path("volume"), l.path("unmounted")))
			return func() { l.check(os.Rename(l.path("unmounted"), l.path("volume"))) }
		}},
		fault{name: "a directory that was renamed away", alarm: "orders", noUrgent: true, inject: func(l *lab) func() {
			l.check(os.Rename(l.path("orders"), l.path("away")))
			return func() { l.check(os.Rename(l.path("away"), l.path("orders"))) }
		}},
		fault{name: "a directory that cannot be read", alarm: "orders", noUrgent: true, inject: func(l *lab) func() {
			l.check(os.Chmod(l.path("orders"), 0))
			return func() { l.check(os.Chmod(l.path("orders"), 0o755)) }
		}},
		fault{name: "a side list that leads out of the directory", alarm: "register", inject: func(l *lab) func() {
			l.write("outside.txt", secret+" is a line\n"+secret+":2\n")
			return l.replace(side, kind{make: linkTo(l.path("outside.txt"))})
		}},
		fault{name: "a read that blocks (/proc/kmsg)", alarm: "court.yaml", lab: lab{root: true}, inject: func(l *lab) func() {
			if os.Getuid() != 0 {
				return l.replace(court, kind{make: leased}) // only root may open /proc/kmsg
			}
			l.drain("/proc/kmsg")
			return l.replace(court, kind{make: linkTo("/proc/kmsg")})
		}},
	)
}

func (l *lab) drain(path string) {
	l.t.Helper()
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	l.check(err)
	defer func() { _ = syscall.Close(fd) }()
	buf := make([]byte, 64<<10)
	for {
		switch n, err := syscall.Read(fd, buf); {
		case errors.Is(err, syscall.EAGAIN) || err == nil && n == 0:
			return
		case errors.Is(err, syscall.EINTR):
		default:
			l.check(err)
		}
	}
}

func (l *lab) replace(name string, k kind) (undo func()) {
	l.t.Helper()
	path, saved := l.path(name), l.path("saved")
	err := os.Rename(path, saved)
	was := err == nil
	if !was && !errors.Is(err, os.ErrNotExist) {
		l.check(err)
	}
	more := k.make(l, path)
	return func() {
		if more != nil {
			more()
		}
		l.check(os.RemoveAll(path))
		if was {
			l.check(os.Rename(saved, path))
		}
	}
}

func report(rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.name, b.name) })
	const line = "%-62s %5v %8v %6v %5v %8s %10s %7v %5v %7s  %s\n"
	fmt.Printf("faults: seed %d\n", *seed)
	fmt.Printf(line, "fault", "tries", "answers", "wrong", "lost", "alarm", "recovered", "urgent", "MB", "took", "")
	var all row
	bad, seen, due := 0, 0, 0
	for _, r := range rows {
		verdict := "good"
		if len(r.bad) > 0 {
			verdict, bad = "BAD", bad+1
		}
		switch r.alarm {
		case "seen":
			seen, due = seen+1, due+1
		case "MISSING":
			due++
		}
		fmt.Printf(line, r.name, r.tries, r.tally.answers, r.tally.wrong, r.tally.lost, r.alarm, r.recovered,
			fmt.Sprintf("%.2f s", r.urgent.Seconds()), r.peak, fmt.Sprintf("%.1f s", r.total.Seconds()), verdict)
		all.tries += r.tries
		all.tally.add(tally{answers: r.tally.answers, wrong: r.tally.wrong, lost: r.tally.lost})
		all.urgent, all.peak = max(all.urgent, r.urgent), max(all.peak, r.peak)
	}
	fmt.Printf("counts: faults, seed %d: %d kinds brought about %d times, %d answers, %d wrong, %d lost orders, %d of %d alarms seen, "+
		"an order beside the fault in force after %.2f s at most, %d MB more at most, %d bad\n",
		*seed, len(rows), all.tries, all.tally.answers, all.tally.wrong, all.tally.lost, seen, due, all.urgent.Seconds(), all.peak, bad)
}
