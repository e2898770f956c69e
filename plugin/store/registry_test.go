package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

func block(t *testing.T) (waits, goOn func()) {
	waiting, on := make(chan bool, 10), make(chan bool)
	was := parse
	parse = func(path string, in io.Reader, opt order.Options) (*order.File, order.Problems) {
		waiting <- true
		<-on
		return was(path, in, opt)
	}
	t.Cleanup(func() { parse = was })
	return func() { <-waiting }, func() { close(on) }
}

func (w *world) options(patterns ...string) Options {
	opt := Options{MaxShrink: 50, Poll: time.Second}
	for _, p := range patterns {
		opt.Patterns = append(opt.Patterns, filepath.Join(w.dir, p))
	}
	return opt
}

func TestRegistryWhileOpening(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	waits, goOn := block(t)
	type result struct {
		s   *Store
		err error
	}
	results := make(chan result, 3)
	for range 2 {
		go func() {
			s, err := Acquire(w.options("a.yaml"), w.log, w.clock)
			results <- result{s, err}
		}()
	}
	waits()
	if AllReady() {
		t.Error("ready, though no store is open")
	}
	if len(All()) != 0 {
		t.Error("a store that opens is among those that are open")
	}
	goOn()
	x, y := <-results, <-results
	if x.err != nil || y.err != nil || x.s != y.s {
		t.Fatalf("%+v and %+v", x, y)
	}
	if !AllReady() || len(All()) != 1 {
		t.Error("the open store is not ready")
	}
	if _, err := Acquire(w.options("none.yaml"), w.log, w.clock); err == nil {
		t.Error("a store without a file started")
	}
	Release(x.s)
	if len(All()) != 1 {
		t.Error("a store that is still used was closed")
	}
	Release(x.s)
	if len(registry.stores) != 0 {
		t.Errorf("%d stores are left", len(registry.stores))
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	defer func(was time.Duration) { closePatience = was }(closePatience)
	closePatience = time.Millisecond
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	s, err := Acquire(w.options("a.yaml"), w.log, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	waits, goOn := block(t)
	w.write("a.yaml", orders("", "a: z.example"))
	waits()
	if !AllReady() || len(All()) != 1 {
		t.Error("not ready while a load waits")
	}
	Release(s)
	w.wantLog("warning: a load did not end within 1ms after the order files were closed")
	goOn()
	s.done.Wait()
}

type blanks struct {
	read    atomic.Int64
	started chan bool
}

const manyBlanks = 64 << 20

func (b *blanks) Read(p []byte) (int, error) {
	if b.read.Load() == 0 {
		n := copy(p, `{"version": 1, "count": 0}`+"\n")
		b.read.Add(int64(n))
		return n, nil
	}
	if b.started != nil {
		close(b.started)
		b.started = nil
	}
	if b.read.Load() >= manyBlanks {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = '\n'
	}
	b.read.Add(int64(len(p)))
	return len(p), nil
}

func TestCloseStopsALoad(t *testing.T) {
	w := newWorld(t)
	w.write("a.jsonl", `{"version": 1, "count": 0}`+"\n")
	s, err := Acquire(w.options("."), w.log, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	defer func(was func(string, io.Reader, order.Options) (*order.File, order.Problems)) { parse = was }(parse)
	defer func(was time.Duration) { closePatience = was }(closePatience)
	closePatience = time.Hour
	started := make(chan bool)
	endless := &blanks{started: started}
	was := parse
	parse = func(path string, _ io.Reader, opt order.Options) (*order.File, order.Problems) {
		return was(path, endless, opt)
	}
	w.write("a.jsonl", `{"version": 1, "count": 0, "note": "x"}`+"\n")
	<-started
	Release(s)
	if n := endless.read.Load(); n >= manyBlanks {
		t.Error("the file was read to its end")
	}
	logged(t, w.log.take(), 0, "a.jsonl: refused") // the file is not bad: the load was stopped by Close
}

func TestBeingWritten(t *testing.T) {
	for err, want := range map[error]bool{
		nil: false, errors.New("x"): false, source.ErrChanged: true, source.ErrPending: true,
		fmt.Errorf("a.yaml: %w", source.ErrClosed): true,
	} {
		if got := beingWritten(err); got != want {
			t.Errorf("%v: %t", err, got)
		}
	}
}

func TestStopped(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example b.example", "moved: m.example"))
	w.write("b.yaml", orders("", "b: c.example"))
	w.write("c.yaml", orders("", "moved: m.example"))
	w.write("copy.yaml", orders("", "a: a.example"))
	w.write("five.yaml", orders("", "x1: x.example", "x2: x.example", "x3: x.example", "x4: x.example"))
	w.write("sealed.yaml", "version: 1\norders: [{id: secret/1, authority: {name: A}, scope: global, disclosure: none, targets: [s.example]}]\n")
	open := func(files ...string) *Store {
		t.Helper()
		s, err := Acquire(w.options(files...), w.log, w.clock)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { Release(s) })
		return s
	}
	first, second, other, copied := open("a.yaml", "b.yaml"), open("b.yaml", "c.yaml"), open("b.yaml"), open("copy.yaml")
	many := open("five.yaml", "b.yaml", "sealed.yaml")
	opt := w.options("a.yaml", "b.yaml")
	opt.Shadow = true
	shadowed, err := Acquire(opt, w.log, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Release(shadowed) })
	for _, tc := range []struct {
		name     string
		old, new []*Store
		want     string
	}{
		{"a file is dropped", []*Store{first}, []*Store{second}, "no server block of the new Corefile enforces orders of DIR/a.yaml: its order a (2 targets) is not in force any more"},
		{"the same Corefile", []*Store{first, other}, []*Store{first, other}, ""},
		{"the id is in another server block too", []*Store{first, copied}, []*Store{other, copied},
			"no server block of the new Corefile enforces orders of DIR/a.yaml: its order moved (1 target) is not in force any more\n" +
				"no server block of the new Corefile enforces orders of DIR/a.yaml: its order a (2 targets) was in force in 2 server blocks, and is in 1 now"},
		{"a server block drops a file that another one names", []*Store{first, first}, []*Store{first, second},
			"fewer server blocks of the new Corefile enforce orders of DIR/a.yaml: its order a (2 targets) was in force in 2 server blocks, and is in 1 now"},
		{"shadow is set", []*Store{first}, []*Store{shadowed},
			"no server block of the new Corefile enforces orders of DIR/a.yaml: its 2 orders a, moved (3 targets) are not in force any more\n" +
				"no server block of the new Corefile enforces orders of DIR/b.yaml: its order b (1 target) is not in force any more"},
		{"a server block in shadow drops a file", []*Store{shadowed}, []*Store{other}, ""},
		{"many orders, and a sealed one", []*Store{many}, []*Store{other},
			"no server block of the new Corefile enforces orders of DIR/five.yaml: its 4 orders x1, x2, x3, ... (4 targets) are not in force any more\n" +
				"no server block of the new Corefile enforces orders of DIR/sealed.yaml: its order sealed:" + ruleset.Digest("secret/1") + " (1 target) is not in force any more"},
	} {
		got := strings.ReplaceAll(strings.Join(Stopped(tc.old, tc.new), "\n"), w.dir, "DIR")
		if got != tc.want {
			t.Errorf("%s:\n%s\nwant:\n%s", tc.name, got, tc.want)
		}
	}
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	w.write("good.yaml", orders("", "a: a.example"))
	w.write("bad.yaml", "version: 2\norders: []\n")
	for _, tc := range []struct {
		patterns []string
		want     string // a part of the error; empty if there is no error
	}{
		{[]string{"bad.yaml", "good.yaml"}, ""},
		{[]string{"."}, ""},
		{[]string{"bad.yaml"}, "bad.yaml:1:10: version: "},
		{[]string{"none.yaml"}, "none.yaml: no such file or directory"},
		{[]string{"none/"}, "none"},
		{[]string{"/dev/null"}, "is not a regular file"},
	} {
		opt := w.options(tc.patterns...)
		if tc.patterns[0] == "/dev/null" {
			opt.Patterns = tc.patterns
		}
		err := Check(opt, w.log)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: got %v, want %q", tc.patterns, err, tc.want)
		}
	}
	s, err := Acquire(w.options("good.yaml"), w.log, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	defer Release(s)
	w.write("good.yaml", "oops: [")
	if err := Check(w.options("good.yaml", "bad.yaml"), w.log); err != nil {
		t.Errorf("with a version in force: %v", err)
	}
	if err := Check(w.options("bad.yaml"), w.log); err == nil {
		t.Error("a version of another file is no reason to go on")
	}
}

func TestCheckDoesNotHang(t *testing.T) {
	defer func(was time.Duration) { checkPatience = was }(checkPatience)
	checkPatience = time.Millisecond
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	waiting, on := make(chan bool), make(chan bool)
	defer func(was func(string) (os.FileInfo, error)) { stat = was }(stat)
	stat = func(path string) (os.FileInfo, error) {
		waiting <- true
		<-on
		return nil, os.ErrNotExist
	}
	if err := Check(w.options("a.yaml"), w.log); err != nil {
		t.Errorf("refused: %v", err)
	}
	w.wantLog("warning: the check of the order files before a reload did not end within 1ms")
	<-waiting
	close(on)
}
