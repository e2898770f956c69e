package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// skips reports whether the block cannot change the verdict of a query. held is set if the
// guard holds targets at the name of the list. until is the earliest time at which a rule that
// was already checked may change the verdict.
func (c *listBlock) skips(j *judgement, held bool, until order.Time) bool {
	switch {
	case c.over <= j.now, c.shadow && !j.shadow, held && !c.forced:
		return true
	case c.countries && !j.scoped && !c.scope.reaches(j.c.Addr):
		return false // the block makes the verdict CountryDependent
	}
	return c.lifted <= j.now || c.from > j.now && c.from >= until || c.scope != nil && !c.scope.includes(j.c) ||
		c.exempt != nil && j.c.Addr.IsValid() && c.exempt.always.Contains(j.c.Addr)
}

// skip returns the index of the next rule, from rule k on, that can change the verdict. until
// is the earliest time at which a rule before k may change the verdict.
func (h *hit) skip(j *judgement, k int, until order.Time) int {
	if h.long == nil {
		return k // kept small to be inlined: nearly all names have few rules
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

// last returns the index of the last rule of the same kind as rule k. Without an index of the
// list it returns k.
func (h *hit) last(k int) int {
	if h.long == nil {
		return k
	}
	return h.long.ends[h.rules[k].kind] - 1
}

// firstException returns the index of the first rule of the hit that may be an exception of
// the order with the given entry number.
func (h *hit) firstException(entry uint32) int {
	if h.long == nil {
		return 0
	}
	// written out, because this is most of the work of an order with exceptions
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

// blocksOf returns the rules of the hit that may be blocks of the order and have the kind k.
// The order must belong to the part of the hit.
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
