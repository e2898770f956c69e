package durable

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// crashEnv is an environment variable for child processes. Its value is the number of the point at
// which the child kills itself.
const crashEnv = "DURABLE_TEST_CRASH"

// groupEnv is an environment variable for child processes. The value "group" sets FS.GroupOnly in
// the child.
const groupEnv = "DURABLE_TEST_GROUP"

func TestMain(m *testing.M) {
	if at := os.Getenv(crashEnv); at != "" {
		n, err := strconv.Atoi(at)
		if err != nil {
			panic(err)
		}
		child(n, os.Args[len(os.Args)-2], os.Args[len(os.Args)-1])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const pieces = 4

func newPieces() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 1<<13) }

// child does the task "write", "remove" or "lock", and kills itself at the point with the number
// at. There is a point before and after each step of the file system.
func child(at int, task, path string) {
	point := 0
	crash := func() {
		if point++; point == at {
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				panic(err)
			}
			self.Kill()
			select {}
		}
	}
	d := FS{GroupOnly: os.Getenv(groupEnv) == "group", Hook: func(s Step, run func() error) error {
		crash()
		err := run()
		crash()
		return err
	}}
	err := error(nil)
	switch task {
	case "write":
		var f *File
		if f, err = d.Create(filepath.Dir(path)); err == nil {
			for range pieces {
				f.Write(newPieces())
			}
			err = f.Commit(filepath.Base(path), 0o600)
			f.Close()
		}
	case "remove":
		err = d.Remove(path)
	case "lock":
		if _, err = LockDir(filepath.Dir(path), time.Unix(0, 0)); err == nil {
			crash()
		}
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}

// runChild runs a task in a child process. It reports whether the child killed itself.
func runChild(t *testing.T, at int, task, path string) (killed bool) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^$", task, path)
	cmd.Env = append(os.Environ(), crashEnv+"="+strconv.Itoa(at))
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.Exited()) {
		t.Fatalf("child: %v: %s", err, out)
	}
	return err != nil
}

// TestCrashes kills a process at each point of a write and of a removal. The file must have its
// complete old content or its complete new content. CleanUp must remove all temporary files.
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
			killed := runChild(t, point, tc.task, path)
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
	if !runChild(t, 1, "lock", filepath.Join(dir, "file")) {
		t.Fatal("the child was not killed")
	}
	l, err := LockDir(dir, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// TestLock checks that no process can lock a locked directory again. The error must name the
// process that locked the directory.
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

	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^$", "lock", filepath.Join(dir, "file"))
	cmd.Env = append(os.Environ(), crashEnv+"=0")
	out, err := cmd.CombinedOutput()
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
