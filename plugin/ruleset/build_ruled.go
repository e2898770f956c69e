package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Ruled returns the part compiled with other options. It does not read the file again, because the
// file may have changed.
func (p *Part) Ruled(opt Options) *Part {
	b := NewBuilder(*p.path, opt)
	if b.opt.Response.Kind == p.response.Kind && slices.Equal(b.opt.Response.Addresses, p.response.Addresses) {
		sameForms := slices.Equal(p.embeddings, b.part.embeddings)
		if p.guard == opt.Guard && sameForms {
			return p
		}
		q := *p
		q.embeddings = b.part.embeddings
		return q.Guarded(opt.Guard)
	}
	commons := map[*Common]*Common{}
	return p.rebuilt(b, func(e *entry) bool {
		e.Common = b.ruled(e.Common, commons)
		return true
	})
}

// Without returns a copy of the part with fewer orders. If the function drop returns true for an
// id, the copy lacks the order.
func (p *Part) Without(drop func(id string) bool) *Part {
	return p.without(func(e *entry) bool { return drop(e.ID) })
}

func (p *Part) without(drop func(*entry) bool) *Part {
	b := NewBuilder(*p.path, Options{Response: p.response, Guard: p.guard})
	b.part.embeddings = p.embeddings
	return p.rebuilt(b, func(e *entry) bool { return !drop(e) })
}

func (p *Part) rebuilt(b *Builder, change func(*entry) bool) *Part {
	b.part.path = p.path
	scheds, entries := b.take(p, change)
	b.part.recompiled = true
	b.part.dutyTargets = p.dutyTargets
	b.part.deadlines = renumbered(p.deadlines, scheds, entries)
	b.part.reviews = renumbered(p.reviews, scheds, entries)
	q, _ := b.Freeze()
	for i, n := range entries {
		if n == dropped {
			continue
		}
		from, to := p.entries.at(uint32(i)), q.entries.at(n)
		to.names, to.addrs = from.names, from.addrs
	}
	return q
}

func (b *Builder) ruled(c *Common, made map[*Common]*Common) *Common {
	if c.Terms.Response.Kind != order.ResponseUnset {
		return c
	}
	if made[c] == nil {
		own := *c
		own.response = b.opt.Response
		made[c] = &own
	}
	b.commonsMade = len(made)
	return made[c]
}

func renumbered(duties []duty, scheds, entries []uint32) []duty {
	out := make([]duty, 0, len(duties))
	for _, d := range duties {
		if entries[d.entry] == dropped {
			continue
		}
		d.sched, d.entry = scheds[d.sched], entries[d.entry]
		out = append(out, d)
	}
	return out
}
