package state

import (
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/durable"
)

// crashEnv is an environment variable for child processes. The variable has the number of the point
// at which the child kills itself.
const crashEnv = "STATE_TEST_CRASH"

func TestMain(m *testing.M) {
	if at := os.Getenv(crashEnv); at != "" {
		n, err := strconv.Atoi(at)
		if err == nil {
			err = child(n, os.Args[len(os.Args)-1])
		}
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func history() []Next {
	first, second, third := example(), example(), example()
	court := versionOf(8, "court 2", "side one", "side three")
	second.Versions["/orders/court.yaml"] = court
	second.Floors["/orders/court.yaml"] = Floor{8, court.Order}
	maps.Copy(second.Blobs, from("court 2", "side three"))
	second.Parts["/orders/court.yaml"] = func(w io.Writer) error { _, err := io.WriteString(w, "compiled court 2"); return err }
	third.Versions = map[string]Version{"/orders/police.yaml": versionOf(NoSerial, "police")}
	return []Next{first, second, third}
}

// child stores the sets of history in dir, and kills itself at the given point. There is a
// point before and after each step of the file system.
func child(at int, dir string) error {
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
	for _, n := range history() {
		s, err := Open(dir, Options{FS: durable.FS{Hook: func(s durable.Step, run func() error) error {
			crash()
			var err error
			// After SIGKILL, the kernel still has all written data. A sync would only take
			// time.
			if s != durable.Sync && s != durable.SyncDir {
				err = run()
			}
			crash()
			return err
		}}})
		if err != nil {
			return err
		}
		s.Commit(n)
		if err := errors.Join(s.Close(), errors.Join(s.Problems()...)); err != nil {
			return err
		}
	}
	return nil
}

// TestCrashes kills a process at each point while the process stores three sets. The next
// start must find one complete set.
func TestCrashes(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sets := []Set{{}}
	for _, n := range history() {
		sets = append(sets, n.Set)
	}
	newest, seen := 0, map[int]bool{}
	for point := 1; ; point++ {
		dir := filepath.Join(t.TempDir(), "state")
		cmd := exec.Command(exe, "-test.run=^$", dir)
		cmd.Env = append(os.Environ(), crashEnv+"="+strconv.Itoa(point))
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.Exited()) {
			t.Fatalf("child: %v: %s", err, out)
		}
		s := sound(t, dir, Options{})
		got := without(s.Set())
		at := slices.IndexFunc(sets, func(want Set) bool {
			return reflect.DeepEqual(got, want) || len(got.Versions) == 0 && len(want.Versions) == 0 && len(got.Floors) == 0
		})
		if at < newest {
			t.Errorf("point %d: set %d, but at an earlier point it was set %d\n%+v", point, at, newest, got)
		}
		newest = max(newest, at)
		seen[at] = true
		want := []string{durable.LockName, currentName}
		for path, v := range s.Set().Sorted() {
			for _, d := range v.blobs() {
				want = append(want, filepath.Join(blobDir, blobName(d)))
			}
			if v.Snapshot.Size > 0 {
				want = append(want, filepath.Join(partDir, v.Snapshot.File()))
				if c := readSnapshot(t, s, path); !strings.HasPrefix(c, "compiled ") {
					t.Errorf("point %d: snapshot %q", point, c)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		slices.Sort(want)
		have := files(t, dir)
		if len(have) == 1 {
			want = want[:1] // the process was killed before it wrote current.json
		}
		if !slices.Equal(have, want) {
			t.Errorf("point %d: files %q, want %q", point, have, want)
		}
		if cmd.ProcessState.Success() {
			t.Logf("killed at %d points", point-1)
			if point < 100 || len(seen) != len(sets) {
				t.Errorf("killed at %d points, seen sets %v", point-1, seen)
			}
			return
		}
	}
}
