package source

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNoWatchLeaks(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "a", "b", "o.yaml"), "1")
	r := start(t, dir, []string{"a/b/o.yaml"})
	before := watches(t)
	for i := range 5 {
		must(t, os.Rename(r.path("a"), r.path(fmt.Sprint("old", i))))
		old(t, r.path("a/b/o.yaml"), "1")
		r.pass(2 * time.Second)
	}
	if n := watches(t); before == 0 || n != before {
		t.Errorf("%d kernel watches, before: %d", n, before)
	}
}

func watches(t *testing.T) (n int) {
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	must(t, err)
	for _, path := range infos {
		b, _ := os.ReadFile(path)
		n += strings.Count(string(b), "inotify wd:")
	}
	return n
}

func TestPipe(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		r := start(t, dir, []string{"o.yaml"}, opts...)
		must(t, os.Remove(r.path("o.yaml")))
		must(t, syscall.Mkfifo(r.path("o.yaml"), 0o644))
		r.settled()
		r.want("o.yaml:not a file")
		f, err := osFiles().open(r.path("o.yaml"))
		must(t, err)
		must(t, f.Close())
	})
}

func (r *rig) detach(on bool) {
	lstat, open := osFiles().lstat, osFiles().open
	links := func(info fs.FileInfo) fs.FileInfo {
		if info.IsDir() || !on {
			return info
		}
		st := *info.Sys().(*syscall.Stat_t)
		st.Nlink = 0
		return sysInfo{info, &st}
	}
	r.s.fs.lstat = func(path string) (fs.FileInfo, error) {
		info, err := lstat(path)
		if err != nil {
			return nil, err
		}
		return links(info), nil
	}
	r.s.fs.open = func(path string) (openFile, error) {
		f, err := open(path)
		return shownFile{f, links}, err
	}
}

type sysInfo struct {
	fs.FileInfo
	st *syscall.Stat_t
}

func (i sysInfo) Sys() any { return i.st }

func TestSidePipe(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	must(t, syscall.Mkfifo(filepath.Join(dir, "l.txt"), 0o644))
	r := newRig(t, dir, []string{"o.yaml"})
	f := r.scan(0)[0]
	r.s.fs.open = func(path string) (openFile, error) {
		t.Errorf("%s was opened", path)
		return nil, os.ErrInvalid
	}
	if _, err := sideOf(f, "l.txt"); err == nil || err.Error() != r.path("l.txt")+": is not a regular file" {
		t.Errorf("got %v", err)
	}
}

func TestOverflow(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "0")
	old(t, filepath.Join(dir, "p.yaml"), "0")
	r := start(t, dir, []string{"."})
	r.publish("o.yaml", "renamed, or half written: its events were lost")
	r.sync()
	w := r.s.watch
	w.mu.Lock()
	w.note(-1, unix.IN_Q_OVERFLOW, "")
	w.mu.Unlock()
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.settled()
	r.want("o.yaml=renamed, or half written: its events were lost")
}

func TestDetached(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		r := newRig(t, dir, []string{"o.yaml"}, opts...)
		r.got = r.scan(0)
		r.want("o.yaml=1")
		r.detach(true)
		r.settled()
		if got := r.take(); len(got) != 1 || !got[0].Detached || r.show(got[0]) != "o.yaml=1" {
			t.Fatalf("got %v", got)
		}
		r.pass(Recheck)
		r.want()
		r.detach(false)
		r.settled()
		if got := r.take(); len(got) != 1 || got[0].Detached {
			t.Fatalf("got %v", got)
		}
	})
}

// The test writes through another hard link, which causes no event.
func TestRemoteFiles(t *testing.T) {
	defer func(types []int64) { localFS = types }(localFS)
	localFS = nil
	dir := t.TempDir()
	for i := range 3 * filesPerPoll {
		old(t, filepath.Join(dir, "d", fmt.Sprintf("%d.yaml", i)), "1")
	}
	r := start(t, dir, []string{"d"})
	must(t, os.Link(r.path("d/7.yaml"), r.path("other")))
	r.write("other", "no event")
	r.settled()
	r.want("d/7.yaml=no event")
}

func TestListWithoutEvent(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for i := range 2 * filesPerPoll {
		old(t, filepath.Join(dir, "a", fmt.Sprintf("%d.yaml", i)), "1")
	}
	old(t, filepath.Join(dir, "b", "o.yaml"), "1")
	r := start(t, dir, []string{"a", "b"})
	w := r.s.watch
	w.mu.Lock()
	b := w.dirs[r.path("b")]
	b.local = false
	w.dirs[r.path("b")] = b
	w.mu.Unlock()
	r.pass(2 * DefaultPoll)
	old(t, r.path("a/new.yaml"), "new")
	w.take() // drop the events
	r.pass(3 * DefaultPoll)
	r.settled()
	r.want("a/new.yaml=new")
}
