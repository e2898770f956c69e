package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestBurst(t *testing.T) {
	for _, how := range []string{"rename", "in place"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			old(t, filepath.Join(dir, "o.yaml"), "0")
			r := start(t, dir, []string{"."})
			reports := 0
			for i := range 1000 { // one change every 10 ms
				if how == "rename" {
					r.publish("o.yaml", fmt.Sprint(i))
				} else {
					r.write("o.yaml", fmt.Sprint(i))
				}
				if i%10 == 0 {
					r.sync()
				}
				r.pump()
				r.c.Add(10 * time.Millisecond)
				for _, f := range r.take() {
					if reports++; how == "in place" && f.State != Pending {
						t.Fatalf("in the burst: %s", r.show(f))
					}
				}
			}
			if reports > 1000 || how == "in place" && reports > 1 { // one report as Pending is allowed
				t.Errorf("%d reports", reports)
			}
			if n := len(r.s.events.last); n > 1100 {
				t.Errorf("%d names remembered", n)
			}
			r.settled()
			for _, f := range r.take() {
				reports++
				if s := r.show(f); f.State != Pending && s != "o.yaml=999" {
					t.Errorf("after the burst: %s", s)
				}
			}
			if reports == 0 {
				t.Error("nothing was reported")
			}
			r.pass(3 * time.Second)
			r.want()
			if n := len(r.s.events.last); n > 10 {
				t.Errorf("%d names still remembered", n)
			}
		})
	}
}

func TestBurstOfNames(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "0")
	r := start(t, dir, []string{"."})
	for i := range 1000 {
		name := r.path(fmt.Sprintf("x%d.yaml", i))
		must(t, os.WriteFile(name, nil, 0o644))
		must(t, os.Remove(name))
	}
	r.settled()
	r.pass(3 * time.Second)
	r.want()
	if len(r.s.tracked) != 1 || len(r.s.events.last) > 10 {
		t.Errorf("%d tracks, %d marks left", len(r.s.tracked), len(r.s.events.last))
	}
}

func TestNoKernelEvents(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "0")
	r := newRig(t, dir, []string{"."})
	r.s.newWatch = func(func()) (*watcher, error) { return nil, syscall.EMFILE }
	r.scan(0)
	r.publish("o.yaml", "1")
	r.settled()
	r.pass(5 * time.Second)
	r.want("o.yaml=1")
	if len(r.note) != 1 || !errors.Is(r.note[0], syscall.EMFILE) {
		t.Errorf("notices %v, want one", r.note)
	}
}
