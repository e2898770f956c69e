package store

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"math/rand/v2"

	"github.com/dns-orders/blocklist/test/crash"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	crash.Main(map[string]crash.Task{"change": changeForever, "journal": writeJournal, "snapshots": printLog})
	goleak.VerifyTestMain(m)
}

func changeForever(_ *crash.Points, args []string) error {
	dir := args[0]
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

func TestCrashes(t *testing.T) {
	w := newWorld(t)
	last := int64(1)
	w.write("a.yaml", orders("serial: 1\n", "a1: a1.example"))
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		cmd := crash.Command(t, 0, "change", w.dir)
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
