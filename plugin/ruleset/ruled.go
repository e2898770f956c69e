package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Ruled returns the part as a Builder with other options would have built it. It does not read
// the file again, because the file may have changed or vanished. If p was built with the same
// guard, response and NAT64 prefixes, Ruled returns p. Ruled does not change p.
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
	// The response decides which names are marked in the index, so the index is built again
	// from the compiled rules.
	b.part.path = p.path
	commons := map[*Common]*Common{}
	scheds := b.take(p, func(e *entry) {
		e.Common = b.ruled(e.Common, commons)
		if e.response.Kind == order.Redirect && e.action == order.Block && e.status == order.Active {
			b.redirectTo(e.response.Addresses)
		}
	})
	b.part.dutyTargets = p.dutyTargets
	b.part.deadlines = renumbered(p.deadlines, scheds)
	b.part.reviews = renumbered(p.reviews, scheds)
	q, _ := b.Freeze()
	for i := range uint32(p.entries.n) {
		// Copy the numbers of targets from p: Freeze subtracted the duplicate targets again,
		// although they were already subtracted when p was built.
		from, to := p.entries.at(i), q.entries.at(i)
		to.names, to.addrs = from.names, from.addrs
	}
	return q
}

// ruled returns c with the builder's response if the orders of c prescribe none, else c. made
// caches the results of earlier calls.
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

// renumbered returns copies of the duties with the new numbers of the schedules.
func renumbered(duties []duty, scheds []uint32) []duty {
	out := make([]duty, len(duties))
	for i, d := range duties {
		d.sched = scheds[d.sched]
		out[i] = d
	}
	return out
}
