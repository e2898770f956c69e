package hits

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

type history struct {
	newest int64            // the newest hour with a count, see hourOf
	rings  map[string]*ring // by the id of the order
}

type ring struct {
	label string
	hours [Hours]count
}

// A count contains the hits in one hour.
type count struct{ hits, shadow uint32 }

func (h *history) take(t *table) {
	for i := range t.slots {
		s := &t.slots[i]
		o := s.order.Load()
		if o == nil {
			continue
		}
		n := count{s.hits.Swap(0), s.shadow.Swap(0)}
		if n == (count{}) {
			continue
		}
		if t.hour == h.newest+1 {
			h.move(t.hour) // the hour has begun after the last call of move
		}
		if t.hour <= h.newest-Hours || t.hour > h.newest {
			continue
		}
		r := h.rings[o.ID]
		if r == nil {
			r = &ring{}
			h.rings[strings.Clone(o.ID)] = r // a part of a longer text would keep that text in memory
		}
		if label := o.Label(); r.label != label {
			r.label = strings.Clone(label)
		}
		at := &r.hours[index(t.hour)]
		at.hits, at.shadow = sum(at.hits, n.hits), sum(at.shadow, n.shadow)
	}
}

// A goroutine can be one hour late, so a step back of one hour is ignored.
func (h *history) move(hour int64) {
	switch {
	case hour > h.newest:
		h.remove(h.newest+1, min(hour, h.newest+Hours))
	case hour < h.newest-1:
		h.remove(max(hour+1, h.newest-Hours+1), h.newest)
	default:
		return
	}
	h.newest = hour
}

func (h *history) remove(first, last int64) {
	for id, r := range h.rings {
		for i := first; i <= last; i++ {
			r.hours[index(i)] = count{}
		}
		if r.hours == ([Hours]count{}) {
			delete(h.rings, id)
		}
	}
}

func (h *history) rows() []Row {
	rows := make([]Row, 0, len(h.rings))
	for _, id := range slices.Sorted(maps.Keys(h.rings)) {
		r := h.rings[id]
		row := Row{ID: id, Label: r.label}
		for i := h.newest - Hours + 1; i <= h.newest; i++ {
			if n := r.hours[index(i)]; n != (count{}) {
				row.Hours = append(row.Hours, Hour{order.Time(i * 3600), n.hits, n.shadow})
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func index(hour int64) int64 { return ((hour % Hours) + Hours) % Hours }

func sum(a, b uint32) uint32 { return uint32(min(uint64(a)+uint64(b), math.MaxUint32)) }
