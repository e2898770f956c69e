package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func (r *rig) failed(state State, text string) {
	r.t.Helper()
	fs := r.take()
	if len(fs) != 1 || fs[0].State != state || strings.ReplaceAll(fmt.Sprint(fs[0].Err), r.dir+"/", "") != text {
		r.t.Fatalf("got %v, want %s, %s", fs, state, text)
	}
}

func TestDanglingLink(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "d", "a.yaml"), "a")
		must(t, os.Symlink("../store/court.yaml", filepath.Join(dir, "d", "court.yaml")))
		r := newRig(t, dir, []string{"d"}, opts...)
		r.got = r.scan(0)[1:]
		r.failed(Missing, "d/court.yaml: is a link that leads nowhere: store does not exist")
		if r.s.Forget(r.path("d/court.yaml")) {
			t.Error("forgotten")
		}
		old(t, r.path("store/court.yaml"), "b")
		r.settled()
		r.want("d/court.yaml=b")
		must(t, os.RemoveAll(r.path("store")))
		r.settled()
		r.failed(Missing, "d/court.yaml: is a link that leads nowhere: store does not exist")
		must(t, os.Remove(r.path("d/court.yaml")))
		r.settled()
		r.failed(Missing, "d/court.yaml: no such file or directory")
		if !r.s.Forget(r.path("d/court.yaml")) {
			t.Error("not forgotten although the link is gone")
		}
	})
}

func kubernetes(t *testing.T, dir, version, content string) {
	t.Helper()
	must(t, os.Mkdir(filepath.Join(dir, version), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, version, "orders.yaml"), line(content), 0o644))
	must(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
}

func TestKubernetes(t *testing.T) {
	for _, pattern := range []string{".", "orders.yaml", "*.yaml"} {
		t.Run(pattern, func(t *testing.T) {
			both(t, func(t *testing.T, opts ...option) {
				dir := t.TempDir()
				kubernetes(t, dir, "..1", "one")
				age(t, filepath.Join(dir, "..1", "orders.yaml"))
				must(t, os.Symlink("..data/orders.yaml", filepath.Join(dir, "orders.yaml")))
				r := newRig(t, dir, []string{pattern}, opts...)
				r.got = r.scan(0)
				r.want("orders.yaml=one")
				for i := 2; i < 6; i++ {
					kubernetes(t, dir, fmt.Sprintf("..%d", i), fmt.Sprint("version ", i))
					must(t, os.RemoveAll(filepath.Join(dir, fmt.Sprintf("..%d", i-1))))
					r.soon()
					r.want(fmt.Sprint("orders.yaml=version ", i))
				}
				must(t, os.WriteFile(filepath.Join(dir, "..5", "more.yaml"), line("more"), 0o644))
				must(t, os.Symlink("..data/more.yaml", filepath.Join(dir, "more.yaml")))
				r.soon()
				if pattern == "orders.yaml" {
					r.want()
				} else {
					r.want("more.yaml=more")
				}
			})
		})
	}
}

func TestLinkCameWithFolder(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "d", "v1"), "1")
	must(t, os.Symlink("v1", filepath.Join(dir, "d", "o.yaml")))
	r := start(t, dir, []string{"d/o.yaml"}, noEvents)
	must(t, os.Rename(r.path("d"), r.path("away")))
	r.settled()
	r.want("d/o.yaml:missing")
	r.write("away/v1", "half")
	must(t, os.Rename(r.path("away"), r.path("d")))
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.settled()
	r.want("d/o.yaml=half")
}

func TestLinkTargets(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "real", "t.yaml"), "1")
		must(t, os.Symlink("real/t.yaml", filepath.Join(dir, "o.yaml")))
		must(t, os.Symlink("real/missing.yaml", filepath.Join(dir, "p.yaml")))
		r := newRig(t, dir, []string{"o.yaml", "p.yaml"}, opts...)
		r.got = r.scan(0)
		r.want("o.yaml=1", "p.yaml:missing")

		r.write("real/t.yaml", "2")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=2")

		r.write("real/missing.yaml", "there, half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("p.yaml=there, half")

		must(t, os.Remove(r.path("o.yaml")))
		r.write("o.yaml", "a file, half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=a file, half")
	})
}

func TestNewFileInLinkedFolder(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "real", "a.yaml"), "a")
		must(t, os.Symlink("real", filepath.Join(dir, "linked")))
		r := start(t, dir, []string{"linked"}, opts...)
		r.write("real/b.yaml", "half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("linked/b.yaml=half")
		old(t, filepath.Join(dir, "real2", "a.yaml"), "a2")
		old(t, filepath.Join(dir, "real2", "b.yaml"), "b2")
		must(t, os.Symlink("real2", r.path("tmp")))
		must(t, os.Rename(r.path("tmp"), r.path("linked")))
		r.soon()
		r.want("linked/a.yaml=a2", "linked/b.yaml=b2")
	})
}

func TestFolderLinkSwap(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "real", "a.yaml"), "a")
		must(t, os.Symlink("real", filepath.Join(dir, "linked")))
		r := newRig(t, dir, []string{"linked"}, opts...)
		r.oneTick()
		r.scan(5 * time.Second)
		must(t, os.Mkdir(r.path("real2"), 0o755))
		r.write("real2/a.yaml", "a2")
		must(t, os.Symlink("real2", r.path("tmp")))
		must(t, os.Rename(r.path("tmp"), r.path("linked")))
		r.soon()
		r.want("linked/a.yaml=a2")
	})
}
