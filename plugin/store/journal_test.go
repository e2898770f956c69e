package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// decided returns the order that blocks a name now.
func decided(t *testing.T, s *Store, name string) *ruleset.Order {
	t.Helper()
	n, err := dname.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	var q ruleset.QName
	q.SetName(n)
	v := s.Set().Decide(&q, ruleset.Query{Now: seconds(s.Now())})
	if v.Order == nil {
		t.Fatalf("%s is not blocked", name)
	}
	return v.Order
}

func events(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := journal.Read(dir, func(r journal.Record, _ []byte) bool {
		s := string(r.Event)
		if r.Order != "" {
			s += " " + r.Order
		}
		if r.Count > 0 {
			s += fmt.Sprint(" ", r.Count)
		}
		out = append(out, s)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJournal(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "journal")
	w.write("a.yaml", orders("", "one: a.example", "two: b.example"))
	if err := w.start(func(o *Options) { o.Journal, o.Origin = dir, "node1" }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	one := decided(t, w.s, "a.example")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				w.s.Answered(one)
			}
		})
	}
	group.Wait()
	if n := testing.AllocsPerRun(100, func() { w.s.Answered(one) }); n != 0 {
		t.Errorf("%v allocations for a query of an order whose first answer is known", n)
	}
	before := order.Time(w.clock.Now().Add(-time.Hour).Unix())
	for range 2 {
		c := hits.New()
		for range 450 {
			c.Add(w.s.Set(), one, before, false)
		}
		c.Add(w.s.Set(), one, before, true)
		c.Add(w.s.Set(), one, before+3600, false)
		w.s.CountHits(c)
		w.s.CountHits(c)
	}

	opt := w.s.opt
	opt.MaxShrink++
	second, err := prepare(opt, w.log, w.clock, []*Store{w.s})
	if err != nil {
		t.Fatal(err)
	}
	w.s.journalBeat()
	w.s.Close()
	second.Answered(decided(t, second, "b.example"))
	second.Answered(decided(t, second, "a.example"))
	second.Close()
	got := strings.Join(events(t, dir), ", ")
	want := "start, load_intent, load_outcome, version_kept, received one 1, in_force one, received two 1, in_force two, first_answer one, " +
		"load_outcome, hits one 900, daily 2, heartbeat, first_answer two, stop"
	if got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}
	if r, err := journal.Verify(dir, journal.VerifyOptions{}); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	var none *Store
	none.Answered(one) // does nothing
}

func TestJournalFails(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "one: a.example"))
	dir := filepath.Join(w.dir, "journal")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file in place of the directory
		t.Fatal(err)
	}
	patience := closePatience
	closePatience = 10 * time.Second
	defer func() { closePatience = patience }()
	if err := w.start(func(o *Options) { o.Journal, o.Origin = dir, "node1" }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	one := decided(t, w.s, "a.example")
	w.s.Answered(one)
	for {
		if st := Journals(); len(st) == 1 && !st[0].Open && strings.Contains(st[0].Err.Error(), "not a directory") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	w.s.Close()
	w.wantLog("error: journal " + dir + ": " + dir + ": not a directory; the orders are in force, and the events wait in memory")
	if len(Journals()) != 0 {
		t.Error("the journal is still open")
	}
}

// BenchmarkAnswered measures the added cost of a blocked query.
func BenchmarkAnswered(b *testing.B) {
	s, o := &Store{}, &ruleset.Order{ID: "a"}
	m := &sync.Map{}
	for range 1000 {
		m.Store(&ruleset.Order{}, nil)
	}
	m.Store(o, nil)
	s.answered.Store(m)
	for b.Loop() {
		s.Answered(o)
	}
}

func TestReplacedWhileKept(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets_from: {file: list.txt}}\n")
	list := func(i int) {
		w.write(".next", fmt.Sprintf("n%d.example\n", i)+strings.Repeat("# a comment\n", maxKept/10))
		if err := os.Rename(filepath.Join(w.dir, ".next"), filepath.Join(w.dir, "list.txt")); err != nil {
			t.Fatal(err)
		}
	}
	list(0)
	dir := filepath.Join(w.dir, "journal")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // the journal cannot be opened
		t.Fatal(err)
	}
	patience := closePatience
	closePatience = time.Minute
	defer func() { closePatience = patience }()
	if err := w.start(func(o *Options) { o.Journal, o.Origin = dir, "node1" }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		list(i + 1)
		w.step()
		w.wantBlocked(fmt.Sprintf("n%d.example", i+1), fmt.Sprintf("n%d.example", i+1))
	}
	w.remove("list.txt")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	kept := 0
	for _, e := range events(t, dir) {
		switch e {
		case "version_kept":
			kept++
		case "version_not_kept":
			t.Error("a version was not kept")
		}
	}
	if kept != 5 { // the order file, and four lists
		t.Errorf("%d versions are kept", kept)
	}
}

func TestSealedLift(t *testing.T) {
	for lift, want := range map[string]string{
		"{id: court/9, authority: {name: A}, action: lift, issued: 2026-01-01, disclosure: none, lifts: [one]}": "a sealed lift",
		"{id: court/9, authority: {name: A}, action: lift, issued: 2026-01-01, lifts: [one]}":                   "court/9",
	} {
		w := newWorld(t)
		w.write("a.yaml", orders("", "one: a.example"))
		dir := filepath.Join(w.dir, "journal")
		if err := w.start(func(o *Options) { o.Journal, o.Origin = dir, "node1" }, "a.yaml"); err != nil {
			t.Fatal(err)
		}
		w.write("a.yaml", orders("", "one: a.example")+"- "+lift+"\n")
		w.step()
		w.wantBlocked("", "a.example")
		w.s.Close()
		found := false
		err := journal.Read(dir, func(r journal.Record, line []byte) bool {
			if r.Order != "one" {
				return true
			}
			if r.Event == journal.Lifted {
				found = true
				if r.By != want {
					t.Errorf("lifted by %q, want %q", r.By, want)
				}
			}
			if want != "court/9" && (strings.Contains(string(line), "court/9") || strings.Contains(string(line), ruleset.Digest("court/9"))) {
				t.Errorf("the record shows the sealed lift: %s", line)
			}
			return true
		})
		if err != nil || !found {
			t.Errorf("found %t, %v", found, err)
		}
	}
}
