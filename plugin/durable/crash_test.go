package durable

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/crash"
)

func TestMain(m *testing.M) {
	crash.Main(map[string]crash.Task{"write": writeFile, "remove": removeFile, "lock": lockDir})
	os.Exit(m.Run())
}

const pieces = 4

func newPieces() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 1<<13) }

func crashing(p *crash.Points) FS {
	return FS{Hook: func(_ Step, run func() error) error { return p.Around(run) }}
}

func writeFile(p *crash.Points, args []string) error {
	d := crashing(p)
	d.GroupOnly = len(args) > 1
	f, err := d.Create(filepath.Dir(args[0]))
	if err != nil {
		return err
	}
	defer f.Close()
	for range pieces {
		f.Write(newPieces())
	}
	return f.Commit(filepath.Base(args[0]), 0o600)
}

func removeFile(p *crash.Points, args []string) error {
	d := crashing(p)
	return d.Remove(args[0])
}

func lockDir(p *crash.Points, args []string) error {
	_, err := LockDir(args[0], time.Unix(0, 0))
	if err == nil {
		p.Pass()
	}
	return err
}

func TestCrashes(t *testing.T) {
	fresh := string(bytes.Repeat(newPieces(), pieces))
	for _, tc := range []struct {
		task, before, after string
		points              int
	}{
		{"write", oldText, fresh, 2 * (pieces + 5)},
		{"write", "", fresh, 2 * (pieces + 5)},
		{"remove", oldText, "", 2 * 2},
	} {
		point, changed := 1, false
		for ; ; point++ {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if tc.before != "" {
				if err := os.WriteFile(path, []byte(tc.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, killed := crash.Run(t, point, tc.task, path)
			got, err := os.ReadFile(path)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			switch string(got) {
			case tc.after:
				changed = true
			case tc.before:
				if changed {
					t.Errorf("%s: the old content at point %d, but the new content at an earlier point", tc.task, point)
				}
			default:
				t.Fatalf("%s: %d bytes at point %d", tc.task, len(got), point)
			}
			if err := (FS{}).CleanUp(dir); err != nil {
				t.Fatal(err)
			}
			left, _ := filepath.Glob(filepath.Join(dir, "*"))
			hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
			if len(left) > 1 || len(hidden) > 0 {
				t.Errorf("%s: %q and %q stay after point %d", tc.task, left, hidden, point)
			}
			if !killed {
				break
			}
		}
		if point-1 != tc.points || !changed {
			t.Errorf("%s: killed at %d points, want %d; changed %v", tc.task, point-1, tc.points, changed)
		}
	}
}

// TestLockAfterCrash checks that SIGKILL ends a lock.
func TestLockAfterCrash(t *testing.T) {
	dir := t.TempDir()
	if _, killed := crash.Run(t, 1, "lock", dir); !killed {
		t.Fatal("the child was not killed")
	}
	l, err := LockDir(dir, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	l, err := LockDir(dir, time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	holder := "process " + strconv.Itoa(os.Getpid()) + " on host " + host + " since 2026-11-28T12:00:00Z"
	_, err = LockDir(dir, time.Unix(0, 0))
	if locked := (*LockedError)(nil); !errors.As(err, &locked) || locked.Holder != holder {
		t.Fatalf("error %v", err)
	}
	if want := filepath.Join(dir, LockName) + ": locked by another process; the file names " + holder; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}

	out, err := crash.Command(t, 0, "lock", dir).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte(holder)) {
		t.Errorf("the other process: %v, %q", err, out)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if l, err = LockDir(dir, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestLockText(t *testing.T) {
	dir := t.TempDir()
	l, err := LockDir(dir, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	os.WriteFile(filepath.Join(dir, LockName), bytes.Repeat([]byte("\x1b[2J"), 10_000), 0o600)
	_, err = LockDir(dir, time.Unix(0, 0))
	if err == nil || bytes.ContainsRune([]byte(err.Error()), 0x1b) || len(err.Error()) > 3000 {
		t.Errorf("error %.100q", err)
	}
}
