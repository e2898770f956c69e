package store

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"math/rand/v2"

	"go.uber.org/goleak"
)

// crashEnv and snapshotEnv are environment variables. Their value is the folder of a child process.
// TestCrashes sets crashEnv, and TestSnapshotOfOtherProcess sets snapshotEnv.
const crashEnv, snapshotEnv = "STORE_TEST_CRASH", "STORE_TEST_SNAPSHOT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(journalCrashEnv); dir != "" {
		fmt.Fprintln(os.Stderr, journalChild(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(snapshotEnv); dir != "" {
		fmt.Println(snapshotChild(dir))
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// crashChild writes new versions of its order file until the process is killed. It prints
// the number of each version that the store has stored.
func crashChild(dir string) error {
	path := filepath.Join(dir, "a.yaml")
	opt := Options{Patterns: []string{path}, MaxShrink: 100, Poll: 10 * time.Millisecond, State: filepath.Join(dir, ".state")}
	s, err := Open(opt, &lines{}, nil)
	if err != nil {
		return err
	}
	for n := s.handover.Load().files[path].serial; ; {
		if err := s.dir.state.Flush(); err != nil {
			return err
		}
		if v := s.dir.state.Set().Versions[path]; v.Serial == n {
			fmt.Println(n)
			n++
			next := filepath.Join(dir, ".next")
			if err := os.WriteFile(next, []byte(orders(fmt.Sprintf("serial: %d\n", n), fmt.Sprintf("a%d: a%d.example", n, n))), 0o644); err != nil {
				return err
			}
			if err := os.Rename(next, path); err != nil {
				return err
			}
		}
	}
}

// TestCrashes kills a process at random moments while its file changes, and then removes
// the file. The next start must have the last stored version, or a newer version.
func TestCrashes(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	last := int64(1)
	w.write("a.yaml", orders("serial: 1\n", "a1: a1.example"))
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashEnv+"="+w.dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stuck := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		in, reports := bufio.NewScanner(out), 1+random.IntN(4)
		stored := int64(0)
		for in.Scan() {
			fmt.Sscan(in.Text(), &stored)
			if reports--; reports == 0 {
				// The process is killed during the next change.
				time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, func() { cmd.Process.Kill() })
			}
		}
		_ = cmd.Wait() // it was killed
		stuck.Stop()
		if stored < last {
			t.Fatalf("the child reported version %d after version %d", stored, last)
		}
		// The child may not have written its file yet.
		if err := os.Remove(filepath.Join(w.dir, "a.yaml")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := w.startWithState("a.yaml"); err != nil {
			t.Fatal(err)
		}
		last = w.s.files[filepath.Join(w.dir, "a.yaml")].stored.Serial
		if last < stored {
			t.Fatalf("version %d was stored, and version %d is in force", stored, last)
		}
		name := fmt.Sprintf("a%d.example", last)
		w.wantBlocked(name, name)
		w.s.Close()
		w.log.take()
	}
	if last < 20 {
		t.Errorf("only %d versions were stored", last)
	}
}
