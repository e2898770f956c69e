package durable

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

const (
	oldText = "old content\n"
	newText = "new content, which is longer\n"
)

func folder(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte(oldText), 0o640); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func content(t *testing.T, path, want string, names ...string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("content %.40q, want %.40q", got, want)
	}
	all, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range all {
		have = append(have, e.Name())
	}
	if !slices.Equal(have, names) {
		t.Errorf("the directory has %q, want %q", have, names)
	}
}

func TestSteps(t *testing.T) {
	_, path := folder(t)
	var steps []Step
	d := FS{Hook: func(s Step, run func() error) error {
		steps = append(steps, s)
		return run()
	}}
	if err := d.WriteFile(path, []byte(newText), 0o600); err != nil {
		t.Fatal(err)
	}
	content(t, path, newText, "file")
	if err := d.Remove(path); err != nil {
		t.Fatal(err)
	}
	if want := []Step{Create, Write, Own, Sync, Rename, SyncDir, Unlink, SyncDir}; !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	if err := (FS{}).Remove(path); err != nil {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestFailures(t *testing.T) {
	for _, step := range []Step{Create, Write, Own, Sync, Rename, SyncDir} {
		for _, late := range []bool{false, true} {
			_, path := folder(t)
			d := FS{Hook: func(s Step, run func() error) error {
				if s == step && !late {
					return syscall.ENOSPC
				}
				if err := run(); err != nil || s != step {
					return err
				}
				return syscall.ENOSPC
			}}
			if err := d.WriteFile(path, []byte(newText), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s: error %v", step, err)
			}
			want := oldText
			if step == SyncDir || step == Rename && late {
				want = newText
			}
			content(t, path, want, "file")
		}
	}
}

// TestFailedWrite checks that Commit fails after a failed write.
func TestFailedWrite(t *testing.T) {
	dir, path := folder(t)
	writes := 0
	d := FS{Hook: func(s Step, run func() error) error {
		if s == Write {
			if writes++; writes == 2 {
				return syscall.ENOSPC
			}
		}
		return run()
	}}
	f, err := d.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.Write([]byte("part\n"))
	}
	if err := f.Commit("file", 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	f.Close()
	content(t, path, oldText, "file")
}

func TestMode(t *testing.T) {
	dir, path := folder(t)
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o666} {
		f, err := FS{}.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info, _ := f.f.Stat(); info.Mode() != 0o600 {
			t.Errorf("temporary file: mode %o", info.Mode())
		}
		if err := f.Commit("file", mode); err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(path); info.Mode() != mode {
			t.Errorf("mode %o, want %o", info.Mode(), mode)
		}
		if f.Commit("file", mode) == nil {
			t.Error("a second Commit succeeds")
		}
	}
}

func TestKeepMode(t *testing.T) {
	dir, path := folder(t)
	probe, err := os.OpenFile(filepath.Join(dir, "probe"), os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	want, err := probe.Stat()
	if err := errors.Join(err, probe.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := FS{}.CreateMode(dir, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Commit("file", KeepMode); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode() != want.Mode() {
		t.Errorf("mode %o, want %o", info.Mode(), want.Mode())
	}
}

func TestPrepare(t *testing.T) {
	dir, path := folder(t)
	f, err := FS{}.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Write([]byte(newText))
	if f.Install() == nil {
		t.Error("a file that is not prepared was installed")
	}
	if err := f.Prepare("file", 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != oldText {
		t.Errorf("content %q, %v", got, err)
	}
	if f.Prepare("file", 0o600) == nil {
		t.Error("a second Prepare succeeds")
	}
	if err := f.Install(); err != nil {
		t.Fatal(err)
	}
	content(t, path, newText, "file")
	if f.Install() == nil {
		t.Error("a second Install succeeds")
	}
}

func TestNames(t *testing.T) {
	dir, path := folder(t)
	os.Mkdir(filepath.Join(dir, "sub"), 0o700)
	for _, name := range []string{"../file", "sub/file", ".", "..", "", "sub"} {
		f, err := FS{}.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		if f.Commit(name, 0o600) == nil {
			t.Errorf("%q: no error", name)
		}
		f.Close()
	}
	content(t, path, oldText, "file", "sub")
}

func TestLink(t *testing.T) {
	dir, path := folder(t)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := (FS{}).WriteFile(link, []byte(newText), 0o600); err != nil {
		t.Fatal(err)
	}
	content(t, path, oldText, "file", "link")
	content(t, link, newText, "file", "link")
	if info, _ := os.Lstat(link); !info.Mode().IsRegular() {
		t.Error("the link is still there")
	}
}

func TestCleanUp(t *testing.T) {
	dir, path := folder(t)
	for range 3 {
		f, err := FS{}.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		f.f.Close() // only the descriptor is closed, as in a crash
	}
	os.Mkdir(filepath.Join(dir, temporary+"dir"), 0o700)
	if err := (FS{}).CleanUp(dir); err != nil {
		t.Fatal(err)
	}
	content(t, path, oldText, temporary+"dir", "file")
}

func TestMkdir(t *testing.T) {
	dir, path := folder(t)
	sub := filepath.Join(dir, "sub")
	for range 2 {
		if err := (FS{}).Mkdir(sub, 0o700); err != nil {
			t.Error(err)
		}
	}
	if info, _ := os.Stat(sub); !info.IsDir() || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %o", info.Mode())
	}
	if (FS{}).Mkdir(path, 0o700) == nil {
		t.Error("a file is taken for a directory")
	}
}

func TestLarge(t *testing.T) {
	dir, path := folder(t)
	f, err := FS{}.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	piece := bytes.Repeat([]byte("0123456789abcde\n"), 1000)
	for range 50 {
		if n, err := f.Write(piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := f.Commit("file", 0o600); err != nil {
		t.Fatal(err)
	}
	content(t, path, string(bytes.Repeat(piece, 50)), "file")
}

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		name     string
		change   func(dir string) error
		replaced bool
	}{
		{"no change", func(string) error { return nil }, false},
		{"the directory has another name", func(dir string) error { return os.Rename(dir, dir+".away") }, true},
		{"a file in place of the directory", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".away"), os.WriteFile(dir, nil, 0o600))
		}, true},
		{"another lock file", func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, LockName), filepath.Join(dir, "old")), os.WriteFile(filepath.Join(dir, LockName), nil, 0o600))
		}, true},
	} {
		dir := filepath.Join(t.TempDir(), "locked")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := LockDir(dir, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := tc.change(dir); err != nil {
			t.Fatal(err)
		}
		if err := l.Check(); errors.Is(err, ErrReplaced) != tc.replaced || (err != nil) != tc.replaced {
			t.Errorf("%s: error %v", tc.name, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Check(); err == nil {
			t.Errorf("%s: no error of a lock that was released", tc.name)
		}
	}
}
