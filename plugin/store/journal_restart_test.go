package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/state"
	"github.com/dns-orders/blocklist/test/crash"
)

func orderEvents(t *testing.T, dir string, n int) (out []string, all int) {
	t.Helper()
	err := journal.Read(dir, func(r journal.Record, _ []byte) bool {
		if all++; all > n && r.Order != "" {
			out = append(out, string(r.Event)+" "+r.Order)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, all
}

func keepingJournal(w *world) func(*Options) {
	return func(o *Options) { o.Journal, o.Origin = filepath.Join(w.dir, ".journal"), "node1" }
}

func TestJournalRestart(t *testing.T) {
	two := orders("", "one: a.example", "two: b.example")
	for _, tc := range []struct {
		name      string
		down      func(w *world) // changes the files between the two starts
		want      string         // the records of the second process, without a state directory
		withState string         // the same with a state directory
	}{
		{name: "the same files", down: func(w *world) {}},
		{name: "another sequence and a comment", down: func(w *world) { w.write("a.yaml", "# new\n"+orders("", "two: b.example", "one: a.example")) }},
		{name: "an order is gone", down: func(w *world) { w.write("a.yaml", orders("", "two: b.example")) },
			want: "removed one", withState: "removed one"},
		{name: "an order is new", down: func(w *world) { w.write("a.yaml", orders("", "one: a.example", "two: b.example", "three: c.example")) },
			want: "received three, in_force three", withState: "received three, in_force three"},
		{name: "a target is new", down: func(w *world) { w.write("a.yaml", orders("", "one: a.example c.example", "two: b.example")) },
			want: "corrected one", withState: "corrected one"},
		{name: "another target", down: func(w *world) { w.write("a.yaml", orders("", "one: c.example", "two: b.example")) },
			want: "corrected one", withState: "corrected one"},
		{name: "other terms", down: func(w *world) {
			w.write("a.yaml", strings.Replace(two, "{id: two,", "{id: two, url: \"https://x.example/\",", 1))
		},
			want: "corrected two", withState: "corrected two"},
		{name: "other dates", down: func(w *world) {
			w.write("a.yaml", strings.Replace(two, "{id: two,", "{id: two, until: 2020-01-01,", 1))
		},
			want: "corrected two, ended two", withState: "corrected two, ended two"},
		{name: "the file is gone", down: func(w *world) { w.remove("a.yaml") },
			want: "removed one, removed two"},
		{name: "the file is broken", down: func(w *world) { w.write("a.yaml", "oops: [\n") },
			want: "removed one, removed two"},
		{name: "an order is in another file", down: func(w *world) {
			w.write("a.yaml", orders("", "two: b.example"))
			w.write("c.yaml", orders("", "one: a.example"))
		}},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprint(tc.name, " ", kept), func(t *testing.T) {
				w := newWorld(t)
				w.write("a.yaml", two)
				w.write("z.yaml", orders("", "other: z.example"))
				if err := w.start(func(o *Options) {
					keepingJournal(w)(o)
					if o.MaxShrink = 100; kept {
						withState(w)(o)
					}
				}); err != nil {
					t.Fatal(err)
				}
				w.s.Close()
				dir := filepath.Join(w.dir, ".journal")
				_, n := orderEvents(t, dir, 0)
				tc.down(w)
				if err := w.restart(); err != nil {
					t.Fatal(err)
				}
				w.s.Close()
				want := tc.want
				if kept {
					want = tc.withState
				}
				got, _ := orderEvents(t, dir, n)
				if got := strings.Join(got, ", "); got != want {
					t.Errorf("records %s\nwant    %s", got, want)
				}
				if r, err := journal.Verify(dir, journal.VerifyOptions{}); err != nil || len(r.Faults) > 0 {
					t.Errorf("%+v, %v", r, err)
				}
				os.Remove(filepath.Join(w.dir, "c.yaml"))
				w.write("a.yaml", two)
				_, n = orderEvents(t, dir, 0)
				if err := w.restart(); err != nil {
					t.Fatal(err)
				}
				w.s.Close()
				again, _ := orderEvents(t, dir, n)
				if len(again) != len(slices.Compact(slices.Sorted(slices.Values(again)))) || want == "removed one, removed two" && len(again) != 4 {
					t.Errorf("records of the third process: %v", again)
				}
			})
		}
	}
}

func writeJournal(_ *crash.Points, args []string) error {
	dir := args[0]
	opt := Options{Patterns: []string{filepath.Join(dir, "a.yaml")}, MaxShrink: 100, Poll: time.Hour, Journal: filepath.Join(dir, "journal"), Origin: "node1"}
	s, err := Open(opt, &lines{}, nil)
	if err != nil {
		return err
	}
	fmt.Println("open")
	s.journal.Flush(time.Minute)
	fmt.Println("written")
	select {}
}

func TestJournalCrash(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "journal")
	const n = 400
	kills := 0
	for round := range 8 {
		var specs []string
		for i := range n {
			if i%7 != round { // each version lacks other orders
				specs = append(specs, fmt.Sprintf("o%d: a%d.example r%d.example", i, i, round/2))
			}
		}
		w.write("a.yaml", orders("", specs...))
		for attempt := range 3 {
			cmd := crash.Command(t, 0, "journal", w.dir)
			stuck := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
			defer stuck.Stop()
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 64)
			read, _ := out.Read(buf)
			if !strings.HasPrefix(string(buf[:read]), "open") {
				t.Fatalf("the child says %q", buf[:read])
			}
			time.AfterFunc(time.Duration(attempt*attempt*round)*time.Millisecond/4, func() { cmd.Process.Kill() })
			_ = cmd.Wait() // it was killed
			kills++
		}
		if err := w.start(func(o *Options) { o.Journal, o.Origin, o.MaxShrink = dir, "node1", 100 }, "a.yaml"); err != nil {
			t.Fatal(err)
		}
		w.s.Close()
		checkAlternation(t, dir, specs)
	}
	if r, err := journal.Verify(dir, journal.VerifyOptions{}); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	t.Logf("%d processes killed", kills)
}

func checkAlternation(t *testing.T, dir string, specs []string) {
	t.Helper()
	present, content := map[string]bool{}, map[string]string{}
	err := journal.Read(dir, func(r journal.Record, _ []byte) bool {
		switch r.Event {
		case journal.Received:
			if present[r.Order] {
				t.Errorf("record %d: order %s is received twice", r.Index, r.Order)
			}
			present[r.Order], content[r.Order] = true, r.Content
		case journal.Corrected:
			if !present[r.Order] || content[r.Order] == r.Content {
				t.Errorf("record %d: order %s is corrected without a change", r.Index, r.Order)
			}
			content[r.Order] = r.Content
		case journal.Removed:
			if !present[r.Order] {
				t.Errorf("record %d: order %s is removed twice", r.Index, r.Order)
			}
			present[r.Order] = false
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{}
	for _, s := range specs {
		id, _, _ := strings.Cut(s, ":")
		in[id] = true
	}
	for id, is := range present {
		if is != in[id] {
			t.Errorf("order %s: present is %t in the journal, and %t in the file", id, is, in[id])
		}
	}
}

func TestJournalRequests(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 5\n", "one: a.example"))
	w.write("b.yaml", orders("serial: 5\n", "two: b.example"))
	if err := w.start(func(o *Options) { keepingJournal(w)(o); withState(w)(o); o.MaxShrink = 100 }, "a.yaml", "b.yaml"); err != nil {
		t.Fatal(err)
	}
	serial := int64(3)
	w.ask(state.Change{Command: state.CommandSetSerial, Path: "a.yaml", Serial: &serial})
	if a := w.ask(state.Change{Command: state.CommandForget, Path: "a.yaml"}); a.Refused == "" {
		t.Fatal("the file is there, and is forgotten")
	}
	w.s.Close()
	st, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	serial = 4
	if err := st.Record(state.Change{Time: w.clock.Now(), Command: state.CommandSetSerial, Path: filepath.Join(w.dir, "b.yaml"), Serial: &serial, Reason: "offline"}); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := w.restart(); err != nil {
			t.Fatal(err)
		}
	}
	w.s.Close()
	var got []string
	first := true // the request of a stopped server comes before the first load of the next server
	err = journal.Read(filepath.Join(w.dir, ".journal"), func(r journal.Record, _ []byte) bool {
		switch r.Event {
		case journal.Start:
			first = true
		case journal.Outcome:
			first = false
		case journal.Request:
			s := fmt.Sprint(filepath.Base(r.File), " ", r.By, " ", r.Why, " ", first)
			for _, f := range r.Files {
				if f.Serial != nil {
					s += fmt.Sprint(" ", *f.Serial)
				}
				if f.Problem != "" {
					s += " refused"
				}
			}
			got = append(got, s)
		}
		return true
	})
	want := []string{"a.yaml set-serial ticket 17 false 3", "a.yaml forget ticket 17 false refused", "b.yaml set-serial offline true 4"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("requests %q, %v\nwant     %q", got, err, want)
	}
}
