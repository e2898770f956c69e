package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/durable"
)

func copyWith(t testing.TB, from, to string, hook durable.Hook) (Copied, error) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, vkeyName))
	if err != nil {
		t.Fatal(err)
	}
	v, err := ReadVerifier(filepath.Join(from, vkeyName))
	if err != nil {
		t.Fatal(err)
	}
	return Copy(from, to, v, strings.TrimSpace(string(text)), durable.FS{Hook: hook})
}

func mustCopy(t testing.TB, from, to string) Copied {
	t.Helper()
	c, err := copyWith(t, from, to, noSync)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCopyGrows(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	last := int64(0)
	for i, n := range []int{1, 100, 260, 3, 700} {
		fill(t, dir, n)
		os.WriteFile(StampPath(dir, mustHourly(t, dir)), []byte("stamp"), 0o600)
		c := mustCopy(t, dir, to)
		if r := verify(t, to); r.Size != c.Size || c.Size <= last || r.Unsigned != 0 || len(c.Faults) > 0 || r.Versions != 1 {
			t.Fatalf("step %d: %+v, %+v", i, r, c)
		}
		if last = c.Size; !c.Time.Equal(readAll(t, to)[last-1].Time.Time) {
			t.Errorf("step %d: time %v", i, c.Time)
		}
		again := mustCopy(t, dir, to)
		if again.Size != last || again.Time != c.Time {
			t.Errorf("step %d: the second copy is %+v", i, again)
		}
	}
	want, got := contents(t, dir), contents(t, to)
	delete(want, keyName)
	delete(want, "LOCK")
	for name, text := range want {
		if got[name] != text {
			t.Errorf("the copy has another file %s", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func mustHourly(t testing.TB, dir string) int64 {
	t.Helper()
	all, err := Outsides(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Backward(all) {
		if !f.Stamp {
			return f.Size
		}
	}
	return 0
}

func TestCopyRefuses(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	fill(t, dir, 300)
	old := copyTo(t, dir)
	fill(t, dir, 300)
	mustCopy(t, dir, to)
	before := contents(t, to)
	for name, tc := range map[string]struct {
		make func() string
		want string
	}{
		"an older state":  {func() string { return old }, "the journal was cut, or is an older copy of itself"},
		"another history": {func() string { return rewritten(t, dir, 700) }, "the journal was rewritten: its first "},
		"another key": {func() string {
			other := t.TempDir()
			fill(t, other, 700)
			return other
		}, "the copy has another key"},
		"a changed checkpoint": {func() string {
			x := copyTo(t, dir)
			path := filepath.Join(x, checkpointName)
			b, _ := os.ReadFile(path)
			os.WriteFile(path, bytes.Replace(b, []byte("\n6"), []byte("\n7"), 1), 0o600)
			return x
		}, "invalid signature"},
		"a link": {func() string {
			x := copyTo(t, dir)
			os.Symlink(filepath.Join(x, keyName), StampPath(x, 17))
			return x
		}, "checkpoints/17.tsr: is neither a file nor a directory"},
		"a huge checkpoint": {func() string {
			x := copyTo(t, dir)
			os.WriteFile(filepath.Join(x, checkpointName), make([]byte, maxOutside+1), 0o600)
			return x
		}, "checkpoint: has more than 1048576 bytes"},
		"a changed tile at the edge": {func() string { return withTile(t, dir, "002") }, "the tiles of the journal do not have its signed root"},
		"a changed full tile":        {func() string { return withTile(t, dir, "003") }, "the tiles of the journal do not have the signed root of 12"},
	} {
		if _, err := copyWith(t, tc.make(), to, noSync); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := contents(t, to); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%s: the copy has changed", name)
		}
	}
}

func withTile(t testing.TB, dir, tile string) string {
	t.Helper()
	x := copyTo(t, dir)
	fill(t, x, 600)
	path := filepath.Join(x, tileDir, "0", tile)
	b, err := os.ReadFile(path)
	if err != nil || len(b) != tileWidth*32 {
		t.Fatal(len(b), err)
	}
	b[1000] ^= 1
	os.WriteFile(path, b, 0o600)
	return x
}

// rewritten makes another journal with the same key.
func rewritten(t testing.TB, dir string, n int) string {
	t.Helper()
	fake := t.TempDir()
	for _, name := range []string{keyName, vkeyName} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(fake, name), b, 0o600)
	}
	fill(t, fake, n)
	return fake
}

func TestCopyDamage(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	fill(t, dir, 300)
	mustCopy(t, dir, to)
	fill(t, dir, 300)
	good := contents(t, dir)
	change := func(name, old, new string) {
		if text := good[name]; strings.Count(text, old) != 1 {
			t.Fatalf("%s has %d times %q", name, strings.Count(text, old), old)
		}
		os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(good[name], old, new, 1)), 0o600)
	}
	// This line belongs to the second half.
	for name := range good {
		if strings.HasPrefix(name, recordDir) && strings.Contains(good[name], `{"i":500,"time":"2026`) {
			change(name, `{"i":500,"time":"2026`, `{"i":500,"time":"2025`)
		}
	}
	for name := range good {
		if strings.HasPrefix(name, versionDir) {
			os.Remove(filepath.Join(to, name))
			os.WriteFile(filepath.Join(dir, name), []byte("damaged"), 0o600)
		}
	}
	os.WriteFile(filepath.Join(dir, checkpointDir, "17"), []byte("damaged"), 0o600)
	os.WriteFile(StampPath(dir, 17), make([]byte, maxOutside+1), 0o600)
	c := mustCopy(t, dir, to)
	got := strings.Join(c.Faults, "\n")
	for _, want := range []string{"the line is not the next signed record, and was not copied", "versions/sha256-", "checkpoints/17: malformed note", "checkpoints/17.tsr: cannot be read, or has more than 1048576 bytes"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("faults %q: no %q", got, want)
		}
	}
	if r := faults(t, to, VerifyOptions{}); !strings.HasPrefix(r, "record 500 is missing\nrecord ") || strings.Count(r, "\n") != 1 {
		t.Errorf("faults of the copy %q", r)
	}
}

var errStop = errors.New("stop")

func TestCopyStops(t *testing.T) {
	dir, base := t.TempDir(), filepath.Join(t.TempDir(), "base")
	fill(t, dir, 250)
	mustCopy(t, dir, base)
	fill(t, dir, 120)
	want := contents(t, dir)
	delete(want, keyName)
	delete(want, "LOCK")
	for at := 1; ; at++ {
		to, steps := copyTo(t, base), 0
		_, err := copyWith(t, dir, to, func(s durable.Step, run func() error) error {
			if steps++; steps == at {
				return errStop
			}
			return noSync(s, run)
		})
		if err == nil {
			if at < 20 {
				t.Errorf("only %d steps", at)
			}
			break
		}
		if !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		verify(t, to)
		mustCopy(t, dir, to)
		verify(t, to)
		got := contents(t, to)
		for name, text := range want {
			if got[name] != text {
				t.Fatalf("step %d: the copy has another file %s", at, name)
			}
		}
	}
}

// TestCopyRunning copies a journal while its process writes.
func TestCopyRunning(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	j, _ := open(t, dir)
	j.Append(Record{Event: InForce, Order: "a"})
	flush(t, j)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			j.Append(Record{Event: InForce, Order: "a"})
			if i%50 == 0 {
				j.Do(0, func(b *Batch) { b.Beat(Record{}) })
				j.Flush(patience)
			}
		}
	}()
	for last := int64(0); last < 1500; {
		c, err := copyWith(t, dir, to, noSync)
		if errors.Is(err, os.ErrNotExist) && last == 0 {
			continue // the first checkpoint is not signed yet
		}
		if err != nil || len(c.Faults) > 0 {
			t.Fatalf("%v, %q", err, c.Faults)
		}
		verify(t, to)
		last = c.Size
	}
	close(stop)
	<-done
}
