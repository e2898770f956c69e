package hits

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

type world struct {
	set    *ruleset.Set
	orders []*ruleset.Order
}

func newWorld(t testing.TB, n int, extra string) world {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, `{"version":1,"count":%d,"authorities":{"a":{"authority":{"name":"A"},"scope":"global"}}}`+"\n", n)
	for i := range n {
		fmt.Fprintf(&text, `{"id":"o%d","authority":"a","targets":["o%d.example"]%s}`+"\n", i, i, extra)
	}
	b := ruleset.NewBuilder("o.jsonl", ruleset.Options{})
	_, problems := order.Parse("o.jsonl", strings.NewReader(text.String()), order.Options{Emit: b.Add})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	part, _ := b.Freeze()
	w := world{set: ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})}
	for i := range n {
		name, err := dname.Parse(fmt.Sprintf("o%d.example", i))
		if err != nil {
			t.Fatal(err)
		}
		var q ruleset.QName
		q.SetName(name)
		v := w.set.Decide(&q, ruleset.Query{})
		if v.Order == nil {
			t.Fatalf("order %d does not block its target", i)
		}
		w.orders = append(w.orders, v.Order)
	}
	return w
}

func newCounter() *Counter {
	c := New()
	c.grace = time.Hour
	return c
}

func at(hour int) order.Time { return order.Time(hour*3600 + 1800) }

func text(rows []Row) string {
	var out []string
	for _, r := range rows {
		line := r.Label
		for _, h := range r.Hours {
			line += fmt.Sprintf(" %d:%d/%d", hourOf(h.Start), h.Hits, h.Shadow)
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func TestHours(t *testing.T) {
	w := newWorld(t, 3, "")
	const h = 480_000
	for _, tt := range []struct {
		name string
		adds [][2]int // order and hour
		now  int
		want string
	}{
		{"nothing", nil, h, ""},
		{"two orders", [][2]int{{1, h}, {0, h}, {0, h}}, h, fmt.Sprintf("o0 %d:2/0; o1 %d:1/0", h, h)},
		{"two hours", [][2]int{{0, h - 1}, {0, h}}, h, fmt.Sprintf("o0 %d:1/0 %d:1/0", h-1, h)},
		{"the oldest hour", [][2]int{{1, h - 24}, {0, h - 23}, {2, h - 20}}, h, fmt.Sprintf("o0 %d:1/0; o2 %d:1/0", h-23, h-20)},
		{"a day without hits", [][2]int{{0, h - 30}, {0, h}}, h, fmt.Sprintf("o0 %d:1/0", h)},
		{"no hit for two days", [][2]int{{0, h}}, h + 48, ""},
		{"the reader is late", [][2]int{{0, h}}, h - 1, fmt.Sprintf("o0 %d:1/0", h)},
		{"one query is late", [][2]int{{0, h}, {0, h - 1}}, h, fmt.Sprintf("o0 %d:2/0", h)},
		{"the clock was ahead by hours", [][2]int{{0, h}, {1, h + 5}, {0, h}}, h, fmt.Sprintf("o0 %d:2/0", h)},
		{"the clock was ahead by days", [][2]int{{1, h + 100}, {0, h}}, h, fmt.Sprintf("o0 %d:1/0", h)},
		{"the clock was ahead by years", [][2]int{{0, h + 90_000}}, h, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, read := range []bool{false, true} { // with and without reading between the hits
				c := newCounter()
				for _, a := range tt.adds {
					c.Add(w.set, w.orders[a[0]], at(a[1]), false)
					if read {
						c.Rows(at(a[1]))
					}
				}
				if got := text(c.Rows(at(tt.now))); got != tt.want && !(read && strings.HasPrefix(tt.name, "the clock was ahead by days")) {
					t.Errorf("read %v: got %q, want %q", read, got, tt.want)
				}
			}
		})
	}
}

func TestKinds(t *testing.T) {
	w := newWorld(t, 1, "")
	c := newCounter()
	for i := range 5 {
		c.Add(w.set, w.orders[0], at(480_000), i > 2)
	}
	if got := text(c.Rows(at(480_000))); got != "o0 480000:3/2" {
		t.Error(got)
	}
	var none *Counter
	none.Add(w.set, w.orders[0], at(480_000), false)
	if rows := none.Rows(at(480_000)); rows != nil {
		t.Error(rows)
	}
}

func TestSealed(t *testing.T) {
	w := newWorld(t, 1, `,"disclosure":"none"`)
	c := newCounter()
	c.Add(w.set, w.orders[0], at(480_000), false)
	if rows := c.Rows(at(480_000)); rows[0].ID != "o0" || rows[0].Label != "sealed:"+ruleset.Digest("o0") {
		t.Errorf("%+v", rows)
	}
}

func TestNewSet(t *testing.T) {
	old, next := newWorld(t, 3, ""), newWorld(t, 2, "")
	c := newCounter()
	for _, w := range []world{old, next, old} {
		for _, o := range w.orders {
			c.Add(w.set, o, at(480_000), false)
		}
	}
	if got := text(c.Rows(at(480_000))); got != "o0 480000:3/0; o1 480000:3/0; o2 480000:2/0" {
		t.Error(got)
	}
	if want := 2 * len(c.shards); len(c.leaving) != want {
		t.Errorf("%d tables were replaced, want %d", len(c.leaving), want)
	}
	for i := range c.shards {
		if n := c.shards[i].table.Load().set; n != next.set.Number() && n != 0 {
			t.Errorf("the table is of set %d, want %d", n, next.set.Number())
		}
	}
}

func TestForgetsReplacedTables(t *testing.T) {
	old, next := newWorld(t, 1, ""), newWorld(t, 1, "")
	c := newCounter()
	c.Add(old.set, old.orders[0], at(480_000), false)
	c.Add(next.set, next.orders[0], at(480_000), false)
	c.Rows(at(480_000))
	if len(c.leaving) == 0 {
		t.Fatal("no table was replaced")
	}
	c.grace = 0
	if got := text(c.Rows(at(480_000))); len(c.leaving) != 0 || c.retired.Load() != nil || got != "o0 480000:2/0" {
		t.Errorf("%d tables are left; %s", len(c.leaving), got)
	}
	for i := range c.shards {
		for k := range c.shards[i].table.Load().slots {
			if c.shards[i].table.Load().slots[k].order.Load() == old.orders[0] {
				t.Error("a table has an order of the old set")
			}
		}
	}
}

func TestManyOrders(t *testing.T) {
	w := newWorld(t, 5000, "")
	c := newCounter()
	for n := range 3 {
		for i, o := range w.orders {
			if i%3 >= n {
				c.Add(w.set, o, at(480_000+n), false)
			}
		}
	}
	rows := c.Rows(at(480_002))
	if len(rows) != len(w.orders) {
		t.Fatalf("%d orders, want %d", len(rows), len(w.orders))
	}
	for _, r := range rows {
		var i int
		fmt.Sscanf(r.ID, "o%d", &i)
		if len(r.Hours) != i%3+1 {
			t.Errorf("order %s: %+v", r.ID, r.Hours)
		}
		for _, h := range r.Hours {
			if h.Hits != 1 {
				t.Errorf("order %s: %+v", r.ID, r.Hours)
			}
		}
	}
}

func TestConcurrentAdds(t *testing.T) {
	const workers, steps, each = 8, 4, 1000
	worlds := []world{newWorld(t, 200, ""), newWorld(t, 200, ""), newWorld(t, 200, "")}
	c := newCounter()
	for step := range steps {
		var wg sync.WaitGroup
		for g := range workers {
			wg.Go(func() {
				for i := range each {
					w := worlds[(step+g)%len(worlds)]
					c.Add(w.set, w.orders[(i*7+g)%200], at(480_000+step-g%2), i%2 == 0)
					if i%400 == 399 {
						c.Rows(at(480_000 + step - i%2))
					}
				}
			})
		}
		wg.Wait()
	}
	hits, shadow := 0, 0
	for _, r := range c.Rows(at(480_000 + steps)) {
		for _, h := range r.Hours {
			hits, shadow = hits+int(h.Hits), shadow+int(h.Shadow)
		}
	}
	if want := workers * steps * each / 2; hits != want || shadow != want {
		t.Errorf("%d hits and %d shadow hits, want %d each", hits, shadow, want)
	}
}

func TestAddAllocations(t *testing.T) {
	w := newWorld(t, 50, "")
	c := newCounter()
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		c.Add(w.set, w.orders[i%50], at(480_000), i%2 == 0)
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLargestCount checks that a count does not overflow.
func TestLargestCount(t *testing.T) {
	w := newWorld(t, 1, "")
	c := newCounter()
	for range 3 {
		c.Add(w.set, w.orders[0], at(480_000), false)
		for i := range c.shards {
			for k := range c.shards[i].table.Load().slots {
				if s := &c.shards[i].table.Load().slots[k]; s.order.Load() != nil {
					s.hits.Store(math.MaxUint32 - 1)
				}
			}
		}
		c.Rows(at(480_000))
	}
	if got := c.Rows(at(480_000))[0].Hours; !reflect.DeepEqual(got, []Hour{{at(480_000) - 1800, math.MaxUint32, 0}}) {
		t.Error(got)
	}
}

func TestRegistry(t *testing.T) {
	a, b, other := Acquire("dns://.:53"), Acquire("dns://.:53"), Acquire("dns://example.:53")
	if a != b || a == other {
		t.Error("equal names must have one Counter, and different names different Counters")
	}
	Release("dns://.:53")
	if c := Acquire("dns://.:53"); c != a {
		t.Error("the counts were forgotten while a configuration used them")
	} else {
		Release("dns://.:53")
	}
	Release("dns://.:53")
	Release("dns://example.:53")
	if len(registry.counters) != 0 {
		t.Errorf("%d Counters are left", len(registry.counters))
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		w := newWorld(b, n, "")
		b.Run(fmt.Sprintf("orders=%d", n), func(b *testing.B) {
			c := New()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c.Add(w.set, w.orders[i*7%n], at(480_000), false)
			}
		})
	}
	w := newWorld(b, 1, "")
	b.Run("parallel", func(b *testing.B) {
		c := New()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				c.Add(w.set, w.orders[0], at(480_000), false)
			}
		})
	})
}

// TestFirst checks for which hits Add returns true.
func TestFirst(t *testing.T) {
	c := New()
	b := ruleset.NewBuilder("a.yaml", ruleset.Options{})
	part, _ := b.Freeze()
	set := ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})
	terms := &ruleset.Common{Terms: &order.Terms{}}
	x, y := &ruleset.Order{ID: "x", Common: terms}, &ruleset.Order{ID: "y", Common: terms}
	firsts := func(set *ruleset.Set, o *ruleset.Order, now order.Time, shadow bool) (n int) {
		for range 100 {
			if c.Add(set, o, now, shadow) {
				n++
			}
		}
		return n
	}
	next := ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})
	for i, tc := range []struct {
		set     *ruleset.Set
		o       *ruleset.Order
		now     order.Time
		shadow  bool
		refresh bool
		some    bool
	}{
		{set: set, o: x, shadow: true},
		{set: set, o: x, some: true},
		{set: set, o: x, shadow: true},
		{set: set, o: y, some: true},
		{set: next, o: x, some: true},
		{set: next, o: x, now: 3600, some: true},
		{set: next, o: x, now: 3600, some: true, refresh: true},
	} {
		if tc.refresh {
			c.Refresh()
		}
		if n := firsts(tc.set, tc.o, tc.now, tc.shadow); (n > 0) != tc.some || n > len(c.shards) {
			t.Errorf("case %d: %d of 100 hits are the first", i, n)
		}
	}
	if len(c.shards) == 1 && firsts(next, x, 3600, false) != 0 {
		t.Error("a later hit is the first")
	}
	sum := uint32(0)
	for _, r := range c.Rows(3600) {
		for _, h := range r.Hours {
			sum += uint32(h.Hits)
		}
	}
	if sum < 500 {
		t.Errorf("%d hits", sum)
	}
}
