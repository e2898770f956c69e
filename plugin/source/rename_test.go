package source

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRenameIsAtOnce(t *testing.T) {
	for name, replace := range map[string]func(r *rig, name, content string){
		"from beside": func(r *rig, name, content string) { r.publish(name, content) },
		"from elsewhere, written before": func(r *rig, name, content string) {
			tmp := filepath.Join(r.t.TempDir(), "x")
			old(r.t, tmp, content)
			must(r.t, os.Rename(tmp, r.path(name)))
		},
		"linked into place": func(r *rig, name, content string) {
			tmp := filepath.Join(r.t.TempDir(), "x")
			old(r.t, tmp, content)
			must(r.t, os.Remove(r.path(name)))
			must(r.t, os.Link(tmp, r.path(name)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old(t, filepath.Join(dir, "o.yaml"), "1")
			r := start(t, dir, []string{"o.yaml"})
			for i := range 5 {
				replace(r, "o.yaml", fmt.Sprint("new ", i))
				r.pass(10 * time.Millisecond)
				r.want(fmt.Sprint("o.yaml=new ", i))
			}
		})
	}
}

func TestRenamedFileComesWithItsOldName(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "a.yaml"), "a")
		old(t, filepath.Join(dir, "z.yaml"), "z")
		r := start(t, dir, []string{"."}, opts...)
		must(t, os.Rename(r.path("a.yaml"), r.path("b.yaml")))
		for range 40 {
			r.pass(Settle / 4)
			if len(r.got) > 0 {
				break
			}
		}
		r.want("a.yaml:missing", "b.yaml=a")
	})
}

func TestRenameByPolling(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	r := start(t, dir, []string{"o.yaml"}, noEvents)
	r.oneTick()
	r.publish("o.yaml", "2")
	r.pass(DefaultPoll + Settle - 50*time.Millisecond)
	r.want()
	r.pass(100 * time.Millisecond)
	r.want("o.yaml=2")
}

func TestRenameInOneTick(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "a.yaml"), "a")
	r := start(t, dir, []string{"."})
	r.oneTick()
	tmp := filepath.Join(t.TempDir(), "x")
	must(t, os.WriteFile(tmp, line("whole"), 0o644))
	must(t, os.Rename(tmp, r.path("o.yaml")))
	r.pass(10 * time.Millisecond)
	r.want("o.yaml=whole")
}

func TestDirectorySwap(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "d", "o.yaml"), "1")
		old(t, filepath.Join(dir, "d", "p.yaml"), "1")
		r := start(t, dir, []string{"d"}, opts...)
		must(t, os.Mkdir(r.path("d2"), 0o755))
		r.write("d2/o.yaml", "half")
		now := time.Now().Add(-time.Minute)
		must(t, os.Chtimes(r.path("d2/o.yaml"), now, now))
		r.write("d2/p.yaml", "half")
		oneTick := now.Truncate(time.Second)
		shown(r, func(info fs.FileInfo) fs.FileInfo {
			if info.Name() == "p.yaml" {
				return restamped{info, time.Unix(0, statOf(info).ctime)}
			}
			return restamped{info, oneTick}
		})
		r.settled()
		r.take()
		must(t, os.Rename(r.path("d"), r.path("gone")))
		must(t, os.Rename(r.path("d2"), r.path("d")))
		r.pass(DefaultPoll)
		r.want("d/o.yaml=half")
		r.pass(Settle)
		r.want("d/p.yaml=half")
	})
}
