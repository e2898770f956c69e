package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

func (c *listBlock) skips(j *judgement, held bool, until order.Time) bool {
	switch {
	case c.over <= j.now, c.shadow && !j.shadow, held && !c.forced:
		return true
	case c.countries && !j.scoped && !c.scope.reaches(j.c.Addr):
		return false // the block makes the verdict depend on the country
	}
	return c.lifted.from <= j.now && c.lifted.until >= until || c.from > j.now && c.from >= until || c.scope != nil && !c.scope.includes(j.c) ||
		c.exempt != nil && j.c.Addr.IsValid() && c.exempt.always.Contains(j.c.Addr)
}

func (h *hit) skip(j *judgement, k int, until order.Time) int {
	if h.long == nil {
		return k // this function is short so that the compiler inlines it
	}
	return h.skipLong(j, k, until)
}

func (h *hit) skipLong(j *judgement, k int, until order.Time) int {
	first := h.long.ends[liftBelow]
	for k = max(k, first); k < len(h.rules) && h.long.blocks[k-first].skips(j, h.held != nil, until); {
		k++
	}
	return k
}

func (h *hit) last(k int) int {
	if h.long == nil {
		return k
	}
	return h.long.ends[h.rules[k].kind] - 1
}

func (h *hit) firstException(entry uint32) int {
	if h.long == nil {
		return 0
	}
	k, end := 0, h.long.ends[except]
	for k < end {
		if mid := (k + end) / 2; h.rules[mid].entry < entry {
			k = mid + 1
		} else {
			end = mid
		}
	}
	return k
}

func (h *hit) blocksOf(e *entry, k kind) []rule {
	if h.long == nil {
		return h.rules
	}
	all := h.rules[h.long.ends[k-1]:h.long.ends[k]]
	at, _ := slices.BinarySearchFunc(all, e, func(r rule, e *entry) int { return precedence(h.part.entries.at(r.entry), e) })
	end := at
	for end < len(all) && h.part.entries.at(all[end].entry) == e {
		end++
	}
	return all[at:end]
}
