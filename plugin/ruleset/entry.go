package ruleset

import (
	"iter"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/pace"
)

// entryBlock is the number of entries that stand together. Blocks are full but for
// the last one.
const entryBlock = 1 << 12

// entries are the orders of a part. They stand in blocks, so that those of a
// register are not copied over and over, with room for as many again, while it is
// read.
type entries struct {
	blocks [][]entry
	n      int
}

func (s *entries) at(i uint32) *entry { return &s.blocks[i/entryBlock][i%entryBlock] }

// add appends e. Until fit is called, entries may move.
func (s *entries) add(e entry) {
	switch s.n {
	case 0:
		s.blocks = [][]entry{nil} // to grow: most files have a few orders
	case len(s.blocks) * entryBlock:
		s.blocks = append(s.blocks, make([]entry, 0, entryBlock))
	}
	last := &s.blocks[len(s.blocks)-1]
	*last = append(*last, e)
	s.n++
}

// fit gives back what the last block has beyond its length.
func (s *entries) fit() {
	if s.n > 0 {
		last := &s.blocks[len(s.blocks)-1]
		*last = fit(*last)
	}
}

func (s *entries) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for _, block := range s.blocks {
			for i := range block {
				pace.Step(i)
				if !yield(&block[i]) {
					return
				}
			}
		}
	}
}

// commonKey is all that makes a Common when it has none of the rare fields.
type commonKey struct {
	terms           *order.Terms // scope, exemptions and response are its
	action          order.Action
	status          order.Status
	public, excepts bool
}

// maxCommon bounds what is remembered: in a register whose orders all have terms of
// their own nothing is shared.
const maxCommon = 1 << 12

// common returns what o shares with other orders.
func (b *Builder) common(o *order.Order) *Common {
	k := commonKey{o.Terms, o.Action, o.Status, o.Public, len(o.Except) > 0}
	rare := len(o.FilteringDatabases)+len(o.Lifts)+len(o.Force) > 0
	if !rare && k == b.lastKey && b.lastCommon != nil {
		return b.lastCommon
	}
	if c := b.commons[k]; c != nil && !rare {
		b.lastKey, b.lastCommon = k, c
		return c
	}
	c := &Common{
		Terms: o.Terms, FilteringDatabases: o.FilteringDatabases,
		action: o.Action, status: o.Status, public: o.Public, excepts: k.excepts,
		file: b.part.path, scope: b.interned.scope(o.Scope), exempt: b.interned.exempt(o.Exempt),
		response: o.Response, force: newForced(o.Force),
	}
	c.exemptsAll = c.action == order.Block && c.exempt != nil && b.interned.exemptsAll(c.exempt, o.Scope)
	if c.response.Kind == order.ResponseUnset {
		c.response = b.opt.Response
	}
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
