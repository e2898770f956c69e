package ruleset

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// An interval is [from, until), in whole seconds.
type interval struct{ from, until order.Time }

// A schedule is a range of Part.intervals. The intervals are sorted and do not overlap.
type schedule struct{ off, n uint32 }

func single(from, until order.Time) []interval {
	if until == order.NoTime {
		until = Forever
	}
	return []interval{{from, until}} // NoTime is less than all other times
}

func windows(ws []order.Window) []interval {
	if len(ws) == 0 {
		return single(order.NoTime, order.NoTime)
	}
	var out []interval
	for _, w := range ws {
		out = append(out, single(w.From, w.Until)...)
	}
	return merged(out)
}

// merged overwrites its argument.
func merged(ivs []interval) []interval {
	slices.SortFunc(ivs, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
	out := ivs[:0]
	for _, iv := range ivs {
		if n := len(out); n > 0 && iv.from <= out[n-1].until {
			out[n-1].until = max(out[n-1].until, iv.until)
		} else {
			out = append(out, iv)
		}
	}
	return out
}

func intersect(a, b []interval) []interval {
	var out []interval
	for i, j := 0, 0; i < len(a) && j < len(b); {
		iv := interval{max(a[i].from, b[j].from), min(a[i].until, b[j].until)}
		if iv.from < iv.until {
			out = append(out, iv)
		}
		if a[i].until < b[j].until {
			i++
		} else {
			j++
		}
	}
	return out
}

func insert(ivs []interval, x interval) []interval {
	i, _ := slices.BinarySearchFunc(ivs, x.from, func(iv interval, from order.Time) int { return cmp.Compare(iv.until, from) })
	k := i
	for ; k < len(ivs) && ivs[k].from <= x.until; k++ {
		x.from, x.until = min(x.from, ivs[k].from), max(x.until, ivs[k].until)
	}
	return slices.Replace(ivs, i, k, x)
}

func without(ivs, off []interval) []interval {
	left := []interval{}
	from := order.NoTime
	for _, iv := range merged(slices.Clone(off)) {
		if from < iv.from {
			left = append(left, interval{from, iv.from})
		}
		from = iv.until
	}
	if from < Forever {
		left = append(left, interval{from, Forever})
	}
	return intersect(ivs, left)
}

func after(ivs []interval, t order.Time) int {
	i, _ := slices.BinarySearchFunc(ivs, t, func(iv interval, t order.Time) int {
		if iv.until <= t {
			return -1
		}
		return 1
	})
	return i
}

type spell struct {
	on           bool
	since, until order.Time
}

func spellAt(ivs []interval, now order.Time) spell {
	for _, iv := range ivs {
		switch {
		case now < iv.from:
			return spell{until: iv.from}
		case now < iv.until:
			return spell{true, iv.from, iv.until}
		}
	}
	return spell{until: Forever}
}

func (b *Builder) schedule(ivs []interval) uint32 {
	if b.schedIDs == nil {
		b.schedIDs = map[string]uint32{}
	}
	key := make([]byte, 0, 64)
	for _, iv := range ivs {
		key = binary.LittleEndian.AppendUint64(key, uint64(iv.from))
		key = binary.LittleEndian.AppendUint64(key, uint64(iv.until))
	}
	if id, ok := b.schedIDs[string(key)]; ok {
		return id
	}
	id := uint32(len(b.part.schedules))
	b.schedIDs[string(key)] = id
	b.part.schedules = append(b.part.schedules, schedule{uint32(len(b.part.intervals)), uint32(len(ivs))})
	b.part.intervals = append(b.part.intervals, ivs...)
	return id
}

func (p *Part) inForceAt(sched uint32, now order.Time) (bool, order.Time) {
	ivs, i := p.ivs(sched), 0
	if len(ivs) > 1 {
		i = after(ivs, now)
	}
	switch {
	case i == len(ivs) || ivs[i].until <= now:
		return false, Forever
	case ivs[i].from > now:
		return false, ivs[i].from
	}
	return true, ivs[i].until
}
