package order

import (
	"fmt"
	"testing"
)

func TestIDTable(t *testing.T) {
	table, twin := newIDTable(), map[string]firstUse{}
	for i := range 3*idBlock + 1 {
		u := firstUse{fmt.Sprint("id/", i), int32(i + 1), i%3 == 0}
		if got := table.find(u.id); got != (firstUse{}) {
			t.Fatalf("%q is found as %+v before it is added", u.id, got)
		}
		table.add(u)
		twin[u.id] = u
	}
	for i := range 100 { // adds slots with hashes of ids that are not in the table
		other := table.hash(fmt.Sprint("no such id/", i))
		table.place(idSlot{other, uint32(i + 1)})
		if got := table.find(fmt.Sprint("no such id/", i)); got != (firstUse{}) {
			t.Errorf("an id that was never added is found as %+v", got)
		}
	}
	for id, want := range twin {
		if got := table.find(id); got != want {
			t.Errorf("find(%q) = %+v, want %+v", id, got, want)
		}
	}
}
