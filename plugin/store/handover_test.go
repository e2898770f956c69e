package store

import (
	"fmt"
	"path/filepath"
	"testing"
)

func (w *world) twoStores(a, b string) []*Store {
	w.t.Helper()
	var stores []*Store
	for _, name := range []string{a, b} {
		if err := w.start(nil, name); err != nil {
			w.t.Fatal(err)
		}
		stores = append(stores, w.s)
	}
	return stores
}

func TestReloadMergesStoresWithOneID(t *testing.T) {
	names := []string{"a.example", "b.example", "c.example", "d.example"}
	for _, tc := range []struct {
		name  string
		gone  bool
		alarm string
	}{
		{"the file is gone", true, "b.yaml: is gone; its orders stay in force until the server restarts"},
		{"the file is there", false, "b.yaml: refused for 1 problem; version "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", orders("", "a: a.example"))
			w.write("b.yaml", orders("", "a: a.example", "b: b.example"))
			w.write("bc.yaml", orders("", "c: c.example"))
			stores := w.twoStores("a.yaml", "b*.yaml")
			if tc.gone {
				w.remove("b.yaml")
			}
			w.step()
			w.wantBlocked("a.example b.example c.example", names...)
			w.write("bc.yaml", orders("", "c: c.example d.example"))
			w.log.take()
			opt := stores[0].opt
			opt.Patterns = []string{w.dir}
			s, err := prepare(opt, w.log, w.clock, stores)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			w.s = s
			w.wantBlocked("a.example b.example c.example d.example", names...)
			log := w.log.take()
			logged(t, log, 0, "panic")
			logged(t, log, 1, "b.yaml: is handed on without 1 order, because other files have orders with the same ids")
			logged(t, log, 1, "error: ", tc.alarm)
			for range 2 {
				if st := s.Status(); st.LastOK || !st.Ready {
					t.Errorf("last_load_ok %t, ready %t; want an alarm, and ready", st.LastOK, st.Ready)
				}
				w.step()
			}
			w.reload(func(o *Options) { o.Poll *= 2 })
			w.wantBlocked("a.example b.example c.example d.example", names...)
			w.write("b.yaml", orders("", "b: b.example"))
			w.step()
			w.wantBlocked("a.example b.example c.example d.example", names...)
			if !w.s.Status().LastOK {
				t.Errorf("the alarm stays: %v", w.s.files[filepath.Join(w.dir, "b.yaml")].err)
			}
		})
	}
}

func TestReloadTakesTheVersionsOfItsOwnStore(t *testing.T) {
	const all, few = "n0.example n39.example", "n0.example"
	for _, tc := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"the strict store, with another option", func(o *Options) { o.MaxShrink, o.Rules.NoCountry = 10, true }, all},
		{"the loose store, with another option", func(o *Options) { o.MaxShrink, o.Rules.NoCountry = 90, true }, few},
		{"another max_shrink, which refuses the newer version", func(o *Options) { o.MaxShrink = 20 }, all},
		{"another max_shrink, which allows the newer version", func(o *Options) { o.MaxShrink = 80 }, few},
	} {
		for _, first := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s %d", tc.name, first), func(t *testing.T) {
				w := newWorld(t)
				w.write("a.yaml", orders("", "a: "+many(40)))
				var stores []*Store
				for _, percent := range []int{10, 90} {
					if err := w.start(func(o *Options) { o.MaxShrink = percent }); err != nil {
						t.Fatal(err)
					}
					stores = append(stores, w.s)
				}
				w.write("a.yaml", orders("", "a: "+many(10)))
				for i, want := range []string{all, few} {
					w.s = stores[i]
					w.step()
					w.wantBlocked(want, "n0.example", "n39.example")
					w.log.take()
				}
				opt := stores[0].opt
				tc.change(&opt)
				s, err := prepare(opt, w.log, w.clock, []*Store{stores[first], stores[1-first]})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				w.s = s
				w.wantBlocked(tc.want, "n0.example", "n39.example")
				log := w.log.take()
				logged(t, log, 1, "a.yaml: order sets in use have several versions in force; version ")
				if tc.want == all {
					logged(t, log, 1, "a.yaml: loses 30 of its 40 targets in force")
				}
			})
		}
	}
}
