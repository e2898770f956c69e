package index

import (
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// TestCursor: a Cursor says what Wires says, and stays at the end.
func TestCursor(t *testing.T) {
	var none *Index
	if none.Cursor().Next() {
		t.Error("no index has a name")
	}
	x, _ := build([]dname.Name{name(t, "a.example"), name(t, "b.a.example"), name(t, "c.example"), name(t, "a.example")})
	c := x.Cursor()
	for w, ref := range x.Wires() {
		if !c.Next() || !c.Wire.Equal(w) || c.Ref != ref {
			t.Errorf("got %s %d, want %s %d", c.Wire.Name(), c.Ref, w.Name(), ref)
		}
	}
	for range 2 {
		if c.Next() {
			t.Error("a name behind the last one")
		}
	}
}
