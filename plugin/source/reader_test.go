package source

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

func TestEndlessStream(t *testing.T) {
	rcpt := &receipt{}
	r, err := newReader(&Source{ticks: realTicks}, func() (openFile, error) { return endless{}, nil }, "o.yaml", version{state: Ready, size: 1000}, rcpt.failed)
	must(t, err)
	defer r.Close()
	if _, err := io.Copy(io.Discard, onlyReader{r}); !errors.Is(err, ErrChanged) || !errors.Is(rcpt.err, ErrChanged) {
		t.Errorf("got %v, %v", err, rcpt.err)
	}
}

func TestChangedWhileRead(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		big := strings.Repeat("x", 400_000) // larger than the buffer of a stream
		old(t, filepath.Join(dir, "o.yaml"), big)
		old(t, filepath.Join(dir, "l.txt"), big)
		r := newRig(t, dir, []string{"o.yaml"}, opts...)
		f := r.scan(0)[0]
		for name, change := range map[string]func(path string){
			"other bytes": func(path string) { r.write(path, strings.Repeat("y", 400_000)) },
			"grown":       func(path string) { r.write(path, big+"z") },
			"shrunk":      func(path string) { r.write(path, big[1:]) },
		} {
			for _, side := range []bool{false, true} {
				rc, err := f.Open()
				path := "o.yaml"
				if side {
					rc.Close()
					rc, err = sideOf(f, "l.txt")
					path = "l.txt"
				}
				must(t, err)
				_, err = io.ReadFull(rc, make([]byte, 50_000))
				must(t, err)
				change(path)
				_, err = io.Copy(io.Discard, onlyReader{rc})
				if cerr := rc.Close(); !errors.Is(err, ErrChanged) || !errors.Is(cerr, ErrChanged) || !errors.Is(f.Intact(), ErrChanged) {
					t.Fatalf("%s: %v, %v, %v", name, err, cerr, f.Intact())
				}
				r.write(path, big)
				r.settled()
				fs := r.take()
				if len(fs) != 1 {
					t.Fatalf("%s: reported %d times", name, len(fs))
				}
				f = fs[0]
			}
		}
		rc, err := f.Open()
		must(t, err)
		if f.Intact() == nil {
			t.Error("an open stream counts as intact")
		}
		r.write("o.yaml", strings.Repeat("y", 400_000))
		if err := rc.Close(); !errors.Is(err, ErrChanged) {
			t.Errorf("Close: %v", err)
		}
		// The size of the file changes before Open.
		r.settled()
		f = r.take()[0]
		r.write("o.yaml", "short")
		if _, err := f.Open(); !errors.Is(err, ErrChanged) {
			t.Errorf("Open: %v", err)
		}
	})
}
