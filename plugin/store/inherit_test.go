package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func (w *world) reload(change func(*Options), patterns ...string) *Store {
	w.t.Helper()
	old := w.s
	opt := old.opt
	if len(patterns) > 0 {
		opt.Patterns = nil
		for _, p := range patterns {
			opt.Patterns = append(opt.Patterns, filepath.Join(w.dir, p))
		}
	}
	change(&opt)
	s, err := prepare(opt, w.log, w.clock, []*Store{old})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	w.s = s
	return old
}

// remove removes a file or a directory.
func (w *world) remove(name string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if _, err := os.Lstat(path); err != nil {
		w.t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		w.t.Fatal(err)
	}
}

func TestSecondStoreOfAStart(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.mustStart("a.yaml")
	w.log.take()
	w.reload(func(o *Options) { o.Shadow = true })
	log := w.log.take()
	logged(t, log, 0, "before")
	logged(t, log, 1, "taken over from order sets in use: 1 order file and 0 protect lists")
}

func TestReloadKeepsWhatWasInForce(t *testing.T) {
	names := []string{"a.example", "b.example", "c.example", "n39.example", "f.example", "important.example"}
	const blocked = "a.example b.example c.example n39.example f.example"
	options := map[string]func(*Options){
		"poll":       func(o *Options) { o.Poll *= 2 },
		"max_shrink": func(o *Options) { o.MaxShrink = 40 },
		"response":   func(o *Options) { o.Rules.Response.Kind = order.Refused },
		"answers":    func(o *Options) { o.Rules.Addresses = true },
		"country":    func(o *Options) { o.Rules.NoCountry = true },
		"protect": func(o *Options) {
			o.Protect = append([]string{filepath.Join(filepath.Dir(o.Protect[0]), "more.txt")}, o.Protect...)
		},
		"orders": func(o *Options) {
			o.Patterns = append([]string{filepath.Join(filepath.Dir(o.Protect[0]), "d.yaml")}, o.Patterns...)
		},
	}
	for name, change := range options {
		for _, patterns := range [][]string{{"a.yaml", "b.yaml", "c.yaml", "e.yaml", "f.yaml"}, {"."}, {"*.yaml"}} {
			t.Run(name+" "+strings.Join(patterns, " "), func(t *testing.T) {
				w := newWorld(t)
				w.write("a.yaml", orders("", "a: a.example important.example"))
				w.write("b.yaml", orders("", "b: b.example"))
				w.write("c.yaml", orders("", "c: c.example"))
				w.write("e.yaml", orders("", "e: "+many(40)))
				w.write("f.yaml", orders("serial: 7\n", "f: f.example"))
				w.write("more.txt", "other.example\n")
				w.write("protect.txt", "important.example\n")
				if err := w.start(func(o *Options) { o.Protect = []string{filepath.Join(w.dir, "protect.txt")} }, patterns...); err != nil {
					t.Fatal(err)
				}
				w.write("b.yaml", "oops: [")
				w.remove("c.yaml")
				w.write("e.yaml", orders("", "e: n0.example n1.example n2.example"))
				w.write("f.yaml", orders("serial: 6\n", "f: other.example"))
				w.remove("protect.txt")
				w.step()
				w.wantBlocked(blocked, names...)
				w.write("d.yaml", orders("", "d: d.example"))
				w.log.take()

				old := w.reload(change)
				w.wantBlocked(blocked, names...)
				if st := w.s.Status(); st.LastOK || !st.Ready {
					t.Errorf("last_load_ok %t, ready %t; want an alarm, and ready", st.LastOK, st.Ready)
				}
				w.wantLog("b.yaml", "; its orders stay in force until the server restarts: put the file back before then",
					"e.yaml: loses 37 of its 40 targets in force", "serial: is 6, but the version in force has 7", "protect.txt", "its names and networks stay protected",
					"taken over from order sets in use: 5 order files and 1 protect list")
				if old.Set() == w.s.Set() || old.Status().LastOK {
					t.Error("the old store was touched")
				}
				w.write("e.yaml", orders("", []string{}...))
				w.write("f.yaml", orders("serial: 8\n", "f: other.example"))
				w.write("b.yaml", orders("", "b: b.example"))
				w.write("c.yaml", orders("", "c: c.example"))
				w.write("protect.txt", "# nothing\n")
				w.step()
				w.wantBlocked("a.example b.example c.example important.example", names...)
				if st := w.s.Status(); !st.LastOK {
					t.Errorf("the alarm stays:\n%s", w.log.take())
				}
			})
		}
	}
}

func TestReloadReadsNothingTwice(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.mustStart()
	part := w.s.files[filepath.Join(w.dir, "a.yaml")].part
	w.log.take()
	w.reload(func(o *Options) { o.MaxShrink = 10 })
	if w.s.files[filepath.Join(w.dir, "a.yaml")].part != part {
		t.Error("the file was parsed again")
	}
	logged(t, w.log.take(), 0, "order a:")
}

func TestReloadNamesFilesNoMore(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.mustStart()
	w.remove("b.yaml")
	w.step()
	w.wantBlocked("a.example b.example", "a.example", "b.example")
	w.reload(func(*Options) {}, "a.yaml")
	w.wantBlocked("a.example", "a.example", "b.example")
	if !w.s.Status().LastOK {
		t.Error("an alarm for a file that nothing names")
	}
}

func TestReloadMoved(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.mustStart()
	w.log.take()
	w.remove("a.yaml")
	w.write("z.yaml", orders("", "a: a.example"))
	w.reload(func(o *Options) { o.MaxShrink = 10 })
	w.wantBlocked("a.example b.example", "a.example", "b.example")
	if st := w.s.Status(); !st.LastOK || len(st.Files) != 2 {
		t.Errorf("status %+v", st)
	}
	log := w.log.take()
	logged(t, log, 1, "a.yaml: is gone; other files contain its orders now")
	logged(t, log, 0, "stay in force") // no such line, because another file has all orders of the removed file
	logged(t, log, 1, "info: order a: moved from "+filepath.Join(w.dir, "a.yaml")+", in force")
	logged(t, log, 0, "newly blocked")
}

func TestReloadOfTwoStores(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: "+many(40)))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.start(func(o *Options) { o.MaxShrink = 10 }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	strict := w.s
	if err := w.start(func(o *Options) { o.MaxShrink = 100 }, "a.yaml", "b.yaml"); err != nil {
		t.Fatal(err)
	}
	loose := w.s
	w.write("a.yaml", orders("", "a: n0.example"))
	w.step()
	w.s = strict
	w.step()
	w.wantBlocked("n0.example n1.example", "n0.example", "n1.example")
	w.write("a.yaml", "oops: [")
	for _, others := range [][]*Store{{strict, loose}, {loose, strict}} {
		opt := loose.opt
		opt.MaxShrink = 50
		s, err := prepare(opt, w.log, w.clock, others)
		if err != nil {
			t.Fatal(err)
		}
		w.s = s
		w.wantBlocked("n0.example b.example", "n0.example", "n1.example", "b.example")
		s.Close()
	}
	w.write("a.yaml", orders("", "a: n0.example"))
	w.write("c.yaml", orders("", "a: c.example"))
	var stores []*Store
	for _, name := range []string{"a.yaml", "c.yaml"} {
		if err := w.start(nil, name); err != nil {
			t.Fatal(err)
		}
		stores = append(stores, w.s)
	}
	w.log.take()
	opt := loose.opt
	opt.Patterns = []string{w.dir}
	s, err := prepare(opt, w.log, w.clock, stores)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w.s = s
	w.wantBlocked("n0.example", "n0.example", "c.example")
	w.wantLog("c.yaml: is not handed on, because other files have all its orders", `order "a": id: is used by an order of another file, `)
}

func TestReloadRules(t *testing.T) {
	const text = "version: 1\ndefaults: {authority: {name: A}, scope: global}\norders:\n" +
		"- {id: plain, targets: [a.example]}\n- {id: nodata, response: nodata, targets: [b.a.example]}\n" +
		"- {id: lift, action: lift, authority: {name: A}, lifts: [plain], targets: [l.a.example], issued: 2026-01-01}\n"
	responses := []order.Response{{}, {Kind: order.NODATA}, {Kind: order.Refused}}
	for i, from := range responses {
		for k, to := range responses {
			w := newWorld(t)
			w.write("a.yaml", text)
			if err := w.start(func(o *Options) { o.Rules.Response = from }); err != nil {
				t.Fatal(err)
			}
			w.write("a.yaml", "oops: [")
			w.reload(func(o *Options) { o.Rules.Response = to })
			fresh := newWorld(t)
			fresh.write("a.yaml", text)
			if err := fresh.start(func(o *Options) { o.Rules.Response = to }); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a.example", "b.a.example", "l.a.example", "x.example"} {
				n, err := dname.Parse(name)
				if err != nil {
					t.Fatal(err)
				}
				q := &ruleset.QName{}
				q.SetName(n)
				say := func(w *world) string {
					v := w.s.Set().Decide(q, ruleset.Query{Now: seconds(w.clock.Now())})
					return fmt.Sprint(v.Blocked(), v.Response, v.Subtree)
				}
				if got, want := say(w), say(fresh); got != want {
					t.Errorf("from response %d to %d: %s: %s, want %s", i, k, name, got, want)
				}
			}
		}
	}
}

func TestReloadBad(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.mustStart()
	opt := w.s.opt
	opt.Patterns = []string{filepath.Join(w.dir, "none.yaml")}
	if _, err := prepare(opt, w.log, w.clock, []*Store{w.s}); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Fatalf("got %v", err)
	}
	w.write("a.yaml", orders("", "a: z.example"))
	w.step()
	w.wantBlocked("z.example", "a.example", "z.example")
}
