package ruleset

import (
	"iter"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
)

const entryBlock = 1 << 12

type entries struct {
	blocks [][]entry
	n      int
}

func (s *entries) at(i uint32) *entry { return &s.blocks[i/entryBlock][i%entryBlock] }

// Entries may move while the list grows. Keep no pointer to an entry until the list is complete.
func (s *entries) add(e entry) {
	switch s.n {
	case 0:
		s.blocks = [][]entry{nil} // the first block grows, because most files have few orders
	case len(s.blocks) * entryBlock:
		s.blocks = append(s.blocks, make([]entry, 0, entryBlock))
	}
	last := &s.blocks[len(s.blocks)-1]
	*last = append(*last, e)
	s.n++
}

func (s *entries) fit() {
	if s.n > 0 {
		last := &s.blocks[len(s.blocks)-1]
		*last = fit(*last)
	}
}

func (s *entries) all() iter.Seq2[uint32, *entry] {
	return func(yield func(uint32, *entry) bool) {
		n := uint32(0)
		for _, block := range s.blocks {
			for i := range block {
				coop.Tick(i)
				if !yield(n, &block[i]) {
					return
				}
				n++
			}
		}
	}
}

type commonKey struct {
	terms           *order.Terms // the terms also determine the scope, exemptions and response
	action          order.Action
	status          order.Status
	public, excepts bool
}

const maxCommon = 1 << 12

func (b *Builder) common(o *order.Order) *Common {
	k := commonKey{o.Terms, o.Action, o.Status, o.Public, len(o.Except) > 0}
	rare := len(o.FilteringDatabases)+len(o.Lifts)+len(o.Force) > 0
	if c := b.commons[k]; c != nil && !rare {
		return c
	}
	c := &Common{
		Terms: o.Terms, FilteringDatabases: o.FilteringDatabases,
		action: o.Action, status: o.Status, public: o.Public, excepts: k.excepts,
		file: b.part.path, force: newForced(o.Force),
	}
	b.fromTerms(c)
	if len(o.Lifts) > 0 {
		c.lifts = slices.Clone(o.Lifts)
		slices.Sort(c.lifts)
	}
	b.commonsMade++
	if !rare && len(b.commons) < maxCommon {
		b.commons[k] = c
	}
	return c
}

func (b *Builder) fromTerms(c *Common) {
	t := c.Terms
	c.scope, c.exempt, c.response = b.interned.scope(t.Scope), b.interned.exempt(t.Exempt), t.Response
	if c.response.Kind == order.ResponseUnset {
		c.response = b.opt.Response
	}
}
