package state

import (
	"fmt"
	"io"
	"testing"

	"github.com/dns-orders/blocklist/plugin/durable"
)

// TestStepsOfManyFiles counts the steps on the disk for a directory with many order files. A
// change of one file must not need more syncs than in a directory with one file.
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
	next := func(changed int) Next {
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
		return func() error { s.Commit(next(changed)); return s.Flush() }
	}
	count("a start", commit(0), 2*n+3, 2*n+3, 8)
	count("nothing has changed", commit(0), 0, 0, 0)
	count("one file has changed", commit(1), 2, 2, 4) // the snapshot waits
	count("the end", s.Close, 2, 2, 4)
}
