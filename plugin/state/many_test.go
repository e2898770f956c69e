package state

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
)

func TestStepsOfManyFiles(t *testing.T) {
	const n = 400
	steps := map[durable.Step]int{}
	dir := t.TempDir()
	s := open(t, dir, Options{FS: durable.FS{Hook: func(step durable.Step, run func() error) error {
		steps[step]++
		if step == durable.Sync || step == durable.SyncDir {
			return nil
		}
		return run()
	}}, Now: newClock().Now})
	count := func(what string, do func() error, files, syncs, dirs int) {
		t.Helper()
		steps = map[durable.Step]int{}
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if steps[durable.Rename] != files || steps[durable.Sync] != syncs || steps[durable.SyncDir] > dirs {
			t.Errorf("%s: %d files, %d syncs of files and %d of directories; want %d, %d and at most %d",
				what, steps[durable.Rename], steps[durable.Sync], steps[durable.SyncDir], files, syncs, dirs)
		}
	}
	commit := func(changed int) func() error {
		return func() error { s.Commit(many(n, changed)); return s.Flush() }
	}
	count("a start", commit(0), 2*n+3, 2*n+3, 8)
	count("nothing has changed", commit(0), 0, 0, 0)
	count("one file has changed", commit(1), 2, 2, 4) // the snapshot waits
	count("the end", s.Close, 2, 2, 4)
}

func many(n, changed int) Next {
	x := Next{Set: Set{Versions: map[string]Version{}}, Blobs: map[Digest]func() (io.ReadCloser, error){}, Parts: map[string]func(io.Writer) error{}}
	for i := range n {
		text := fmt.Sprint("file ", i)
		if i < changed {
			text += " has changed"
		}
		path := fmt.Sprintf("/orders/%d.yaml", i)
		x.Versions[path] = versionOf(NoSerial, text)
		for d, open := range from(text) {
			x.Blobs[d] = open
		}
		x.Parts[path] = func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	return x
}

func TestUnreadableNews(t *testing.T) {
	bad := func(n Next) Next {
		v := n.Versions["/orders/1.yaml"]
		v.Accepted = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) // RFC 3339 has four digits for the year
		n.Versions["/orders/1.yaml"] = v
		return n
	}
	dir := t.TempDir()
	s := open(t, dir, Options{FS: unsynced, Now: newClock().Now})
	refused := func(when string) {
		t.Helper()
		s.Commit(bad(many(3, 0)))
		if err := s.Flush(); err == nil || !strings.Contains(err.Error(), "would not be readable") {
			t.Errorf("%s: %v", when, err)
		}
	}
	refused("the first set")
	s.Commit(many(3, 0))
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	refused("a later set")
	_ = s.Close() // the set is still refused
	if got := sound(t, dir, Options{FS: unsynced}).Set(); len(got.Versions) != 3 || got.Versions["/orders/1.yaml"].Accepted.Year() != 2026 {
		t.Errorf("%+v", got)
	}
}

func BenchmarkOneChange(b *testing.B) {
	for _, n := range []int{1, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			clock := newClock()
			s, err := Open(b.TempDir(), Options{FS: unsynced, Now: clock.Now})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			sets := []Next{many(n, 0), many(n, 1)}
			for i := 0; b.Loop(); i++ {
				clock.pass(time.Minute)
				s.Commit(sets[i%2])
				if err := s.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
