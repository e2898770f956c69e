package journal

import (
	"hash/maphash"
	"slices"
	"strconv"
	"time"
)

// A table contains the state of each order, the held targets, and the floors of files. Each start
// builds it from the records.
//
// To save memory, the keys are hashes of order ids. The seed is secret. Otherwise an order file
// could contain ids with equal hashes.
type table struct {
	seed     maphash.Seed
	orders   map[uint64]orderEntry
	held     map[HeldTarget]bool
	floors   map[string]Floor
	requests map[string]int
	begin    time.Time
	kept     map[string]bool // the digests of the Kept records
	noted    bool            // a record was taken over

	day  string // the UTC date of the last Daily record
	lost int64  // the number of records that were lost after the entries were made
}

// An orderEntry is the last record of an order.
type orderEntry struct {
	last     int64  // the index of the record
	n        uint32 // the number of the record
	content  uint32 // the beginning of Record.Content, or 0 if unknown
	state    uint8  // the position of the last state in states
	answered bool   // a FirstAnswer follows the last InForce
	after    bool   // the number of the next record shows a gap
	present  bool   // the order was received, and not removed since
	seen     bool   // only during Missing
}

func contentNumber(content string) uint32 {
	n, _ := strconv.ParseUint(content[:min(8, len(content))], 16, 32)
	return uint32(n)
}

// A HeldTarget is a target that package guard refuses to block. An empty Target means the whole
// order.
type HeldTarget struct{ Order, Target string }

func newTable() table {
	return table{seed: maphash.MakeSeed(), orders: map[uint64]orderEntry{}, held: map[HeldTarget]bool{}, requests: map[string]int{}, kept: map[string]bool{}, floors: map[string]Floor{}}
}

func (t *table) key(order string) uint64 { return maphash.String(t.seed, order) }

func (t *table) number(order string) int64 {
	e := t.orders[t.key(order)]
	n := int64(e.n) + 1
	if e.after {
		n += t.lost
	}
	return n
}

// note takes over a record that was written.
func (t *table) note(r *Record) {
	if !t.noted && r.Index > 0 {
		t.begin = r.Time.Time
	}
	t.noted = true
	t.noteFloors(r)
	switch r.Event {
	case Daily:
		t.day = day(r.Time)
	case Request:
		t.requests[r.SHA256]++
	case Kept:
		t.kept[r.SHA256] = true
	case Numbers:
		for _, h := range r.Heads {
			k := t.key(h.Order)
			if e, ok := t.orders[k]; !ok || e.last < h.Index {
				t.orders[k] = orderEntry{last: h.Index, n: uint32(h.N), state: stateNumber(h.State),
					content: contentNumber(h.Content), present: h.State != "" && h.State != Removed}
			}
		}
	}
	if r.Order == "" {
		return
	}
	k := t.key(r.Order)
	e := t.orders[k]
	e.last, e.n, e.after = r.Index, uint32(r.Number), false
	switch s := stateNumber(r.Event); {
	case s != 0:
		e.state, e.answered, e.present = s, false, r.Event != Removed
	case r.Event == Received, r.Event == Corrected:
		e.content, e.present = contentNumber(r.Content), true
	case r.Event == FirstAnswer:
		e.answered = true
	case r.Event == TargetHeld:
		t.held[HeldTarget{r.Order, r.Target}] = true
	case r.Event == TargetFreed:
		delete(t.held, HeldTarget{r.Order, r.Target})
	}
	t.orders[k] = e
}

func (t *table) lose(n int64) {
	t.lost += n
	for k, e := range t.orders {
		e.after = true
		t.orders[k] = e
	}
}

func stateNumber(e Event) uint8 { return uint8(max(0, slices.Index(states, e))) }

func day(t Time) string { return t.UTC().Format("2006-01-02") }
