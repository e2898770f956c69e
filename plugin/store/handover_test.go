package store

import (
	"path/filepath"
	"testing"
)

// twoStores starts a store on the folder a and a store on the folder b, and returns both.
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

// TestReloadMergesStoresWithOneID checks a reload that merges two stores whose files share an
// id. The file of the second store is gone. The reload must not panic, must accept a new
// version of another file, and must give an alarm that stays.
func TestReloadMergesStoresWithOneID(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "a: a.example", "b: b.example"))
	w.write("bc.yaml", orders("", "c: c.example"))
	stores := w.twoStores("a.yaml", "b*.yaml")
	w.remove("b.yaml")
	w.step()
	w.wantBlocked("a.example b.example c.example", "a.example", "b.example", "c.example")
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
	w.wantBlocked("a.example c.example d.example", "a.example", "b.example", "c.example", "d.example")
	log := w.log.take()
	logged(t, log, 0, "panic")
	logged(t, log, 1, "b.yaml: is not handed on, since it has orders of another file")
	for range 2 {
		if st := s.Status(); st.LastOK || !st.Ready {
			t.Errorf("last_load_ok %t, ready %t; want an alarm, and ready", st.LastOK, st.Ready)
		}
		w.step()
	}
	// A version without the order of the other file ends the alarm.
	w.write("b.yaml", orders("", "b: b.example"))
	w.step()
	w.wantBlocked("a.example b.example c.example d.example", "a.example", "b.example", "c.example", "d.example")
	if !s.Status().LastOK {
		t.Errorf("the alarm stays: %v", s.files[filepath.Join(w.dir, "b.yaml")].err)
	}
}
