package state

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
)

func TestNewestWins(t *testing.T) {
	dir := t.TempDir()
	entered, leave := make(chan struct{}), make(chan struct{})
	first, attempts := true, 0
	s := open(t, dir, Options{Done: func(error) { attempts++ }, FS: durable.FS{Hook: func(step durable.Step, run func() error) error {
		if step == durable.Create && first {
			first = false
			entered <- struct{}{}
			<-leave
		}
		return run()
	}}})
	s.Commit(example())
	<-entered
	unused := func() (io.ReadCloser, error) {
		t.Error("a blob of a replaced set is stored")
		return nil, errors.New("unused")
	}
	for range 1000 {
		n := example()
		n.Versions = map[string]Version{"/orders/a.yaml": versionOf(1, "a"), "/orders/b.yaml": versionOf(1, "b")}
		n.Blobs = from("a")
		n.Blobs[digest("b")] = unused
		n.Parts = map[string]func(io.Writer) error{"/orders/a.yaml": func(io.Writer) error {
			t.Error("a part of a replaced set is stored")
			return nil
		}}
		s.Commit(n)
	}
	last := example()
	last.Versions["/orders/a.yaml"] = versionOf(1, "a")
	last.Blobs = nil
	s.Commit(last)
	close(leave)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if attempts != 2 {
		t.Errorf("%d attempts", attempts)
	}
	s = sound(t, dir, Options{})
	if got := without(s.Set()); !reflect.DeepEqual(got, last.Set) {
		t.Errorf("set\n%+v\nwant\n%+v", got, last.Set)
	}
}

func TestPartial(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	for _, tc := range []struct{ name, want string }{
		{"changed", "the content has changed: it has the SHA-256 " + digest("other bytes").String()},
		{"failing", "no such disk"},
		{"missing", "is not there"},
	} {
		c := newClock()
		s := sound(t, dir, Options{Now: c.Now, After: c.After})
		n := example()
		n.Versions["/orders/court.yaml"] = versionOf(8, "court", "side three "+tc.name)
		n.Versions["/orders/police.yaml"] = versionOf(1, "police 2 "+tc.name)
		n.Parts["/orders/police.yaml"] = func(w io.Writer) error { _, err := io.WriteString(w, "compiled 2"); return err }
		maps.Copy(n.Blobs, from("police 2 "+tc.name))
		switch d := digest("side three " + tc.name); tc.name {
		case "changed":
			n.Blobs[d] = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("other bytes")), nil }
		case "failing":
			n.Blobs[d] = func() (io.ReadCloser, error) { return nil, errors.New("no such disk") }
		}
		s.Commit(n)
		err := s.Flush()
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), `/orders/court.yaml: side list "list0.txt"`) {
			t.Errorf("%s: error %v", tc.name, err)
		}
		want := without(n.Set)
		want.Versions["/orders/court.yaml"] = example().Versions["/orders/court.yaml"]
		if got := without(s.Set()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: set\n%+v\nwant\n%+v", tc.name, got, want)
		}
		if got := readSnapshot(t, s, "/orders/court.yaml"); got != "compiled court" {
			t.Errorf("%s: the snapshot of the old version is %q", tc.name, got)
		}
		if got := readSnapshot(t, s, "/orders/police.yaml"); got != "compiled 2" {
			t.Errorf("%s: the snapshot of the other file is %q", tc.name, got)
		}
		if st := s.Status(); st.Err == nil || !st.Pending || st.FailingSince != c.now {
			t.Errorf("%s: status %+v", tc.name, st)
		}
		s.Close()
	}
}

func TestRetry(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	for _, step := range []durable.Step{durable.Create, durable.Write, durable.Sync, durable.Rename} {
		c := newClock()
		full := true
		done := make(chan error, 10)
		s := sound(t, dir, Options{Now: c.Now, After: c.After, Done: func(err error) { done <- err }, FS: durable.FS{
			Hook: func(s durable.Step, run func() error) error {
				if full && s == step {
					return syscall.ENOSPC
				}
				return run()
			},
		}})
		old := s.Set()
		n := example()
		n.Versions["/orders/new.yaml"] = versionOf(1, "new "+string(step))
		maps.Copy(n.Blobs, from("new "+string(step)))
		s.Commit(n)
		if err := <-done; !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%s: error %v", step, err)
		}
		since := c.Now()
		st := s.Status()
		if !errors.Is(st.Err, syscall.ENOSPC) || !st.Pending || st.FailingSince != since || !st.Stored.IsZero() {
			t.Errorf("%s: status %+v", step, st)
		}
		if got, err := Read(dir); err != nil || !reflect.DeepEqual(got.Versions, old.Versions) {
			t.Errorf("%s: the stored set has changed: %v", step, err)
		}
		c.pass(30 * time.Second)
		if err := <-done; !errors.Is(err, syscall.ENOSPC) || s.Status().FailingSince != since {
			t.Errorf("%s: second attempt: %v, %+v", step, err, s.Status())
		}
		full = false
		c.pass(30 * time.Second)
		if err := <-done; err != nil {
			t.Errorf("%s: third attempt: %v", step, err)
		}
		if got := without(s.Set()); !reflect.DeepEqual(got, n.Set) {
			t.Errorf("%s: the set is not stored", step)
		}
		if st := s.Status(); st != (Status{Stored: c.Now()}) {
			t.Errorf("%s: status %+v", step, st)
		}
		s.Close()
		sound(t, dir, Options{}).Close()
	}
}

func TestSnapshotsWait(t *testing.T) {
	dir := t.TempDir()
	c := newClock()
	done := make(chan error, 10)
	s := open(t, dir, Options{Now: c.Now, After: c.After, Done: func(err error) { done <- err }})
	const path = "/orders/court.yaml"
	commit := func(content string) {
		t.Helper()
		s.Commit(Next{
			Set:   Set{Versions: map[string]Version{path: versionOf(1, content)}},
			Blobs: from(content),
			Parts: map[string]func(io.Writer) error{path: func(w io.Writer) error {
				_, err := io.WriteString(w, "compiled "+content)
				return err
			}},
		})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := readBlob(t, s, digest(content)); got != content || s.Set().Versions[path].Order != digest(content) {
			t.Errorf("%s: the version is not stored at once", content)
		}
	}
	commit("one")
	if got := readSnapshot(t, s, path); got != "compiled one" {
		t.Errorf("snapshot %q", got)
	}
	c.pass(time.Second)
	for _, content := range []string{"two", "three"} {
		commit(content)
		if _, _, err := s.Snapshot(path); !errors.Is(err, os.ErrNotExist) || !s.Status().Pending {
			t.Errorf("%s: the snapshot was stored at once: %v", content, err)
		}
	}
	c.pass(9 * time.Second)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := readSnapshot(t, s, path); got != "compiled three" || s.Status().Pending {
		t.Errorf("snapshot %q, status %+v", got, s.Status())
	}
	commit("four")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = sound(t, dir, Options{})
	if got := readSnapshot(t, s, path); got != "compiled four" {
		t.Errorf("snapshot %q", got)
	}
	if got := files(t, dir); len(got) != 4 {
		t.Errorf("files %q", got)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	const path = "/orders/court.yaml"
	for _, tc := range []struct {
		name string
		edit func(*Next)
		kept bool
	}{
		{"nothing", func(n *Next) {}, true},
		{"a serial", func(n *Next) { n.Floors[path] = Floor{Serial: 2} }, true},
		{"the options", func(n *Next) { n.Options = digest("other") }, false},
		{"the guard", func(n *Next) { n.Guard = digest("other") }, false},
		{"a side list", func(n *Next) {
			n.Versions[path] = versionOf(7, "court", "side one")
		}, false},
	} {
		stored(t, dir, example())
		n := example()
		n.Parts = nil
		tc.edit(&n)
		stored(t, dir, n)
		s := sound(t, dir, Options{})
		if kept := s.Set().Versions[path].Snapshot.Size > 0; kept != tc.kept {
			t.Errorf("%s: kept %v", tc.name, kept)
		}
		s.Close()
	}
}

func TestSame(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	steps := 0
	s := sound(t, dir, Options{Writer: "test", FS: durable.FS{Hook: func(s durable.Step, run func() error) error {
		steps++
		return run()
	}}})
	steps = 0
	s.Commit(example())
	if err := s.Flush(); err != nil || steps != 0 {
		t.Errorf("%d steps, error %v", steps, err)
	}
}

func TestForgetBesideCommit(t *testing.T) {
	dir := t.TempDir()
	entered, leave := make(chan struct{}), make(chan struct{})
	first := true
	s := open(t, dir, Options{FS: durable.FS{Hook: func(step durable.Step, run func() error) error {
		if step == durable.Create && first {
			first = false
			entered <- struct{}{}
			<-leave
		}
		return run()
	}}})
	n := example()
	s.Commit(n)
	<-entered
	if len(s.Set().Versions) != 0 || !s.Status().Pending {
		t.Errorf("set %v, status %+v, but nothing is stored yet", s.Set(), s.Status())
	}
	if err := s.Forget("/orders/police.yaml"); err != nil {
		t.Error(err)
	}
	close(leave)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = sound(t, dir, Options{})
	want := example().Set
	delete(want.Versions, "/orders/police.yaml")
	if got := without(s.Set()); !reflect.DeepEqual(got, want) {
		t.Errorf("set\n%+v\nwant\n%+v", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, blobDir, blobName(digest("police")))); !os.IsNotExist(err) {
		t.Errorf("the blob is still there: %v", err)
	}
}

func TestDropBesideCommit(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	entered, leave := make(chan struct{}), make(chan struct{})
	first := true
	s := sound(t, dir, Options{FS: durable.FS{Hook: func(step durable.Step, run func() error) error {
		if step == durable.Create && first {
			first = false
			entered <- struct{}{}
			<-leave
		}
		return run()
	}}})
	const path = "/orders/court.yaml"
	snap := s.Set().Versions[path].Snapshot
	n := example()
	n.Floors = map[string]Floor{path: {Serial: 100}}
	n.Parts = nil
	s.Commit(n)
	<-entered
	s.DropSnapshot(path, snap)
	close(leave)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := s.Set().Versions[path].Snapshot; got != (Snapshot{}) {
		t.Errorf("snapshot %v", got)
	}
	s.Commit(example())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = sound(t, dir, Options{})
	if got := readSnapshot(t, s, path); got != "compiled court" {
		t.Errorf("snapshot %q", got)
	}
}

func TestSteps(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	var steps []durable.Step
	s := sound(t, dir, Options{Writer: "test", FS: durable.FS{Hook: func(s durable.Step, run func() error) error {
		if s == durable.Rename && len(steps) < 6 && len(names(filepath.Join(dir, blobDir))) != 5 {
			t.Error("the first file is not the blob")
		}
		steps = append(steps, s)
		return run()
	}}})
	steps = nil
	n := example()
	n.Versions["/orders/new.yaml"] = versionOf(1, "new")
	maps.Copy(n.Blobs, from("new"))
	s.Commit(n)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	file := []durable.Step{durable.Create, durable.Write, durable.Own, durable.Sync, durable.Rename, durable.SyncDir}
	if want := slices.Concat(file, file); !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
}

func TestFailureBesideCommit(t *testing.T) {
	dir := t.TempDir()
	c := newClock()
	entered, leave := make(chan struct{}), make(chan struct{})
	first := true
	s := open(t, dir, Options{Now: c.Now, After: c.After, FS: durable.FS{Hook: func(step durable.Step, run func() error) error {
		if step == durable.Create && first {
			first = false
			entered <- struct{}{}
			<-leave
			return syscall.ENOSPC
		}
		return run()
	}}})
	n := example()
	s.Commit(n)
	<-entered
	n.Blobs = nil
	s.Commit(n)
	close(leave)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = sound(t, dir, Options{})
	if got := without(s.Set()); !reflect.DeepEqual(got, n.Set) {
		t.Errorf("set\n%+v\nwant\n%+v", got, n.Set)
	}
}

func TestPartOfRefused(t *testing.T) {
	dir := t.TempDir()
	const path = "/orders/court.yaml"
	n := example()
	n.Parts = nil
	stored(t, dir, n)
	s := sound(t, dir, Options{})
	n = example()
	n.Versions[path] = versionOf(8, "court that is not there")
	s.Commit(n)
	if err := s.Flush(); err == nil {
		t.Error("no error")
	}
	if v := s.Set().Versions[path]; v.Serial != 7 || v.Snapshot.Size > 0 {
		t.Errorf("version %+v", v)
	}
}

func TestSnapshotSize(t *testing.T) {
	dir := t.TempDir()
	const path = "/orders/court.yaml"
	stored(t, dir, example())
	s := open(t, dir, Options{})
	defer s.Close()
	if err := os.Truncate(filepath.Join(dir, partDir, s.Set().Versions[path].Snapshot.File()), 3); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Snapshot(path); !errors.Is(err, ErrDamaged) {
		t.Errorf("error %v", err)
	}
}
