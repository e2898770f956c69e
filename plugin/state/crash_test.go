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
	"testing"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/test/crash"
)

func TestMain(m *testing.M) {
	crash.Main(map[string]crash.Task{"store": storeHistory})
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

func storeHistory(p *crash.Points, args []string) error {
	for _, n := range history() {
		s, err := Open(args[0], Options{FS: durable.FS{Hook: func(s durable.Step, run func() error) error {
			// Skip slow syncs. After SIGKILL, the kernel still has all written data.
			if s == durable.Sync || s == durable.SyncDir {
				run = func() error { return nil }
			}
			return p.Around(run)
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

func TestCrashes(t *testing.T) {
	sets := []Set{{}}
	for _, n := range history() {
		sets = append(sets, n.Set)
	}
	newest, seen := 0, map[int]bool{}
	for point := 1; ; point++ {
		dir := filepath.Join(t.TempDir(), "state")
		_, killed := crash.Run(t, point, "store", dir)
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
		if !killed {
			t.Logf("killed at %d points", point-1)
			if point < 100 || len(seen) != len(sets) {
				t.Errorf("killed at %d points, seen sets %v", point-1, seen)
			}
			return
		}
	}
}
