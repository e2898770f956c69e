package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/durable"
)

// A clock moves only when the test calls pass.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []timer
}

type timer struct {
	at time.Time
	ch chan time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := timer{c.now.Add(d), make(chan time.Time, 1)}
	c.timers = append(c.timers, t)
	return t.ch
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(t timer) bool {
		if t.at.After(c.now) {
			return false
		}
		t.ch <- c.now
		return true
	})
}

func digest(content string) Digest { return sha256.Sum256([]byte(content)) }

func from(contents ...string) map[Digest]func() (io.ReadCloser, error) {
	out := map[Digest]func() (io.ReadCloser, error){}
	for _, c := range contents {
		out[digest(c)] = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(c)), nil }
	}
	return out
}

func versionOf(serial int64, order string, sides ...string) Version {
	v := Version{Order: digest(order), Serial: serial, Accepted: time.Date(2026, 11, 28, 11, 0, 0, 0, time.UTC)}
	for i, s := range sides {
		if v.Sides == nil {
			v.Sides = map[string]Digest{}
		}
		v.Sides[fmt.Sprintf("list%d.txt", i)] = digest(s)
	}
	return v
}

func example() Next {
	court := versionOf(7, "court", "side one", "side two")
	court.Keys, court.Signatures = []string{"RWQ1"}, []string{"untrusted comment: a\nRWQ1...\n"}
	return Next{
		Set: Set{
			Options: digest("options"), Guard: digest("guard"),
			Versions: map[string]Version{"/orders/court.yaml": court, "/orders/police.yaml": versionOf(NoSerial, "police")},
			Floors:   map[string]Floor{"/orders/court.yaml": {7, digest("court")}, "/orders/old.yaml": {Serial: 3}},
		},
		Blobs: from("court", "side one", "side two", "police"),
		Parts: map[string]func(io.Writer) error{
			"/orders/court.yaml":  func(w io.Writer) error { _, err := io.WriteString(w, "compiled court"); return err },
			"/orders/police.yaml": func(w io.Writer) error { _, err := io.WriteString(w, "compiled police"); return err },
		},
	}
}

func open(t *testing.T, dir string, opt Options) *State {
	t.Helper()
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sound(t *testing.T, dir string, opt Options) *State {
	t.Helper()
	s := open(t, dir, opt)
	t.Cleanup(func() { s.Close() })
	for _, err := range append(s.Problems(), s.Verify()...) {
		t.Error(err)
	}
	return s
}

func stored(t *testing.T, dir string, n Next) {
	t.Helper()
	s := open(t, dir, Options{Writer: "test", FS: unsynced})
	s.Commit(n)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// without returns a copy of a set without snapshots.
func without(s Set) Set {
	s.Versions = maps.Clone(s.Versions)
	for p, v := range s.Versions {
		v.Snapshot = Snapshot{}
		s.Versions[p] = v
	}
	s.Unaccepted = time.Time{}
	return s
}

func readBlob(t *testing.T, s *State, d Digest) string {
	t.Helper()
	r, err := s.Blob(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func readSnapshot(t *testing.T, s *State, path string) string {
	t.Helper()
	r, size, err := s.Snapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != size {
		t.Fatal(len(b), size, err)
	}
	return string(b)
}

func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	n := example()
	stored(t, dir, n)
	s := sound(t, dir, Options{})
	if got := without(s.Set()); !reflect.DeepEqual(got, n.Set) {
		t.Errorf("set\n%+v\nwant\n%+v", got, n.Set)
	}
	for _, c := range []string{"court", "side one", "side two", "police"} {
		if got := readBlob(t, s, digest(c)); got != c {
			t.Errorf("blob %q, want %q", got, c)
		}
	}
	if got := readSnapshot(t, s, "/orders/court.yaml"); got != "compiled court" {
		t.Errorf("snapshot %q", got)
	}
	if got := files(t, dir); len(got) != 2+4+2 {
		t.Errorf("files %q", got)
	}
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info, _ := d.Info(); info.Mode().Perm() != want {
			t.Errorf("%s: mode %o", p, info.Mode())
		}
		return nil
	})
	if got, err := Read(dir); err != nil || !reflect.DeepEqual(got, s.Set()) {
		t.Errorf("Read beside the lock: %v", err)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	for _, name := range []string{"blob/sha256-" + strings.Repeat("0", 64), "part/0123456789abcdef.snap", "blob/notes.txt", "blob/sha256-XX"} {
		os.WriteFile(filepath.Join(dir, name), nil, 0o600)
	}
	n := example()
	n.Versions = map[string]Version{"/orders/police.yaml": versionOf(NoSerial, "police")}
	s := sound(t, dir, Options{})
	s.Commit(n)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := []string{"LOCK", "blob/notes.txt", "blob/" + blobName(digest("police")), "blob/sha256-XX", "current.json",
		"part/" + s.Set().Versions["/orders/police.yaml"].Snapshot.File()}
	slices.Sort(want)
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestForgetAndSetSerial(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	s := open(t, dir, Options{})
	if s.Forget("/orders/other.yaml") == nil || s.SetSerial("/orders/court.yaml", -1) == nil {
		t.Error("no error")
	}
	if err := errors.Join(s.SetSerial("/orders/court.yaml", 5), s.Forget("/orders/court.yaml"), s.SetSerial("/orders/police.yaml", 9), s.SetSerial("/orders/new.yaml", 4)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = sound(t, dir, Options{})
	want := example().Set
	delete(want.Versions, "/orders/court.yaml")
	want.Floors["/orders/court.yaml"] = Floor{Serial: 5}
	want.Floors["/orders/police.yaml"] = Floor{Serial: 9}
	want.Floors["/orders/new.yaml"] = Floor{Serial: 4}
	if got := without(s.Set()); !reflect.DeepEqual(got, want) {
		t.Errorf("set\n%+v\nwant\n%+v", got, want)
	}
	if got := readSnapshot(t, s, "/orders/police.yaml"); got != "compiled police" {
		t.Errorf("the other file: %q", got)
	}
}

func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Now: newClock().Now})
	_, err := Open(dir, Options{})
	var locked *durable.LockedError
	if want := fmt.Sprintf("process %d on host", os.Getpid()); !errors.As(err, &locked) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	s.Close()
	sound(t, dir, Options{})
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	fail := durable.FS{Hook: func(s durable.Step, run func() error) error { return fs.ErrPermission }}
	s := open(t, dir, Options{FS: fail})
	if got := without(s.Set()); !reflect.DeepEqual(got, example().Set) {
		t.Error("another set")
	}
	n := example()
	n.Versions["/orders/new.yaml"] = versionOf(1, "new")
	maps.Copy(n.Blobs, from("new"))
	s.Commit(n)
	if err := s.Flush(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
	sound(t, dir, Options{})
}

func TestText(t *testing.T) {
	dir := t.TempDir()
	n := example()
	for _, p := range []string{"a\nb", "\xff\xfe", `"quoted"`, "\u202eevil", "", "\x1b[2J", "Рішення", "<&>", "\ufffd", `\`} {
		v := versionOf(1, "police", "side one")
		v.Sides[p] = digest("side two")
		v.Keys, v.Signatures = []string{p}, []string{p, p}
		n.Versions[p] = v
		n.Floors[p] = Floor{Serial: 1}
	}
	stored(t, dir, n)
	s := sound(t, dir, Options{})
	if got := without(s.Set()); !reflect.DeepEqual(got, n.Set) {
		t.Errorf("set\n%+v\nwant\n%+v", got, n.Set)
	}
	b, _ := os.ReadFile(filepath.Join(dir, currentName))
	if !utf8.Valid(b) || bytes.ContainsAny(b, "\x1b\u202e") {
		t.Error("current.json has control characters")
	}
}
