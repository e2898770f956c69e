// Package hits counts the queries that each order decides, by order and hour. The package stores no
// client and no queried name.
//
// [Counter.Add] runs for each of these queries, and uses no lock. A [Counter] has several small
// hash tables, so two CPUs seldom write to the same cache line.
//
// A new set or a new hour needs new tables. The counts of the old tables go into a history of
// [Hours] hours. The history uses order ids, so a reload keeps the history.
package hits

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Hours is the number of hours that a Counter remembers. The present hour is one of them.
const Hours = 24

const maxShards = 32

// A goroutine may still use a replaced table during this time.
const grace = 2 * time.Second

// A Counter counts the hits of the orders of one server block. Its methods are safe for concurrent
// use.
type Counter struct {
	shards  []shard
	retired atomic.Pointer[table] // the list of replaced tables whose counts may not be in the history
	hour    atomic.Int64          // the present hour, as the last caller has read it; see hourOf
	grace   time.Duration

	mu      sync.Mutex
	leaving []*table // former tables of the list retired, younger than grace
	history history
}

// The size is 128 bytes (two cache lines), because some CPUs load cache lines in pairs.
type shard struct {
	table atomic.Pointer[table]
	_     [120]byte
}

// New returns a Counter with all counts 0.
func New() *Counter {
	n := 1
	for n < runtime.GOMAXPROCS(0) && n < maxShards {
		n *= 2
	}
	c := &Counter{shards: make([]shard, n), grace: grace, history: history{rings: map[string]*ring{}}}
	for i := range c.shards {
		c.shards[i].table.Store(newTable(0, 0, minSlots))
	}
	return c
}

// Add counts one query that an order decided. The last argument is true if the setting "shadow" let
// the query pass. The Counter may be nil.
//
// Add returns true for the first blocked query of an order. It can return true again, for example
// on another CPU or in a new hour.
func (c *Counter) Add(set *ruleset.Set, o *ruleset.Order, now order.Time, shadow bool) (first bool) {
	if c == nil {
		return true
	}
	s := &c.shards[shardOf()&(len(c.shards)-1)]
	t := s.table.Load()
	if t.fits(set.Number(), now) {
		if x := &t.slots[t.place(o)&uint64(len(t.slots)-1)]; x.order.Load() == o {
			return x.count(shadow)
		}
	}
	return c.add(s, t, set, o, now, shadow)
}

func (c *Counter) add(s *shard, t *table, set *ruleset.Set, o *ruleset.Order, now order.Time, shadow bool) (first bool) {
	if !t.fits(set.Number(), now) {
		t = c.renew(s, set.Number(), now)
	}
	for {
		first, ok := t.add(o, shadow)
		if ok {
			return first
		}
		t = c.replace(s, t, newTable(t.set, t.hour, 4*len(t.slots)))
	}
}

// Refresh makes Add return true again for each order.
func (c *Counter) Refresh() {
	for i := range c.shards {
		t := c.shards[i].table.Load()
		c.replace(&c.shards[i], t, newTable(t.set, t.hour, minSlots))
	}
}

// Goroutines on different CPUs usually have stacks at different addresses.
func shardOf() int {
	var here byte
	return int(uint64(uintptr(unsafe.Pointer(&here)))>>11*hashFactor>>33) & (maxShards - 1)
}

func hourOf(t order.Time) int64 { return int64(t) / 3600 }

func (c *Counter) renew(s *shard, set uint64, now order.Time) *table {
	hour := hourOf(now)
	c.hour.Store(hour)
	for i := range c.shards {
		x := &c.shards[i]
		if t := x.table.Load(); !t.fits(set, now) {
			c.replace(x, t, newTable(max(set, t.set), hour, minSlots))
		}
	}
	return s.table.Load()
}

func (c *Counter) replace(s *shard, old, t *table) *table {
	if !s.table.CompareAndSwap(old, t) {
		return s.table.Load()
	}
	old.left = time.Now()
	for first := true; ; first = false {
		old.next = c.retired.Load()
		if c.retired.CompareAndSwap(old.next, old) {
			if old.next == nil || !first {
				time.AfterFunc(c.grace, c.tidy)
			}
			return t
		}
	}
}

func (c *Counter) tidy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collect()
}

// The caller must hold c.mu.
func (c *Counter) collect() {
	c.history.move(c.hour.Load())
	for t := c.retired.Swap(nil); t != nil; t = t.next {
		c.leaving = append(c.leaving, t)
	}
	var young []*table
	for _, t := range c.leaving {
		c.history.take(t)
		if time.Since(t.left) < c.grace {
			young = append(young, t)
		}
	}
	if c.leaving = young; len(young) > 0 {
		time.AfterFunc(c.grace, c.tidy)
	}
}

// A Row contains the hits of one order.
type Row struct {
	ID string
	// Label is a public name of the order. Label never reveals the id of a sealed (secret) order.
	Label string
	// Hours has the hours with hits, the oldest first.
	Hours []Hour
}

// An Hour contains the hits of one order in one hour.
type Hour struct {
	// Start is the first second of the hour.
	Start order.Time
	// Hits is the number of blocked queries. Shadow is the number of queries that passed because of
	// the setting "shadow".
	Hits, Shadow uint32
}

// Rows returns the hits of the last hours, sorted by order id. See the constant Hours.
func (c *Counter) Rows(now order.Time) []Row {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hour.Store(hourOf(now))
	c.collect()
	for i := range c.shards {
		c.history.take(c.shards[i].table.Load())
	}
	return c.history.rows()
}
