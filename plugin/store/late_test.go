package store

import "testing"

// Orders that the server loads at its start are never late. They may have been in force before.
func TestLate(t *testing.T) {
	w := newWorld(t)
	put := func(id string) {
		w.write(id+".yaml", "version: 1\ndefaults: {authority: {name: A}, scope: global, deadline: 2026-01-01}\norders:\n- {id: "+id+", targets: [a.example]}\n")
	}
	want := func(n int) {
		t.Helper()
		if d := w.s.Set().Deadlines(seconds(w.clock.Now())); d.Late != n || d.Overdue != 0 {
			t.Errorf("%+v, want %d late", d, n)
		}
	}
	put("one")
	w.mustStart()
	want(0)
	put("two")
	w.step()
	want(1)
	put("three")
	w.step()
	want(2)
	w.write("one.yaml", "version: 1\norders: []\n")
	w.step()
	want(2)
	w.write("two.yaml", "version: 1\norders: []\n")
	w.step()
	want(1)
	w.mustStart()
	want(0)
}
