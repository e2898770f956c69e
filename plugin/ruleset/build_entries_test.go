package ruleset

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestEntries(t *testing.T) {
	for _, n := range []int{0, 1, entryBlock, entryBlock + 1, 2*entryBlock + 1} {
		b := NewBuilder("a.jsonl", Options{})
		terms := &order.Terms{TTL: -1}
		var want []string
		for i := range n {
			o := &order.Order{ID: fmt.Sprint(i), Terms: terms, Issued: order.NoTime, Served: order.NoTime, From: order.NoTime,
				Until: order.NoTime, Review: order.NoTime, Deadline: order.NoTime, Status: order.Status(i % 2), Index: i}
			if i%3 == 0 {
				o.FilteringDatabases = []order.FilteringDatabase{{DB: "lumen", ID: o.ID}}
			}
			b.Add(o)
			want = append(want, o.ID)
		}
		p, _ := b.Freeze()
		if got := slices.Collect(p.IDs()); !slices.Equal(got, want) || p.Orders() != n {
			t.Fatalf("%d orders: got %d, %d ids", n, p.Orders(), len(got))
		}
		for i, id := range want {
			e := p.entries.at(uint32(i))
			if e.ID != id || e.Terms != terms || e.status != order.Status(i%2) || int(e.index) != i {
				t.Fatalf("entry %d of %d is %+v", i, n, e)
			}
			if fd := e.FilteringDatabases; len(fd) != 0 != (i%3 == 0) || len(fd) > 0 && fd[0].ID != id {
				t.Fatalf("entry %d of %d: filtering databases %v", i, n, fd)
			}
		}
	}
}
