//go:build e2e && linux

// Package state tests plugin/state on a full or read-only file system. The mounts are in a separate
// namespace (user_namespaces(7)).
package state

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/dns-orders/blocklist/plugin/state"
)

const inNamespace = "STATE_TEST_NAMESPACE"

func namespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		return true
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in its namespaces: %v\n%s", err, out)
	}
	return false
}

func disk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		t.Fatal("mount: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	return dir
}

func fill(t *testing.T, dir string, pages int) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, os.Getpagesize())
	for n := 0; ; n++ {
		if _, err := f.Write(page); errors.Is(err, syscall.ENOSPC) {
			if err := f.Truncate(int64(max(n-pages, 0) * len(page))); err != nil {
				t.Fatal(err)
			}
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func next(serial int64) state.Next {
	order, side := fmt.Sprintf("order file %d", serial), strings.Repeat(fmt.Sprintf("name%d.example\n", serial), 2000)
	open := func(content string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
	}
	digest := func(content string) state.Digest { return sha256.Sum256([]byte(content)) }
	return state.Next{
		Set: state.Set{
			Versions: map[string]state.Version{"court.yaml": {Order: digest(order), Sides: map[string]state.Digest{"list.txt": digest(side)}, Serial: serial}},
			Floors:   map[string]state.Floor{"court.yaml": {Serial: serial, Order: digest(order)}},
		},
		Blobs: map[state.Digest]func() (io.ReadCloser, error){digest(order): open(order), digest(side): open(side)},
		Parts: map[string]func(io.Writer) error{"court.yaml": func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Repeat("compiled", 1000))
			return err
		}},
	}
}

func sound(t *testing.T, dir string) (*state.State, int64) {
	t.Helper()
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range append(s.Problems(), s.Verify()...) {
		t.Error(err)
	}
	v, ok := s.Set().Versions["court.yaml"]
	if !ok {
		t.Fatal("the version is lost")
	}
	want := next(v.Serial).Set
	got := s.Set()
	v.Snapshot, v.Accepted = state.Snapshot{}, want.Versions["court.yaml"].Accepted
	// The floor may be stored without the new version.
	floor := got.Floors["court.yaml"].Serial
	if !reflect.DeepEqual(v, want.Versions["court.yaml"]) || floor < v.Serial || floor > v.Serial+1 {
		t.Errorf("set %+v, want %+v", got, want)
	}
	return s, v.Serial
}

func TestFullDisk(t *testing.T) {
	if !namespace(t) {
		return
	}
	root := disk(t, "1m")
	dir := filepath.Join(root, "state")
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Commit(next(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for pages := range 30 {
		s, was := sound(t, dir)
		fill(t, root, pages)
		s.Commit(next(was + 1))
		err := s.Flush()
		if err != nil {
			failed++
			if st := s.Status(); !errors.Is(err, syscall.ENOSPC) || !errors.Is(st.Err, syscall.ENOSPC) || !st.Pending {
				t.Errorf("%d pages: error %v, status %+v", pages, err, st)
			}
		}
		if closed := s.Close(); (closed == nil) != (err == nil) {
			t.Errorf("%d pages: Close returns %v after %v", pages, closed, err)
		}
		s, is := sound(t, dir) // the disk is still full
		if is != was+1 && (err == nil || is != was) {
			t.Errorf("%d pages: serial %d after %d, error %v", pages, is, was, err)
		}
		if err := os.Remove(filepath.Join(root, "filler")); err != nil {
			t.Fatal(err)
		}
		s.Commit(next(was + 1))
		if err := s.Close(); err != nil {
			t.Errorf("%d pages: with space again: %v", pages, err)
		}
	}
	if failed < 5 || failed > 25 {
		t.Errorf("%d of 30 commits failed", failed)
	}
	s, is := sound(t, dir)
	if is != 31 {
		t.Errorf("serial %d", is)
	}
	s.Close()
}

func TestReadOnlyDisk(t *testing.T) {
	if !namespace(t) {
		return
	}
	dir := disk(t, "1m")
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Commit(next(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal("remount: ", err)
	}
	s, _ = sound(t, dir)
	if _, err := state.Open(dir, state.Options{}); err == nil || !strings.Contains(err.Error(), "locked by another process") {
		t.Errorf("a second process: %v", err)
	}
	s.Commit(next(2))
	if err := s.Close(); !errors.Is(err, syscall.EROFS) {
		t.Errorf("error %v", err)
	}
	s, is := sound(t, dir)
	if is != 1 {
		t.Errorf("serial %d", is)
	}
	s.Close()
}
