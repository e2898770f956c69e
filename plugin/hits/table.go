package hits

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const (
	// minSlots must be a power of 2.
	minSlots  = 64
	maxProbes = 8
	// hashFactor is 2^64 divided by the golden ratio (Fibonacci hashing).
	hashFactor = 0x9E3779B97F4A7C15
)

type table struct {
	set   uint64     // the number of the newest set of orders whose hits are counted here
	begin order.Time // the start of the hour before the hour of the table
	shift uint8
	slots []slot
	hour  int64 // see hourOf

	left time.Time // the time at which another table replaced this table
	next *table    // the next replaced table in the list Counter.retired
}

// A slot contains the hits of one order.
type slot struct {
	order        atomic.Pointer[ruleset.Order]
	hits, shadow atomic.Uint32
}

func newTable(set uint64, hour int64, n int) *table {
	t := &table{set: set, hour: hour, begin: order.Time((hour - 1) * 3600), shift: 64, slots: make([]slot, n)}
	for ; n > 1; n /= 2 {
		t.shift--
	}
	return t
}

func (t *table) fits(set uint64, now order.Time) bool {
	return set <= t.set && uint64(now-t.begin) < 2*3600
}

// The caller must reduce the result modulo the number of slots.
func (t *table) place(o *ruleset.Order) uint64 {
	return uint64(uintptr(unsafe.Pointer(o))) * hashFactor >> (t.shift & 63)
}

func (s *slot) count(shadow bool) (first bool) {
	if shadow {
		s.shadow.Add(1)
		return false
	}
	return s.hits.Add(1) == 1
}

func (t *table) add(o *ruleset.Order, shadow bool) (first, ok bool) {
	i := t.place(o)
	for range maxProbes {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		k := s.order.Load()
		if k == nil && !s.order.CompareAndSwap(nil, o) {
			k = s.order.Load()
		} else if k == nil {
			k = o
		}
		if k == o {
			return s.count(shadow), true
		}
		i++
	}
	return false, false
}
