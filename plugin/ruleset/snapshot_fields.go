package ruleset

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
)

// This file lists the fields of a snapshot. The index has its own section. The other fields are
// computed (see derive).

func (c *coder) part(p *Part) {
	c.flag(&p.shadows)
	c.flag(&p.ownDates)
	num(c, &p.blocked)
	list(c, &p.intervals, c.interval)
	list(c, &p.schedules, c.schedule)
	c.entries(&p.entries)
	list(c, &p.rules, c.rule)
	list(c, &p.whole, func(n *uint32) { num(c, n) })
	list(c, &p.deadlines, c.duty)
	list(c, &p.reviews, c.duty)
	list(c, &p.dutyTargets, func(t *dutyTarget) {
		c.target(&t.target)
		c.flag(&t.idle)
	})
	c.addresses(p)
	c.held(&p.held)
}

func (c *coder) interval(x *interval) {
	c.time(&x.from)
	c.time(&x.until)
}

func (c *coder) schedule(s *schedule) {
	num(c, &s.off)
	num(c, &s.n)
}

func (c *coder) entries(s *entries) {
	n := s.n
	num(c, &n)
	if !c.reading {
		for _, e := range s.all() {
			c.entry(e)
		}
		return
	}
	if n < 0 || n > len(c.in) {
		c.refuse()
	}
	for i := 0; i < n && c.err == nil; i++ {
		coop.Tick(i)
		var e entry
		if c.entry(&e); e.Common == nil {
			c.refuse()
			return
		}
		s.add(e)
	}
	s.fit()
}

func (c *coder) entry(e *entry) {
	c.str(&e.ID)
	c.str(&e.Reference)
	share(c, &c.common, &e.Common, c.shared)
	c.time(&e.rank.decided)
	c.time(&e.rank.from)
	num(c, &e.index)
	num(c, &e.line)
	num(c, &e.column)
	num(c, &e.sched)
	num(c, &e.names)
	num(c, &e.addrs)
	num(c, &e.others)
	c.flag(&e.isIssued)
}

func (c *coder) shared(x *Common) {
	share(c, &c.terms, &x.Terms, c.orderTerms)
	list(c, &x.FilteringDatabases, func(f *order.FilteringDatabase) {
		word(c, &f.DB)
		c.str(&f.ID)
	})
	enum(c, &x.action, order.Lift)
	enum(c, &x.status, order.Suspended)
	c.flag(&x.public)
	c.flag(&x.excepts)
	list(c, &x.lifts, c.str)
	c.forced(&x.force)
	if !c.reading {
		return
	}
	if x.file = c.path; x.Terms == nil || !slices.IsSorted(x.lifts) {
		c.refuse()
	}
}

func (c *coder) orderTerms(t *order.Terms) {
	word(c, &t.Authority.Name)
	word(c, &t.Authority.Country)
	enum(c, &t.Authority.Kind, order.KindOperator)
	share(c, &c.scopes, &t.Scope, c.scope)
	list(c, &t.Exempt, c.exempt)
	c.response(&t.Response)
	num(c, &t.TTL)
	enum(c, &t.Disclosure, order.None)
	for _, text := range []*string{&t.Justification, &t.Language, &t.Organization, &t.URL, &t.Basis, &t.Category, &t.Redress, &t.ReportTo} {
		word(c, text)
	}
	list(c, &t.Contact, func(s *string) { word(c, s) })
}

func (c *coder) scope(s *order.Scope) {
	c.flag(&s.Global)
	list(c, &s.Countries, func(x *order.Country) { word(c, x) })
	list(c, &s.WithTerritories, func(x *order.Country) { word(c, x) })
	list(c, &s.Clients, c.network)
}

func (c *coder) exempt(x *order.Exempt) {
	list(c, &x.Clients, c.network)
	c.time(&x.Until)
	word(c, &x.Reference)
}

func (c *coder) response(r *order.Response) {
	enum(c, &r.Kind, order.Redirect)
	list(c, &r.Addresses, c.addr)
	if (r.Kind == order.Redirect) != (len(r.Addresses) > 0) || slices.ContainsFunc(r.Addresses, func(a netip.Addr) bool { return !a.IsValid() }) {
		c.refuse()
	}
}

func (c *coder) forced(f *forced) {
	all := slices.SortedFunc(maps.Keys(*f), func(a, b target) int {
		return cmp.Or(strings.Compare(a.name.Wire(), b.name.Wire()), a.net.Compare(b.net), cmp.Compare(a.match, b.match))
	})
	list(c, &all, c.target)
	if !c.reading || len(all) == 0 {
		return
	}
	*f = make(forced, len(all))
	for _, t := range all {
		(*f)[t] = struct{}{}
	}
}

func (c *coder) rule(r *rule) {
	num(c, &r.entry)
	num(c, &r.sched)
	num(c, &r.group)
	enum(c, &r.kind, blockBelow)
	c.flag(&r.shadow)
	c.flag(&r.last)
}

func (c *coder) duty(d *duty) {
	c.time(&d.at)
	num(c, &d.entry)
	num(c, &d.sched)
	num(c, &d.target)
}

func (c *coder) target(t *target) {
	c.name(&t.name)
	enum(c, &t.match, order.BelowOnly)
	if c.prefix(&t.net); t.net.IsValid() != t.name.IsZero() {
		c.refuse()
	}
}

func (c *coder) addresses(p *Part) {
	type at struct {
		net   netip.Prefix
		rules []rule
	}
	var all []at
	if p.addrs != nil {
		for x, rules := range p.addrs.AllSorted() {
			all = append(all, at{x, rules.rules})
		}
	}
	exists := p.addrs != nil
	c.flag(&exists)
	list(c, &all, func(x *at) {
		c.network(&x.net)
		list(c, &x.rules, c.rule)
	})
	if c.reading && exists {
		p.addrs = new(addressTable)
		for _, x := range all {
			p.addrs.Insert(x.net, netRules{rules: x.rules})
		}
	}
}

func (c *coder) held(h *held) {
	var all []heldNode
	for _, wire := range slices.Sorted(maps.Keys(h.names)) {
		all = append(all, *h.names[wire])
	}
	for _, x := range slices.SortedFunc(maps.Keys(h.nets), netip.Prefix.Compare) {
		all = append(all, *h.nets[x])
	}
	list(c, &all, func(n *heldNode) {
		c.name(&n.name)
		c.prefix(&n.net)
		if word(c, &n.why); n.net.IsValid() != n.name.IsZero() {
			c.refuse()
		}
	})
	if c.reading {
		for i := range all {
			h.add(&all[i])
		}
	}
}

func (b *Builder) derive() error {
	p := b.part
	if err := p.faulty(); err != nil {
		return err
	}
	for i, e := range p.entries.all() {
		if c := e.Common; c.response.Kind == order.ResponseUnset { // not seen before
			b.fromTerms(c)
			b.commonsMade++
		}
		b.note(e, i)
	}
	for from, to := range runs(p.rules) {
		b.addLongList(uint32(from), p.rules[from:to])
	}
	if p.addrs != nil {
		for x, at := range p.addrs.Clone().All() {
			p.addrs.Insert(x, netRules{at.rules, b.indexLongList(at.rules)})
		}
	}
	b.measure()
	return nil
}
