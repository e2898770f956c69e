package store

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func TestPanicInParse(t *testing.T) {
	defer func(was func(string, io.Reader, order.Options) (*order.File, order.Problems)) { parse = was }(parse)
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.mustStart()
	w.log.take()
	parse = func(path string, in io.Reader, opt order.Options) (*order.File, order.Problems) {
		if filepath.Base(path) == "a.yaml" {
			var none []int
			_ = none[len(path)]
		}
		return order.Parse(path, in, opt)
	}
	w.write("a.yaml", orders("", "a: z.example"))
	w.write("b.yaml", orders("", "b: y.example"))
	w.step()
	w.wantBlocked("a.example y.example", "a.example", "z.example", "y.example")
	log := w.log.take()
	logged(t, log, 1, "error: "+w.dir+"/a.yaml: panic: runtime error: index out of range", "stays in force")
	logged(t, log, 1, "error: the stack of the panic:")
	logged(t, log, 1, "plugin/store.(*Store).read(")
	if st := w.s.Status(); st.LastOK || !st.Ready {
		t.Errorf("last_load_ok %t, ready %t", st.LastOK, st.Ready)
	}
	w.write("a.yaml", orders("", "a: q.example"))
	w.step()
	logged(t, w.log.take(), 0, "the stack of the panic:")
}

func TestPanicInMerge(t *testing.T) {
	defer func(was func([]*ruleset.Part, ruleset.Options) *ruleset.Set) { merge = was }(merge)
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 1\n", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.write("protect.txt", "p.example\n")
	if err := w.start(func(o *Options) { o.Protect = []string{filepath.Join(w.dir, "protect.txt")} }); err != nil {
		t.Fatal(err)
	}
	w.log.take()
	set := w.s.Set()
	merge = func(parts []*ruleset.Part, opt ruleset.Options) *ruleset.Set {
		for _, p := range parts {
			for id := range p.IDs() {
				if strings.HasPrefix(id, "bad") {
					panic("too many")
				}
			}
		}
		return ruleset.Merge(parts, opt)
	}
	w.write("a.yaml", orders("serial: 2\n", "bad: z.example"))
	w.write("c.yaml", orders("", "c: c.example"))
	w.write("protect.txt", "p.example\nq.example\n")
	w.step()
	if w.s.Set() != set {
		t.Fatal("another set is in force")
	}
	if st := w.s.Status(); st.LastOK {
		t.Error("no alarm")
	}
	log := w.log.take()
	logged(t, log, 1, "a.yaml: is refused, because the order set could not be built: the order set: panic: too many")
	logged(t, log, 1, "c.yaml: is refused")
	logged(t, log, 1, "protect.txt: is refused")
	w.write("b.yaml", orders("", "b: y.example"))
	w.step()
	w.wantBlocked("a.example y.example", "a.example", "z.example", "y.example", "c.example")
	w.write("a.yaml", orders("serial: 3\n", "a: x.example"))
	w.write("c.yaml", orders("", "c: d.example"))
	w.write("protect.txt", "q.example\n")
	w.step()
	w.wantBlocked("x.example y.example d.example", "x.example", "y.example", "d.example", "a.example")
	if st := w.s.Status(); !st.LastOK {
		t.Errorf("the alarm stays:\n%s", w.log.take())
	}
}

func TestPanicAtStart(t *testing.T) {
	defer func(was func([]*ruleset.Part, ruleset.Options) *ruleset.Set) { merge = was }(merge)
	merge = func([]*ruleset.Part, ruleset.Options) *ruleset.Set { panic("too many") }
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	if err := w.start(nil); err == nil || !strings.Contains(err.Error(), "panic: too many") {
		t.Fatalf("got %v", err)
	}
}
