// Package hits counts how often each order decides a query, by order and hour. It stores no client
// and no queried name.
//
// # Counting
//
// [Counter.Add] runs for each blocked query, so it uses no lock. It counts in a small hash table.
// The key is the address of the compiled order. A [Counter] has several tables (shards), so that
// two CPUs seldom write to the same cache line.
//
// When an hour begins or new orders are loaded, Add replaces all tables with empty tables. Add
// replaces a full table with a larger table. In all other cases, Add does not allocate. The counts
// of a replaced table soon go into the history.
//
// # History
//
// The history has the counts of the last [Hours] hours, by order id. It contains only orders with
// hits. Only [Counter.Rows] and a timer change the history. The counts survive a load of a file or
// the Corefile, because order ids do not change.
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

// Hours is the number of hours that a Counter remembers, including the present hour.
const Hours = 24

// maxShards limits the memory of a Counter on machines with many CPUs.
const maxShards = 32

// grace is the time after which no goroutine is expected to use a replaced table. An Add needs only
// nanoseconds, but the scheduler can interrupt the goroutine.
const grace = 2 * time.Second

// A Counter counts the hits of the orders of one server block. Its methods may be called from
// several goroutines.
type Counter struct {
	shards  []shard
	retired atomic.Pointer[table] // the list of replaced tables whose counts may not be in the history
	hour    atomic.Int64          // the present hour, as the last caller has read it; see hourOf
	grace   time.Duration

	mu      sync.Mutex
	leaving []*table // former tables of the list retired, younger than grace
	history history
}

// A shard has one table. It is padded to two cache lines, because a CPU may load two neighbouring
// lines together.
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

// Add counts one query that the order o of the set decided at the time now. shadow is true if the
// query was not blocked, because the order or the server block has the setting "shadow". c may be
// nil.
//
// Add returns true for the first blocked query of an order. It returns true again after a new set,
// a new hour or a Refresh, and sometimes for other queries.
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

// add is the slow path of Add. The table may be old or full, or may not contain the order.
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

// Refresh makes Add return true again for each order. It replaces all tables by empty
// tables.
func (c *Counter) Refresh() {
	for i := range c.shards {
		t := c.shards[i].table.Load()
		c.replace(&c.shards[i], t, newTable(t.set, t.hour, minSlots))
	}
}

// shardOf returns a number that usually differs between CPUs. It uses the address of the
// goroutine's stack. The Go runtime keeps free stacks on the CPU that used them before.
func shardOf() int {
	var here byte
	return int(uint64(uintptr(unsafe.Pointer(&here)))>>11*hashFactor>>33) & (maxShards - 1)
}

// hourOf returns the number of full hours from the start of 1970 (UTC) to t.
func hourOf(t order.Time) int64 { return int64(t) / 3600 }

// renew replaces each table that cannot count a hit of the set at the time now (see fits). It
// returns the table of the shard s. renew also replaces the tables of other shards, because an old
// table keeps an old set in memory.
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

// replace replaces the table old of the shard s with the empty table t. It returns the table that
// the shard then has. If another goroutine was faster, this is the table of the other goroutine.
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

// collect adds the counts of all replaced tables to the history. It drops tables that were replaced
// more than grace ago, because they get no more counts. The caller must have locked c.mu.
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
	// Label is a name for the order that all users may see. For a sealed (secret) order, Label is
	// not the id.
	Label string
	// Hours has the hours with hits, the oldest first.
	Hours []Hour
}

// An Hour contains the hits of one order in one hour.
type Hour struct {
	// Start is the first second of the hour.
	Start order.Time
	// Hits is the number of blocked queries. Shadow is the number of queries that were not blocked
	// because of the setting "shadow". A count stays at the largest uint32 when it reaches this
	// number.
	Hits, Shadow uint32
}

// Rows returns the hits of the last Hours hours, sorted by order id. The time now is in the last
// hour.
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
