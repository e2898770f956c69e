package ruleset

import (
	"cmp"
	hexadecimal "encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A twin is a slow and simple implementation of the verdict, from docs/order-format.md and README.
type twin struct {
	files  []twinFile
	opt    Options
	orders []twinOrder // the orders of all files
}

type twinFile struct {
	orders []*order.Order
}

type twinOrder struct {
	*order.Order
	file int
}

type twinPlace struct {
	name    dname.Name
	host    dname.Name // the host of a service name, else name
	generic bool       // the place is any name below name that no order contains
	addr    netip.Addr // an address of an answer; name is then empty
}

func (n twinPlace) under(base dname.Name) bool { return base.Covers(n.name) }

type twinQuery struct {
	asked  *twinPlace // the asked name, if its answer leads to the place
	c      Client
	now    order.Time
	shadow bool
}

func (t *twin) covers(o *order.Order, x *order.Target, n twinPlace) bool {
	if x.Kind == order.TargetAddress {
		a := n.addr.Unmap()
		return t.opt.Addresses && a.IsValid() && x.Attr.Address.Contains(a) &&
			(o.Action == order.Lift || x.Attr.EnforcedBy == order.ByDNS)
	}
	if x.Kind == order.TargetURL || n.addr.IsValid() {
		return false
	}
	switch x.Match {
	case order.Exact:
		return !n.generic && (x.Name == n.name || x.Name == n.host)
	case order.BelowOnly:
		return n.under(x.Name) && (n.generic || x.Name != n.name)
	}
	return n.under(x.Name)
}

func inWindow(from, until order.Time, now order.Time) bool {
	return (from == order.NoTime || from <= now) && (until == order.NoTime || now < until)
}

func inWindows(ws []order.Window, now order.Time) bool {
	if len(ws) == 0 {
		return true
	}
	return slices.ContainsFunc(ws, func(w order.Window) bool { return inWindow(w.From, w.Until, now) })
}

func twinInTime(o *order.Order, now order.Time) bool {
	from := o.From
	if o.Action == order.Lift && from == order.NoTime {
		from = o.DecidedAt()
	}
	return inWindow(from, o.Until, now) && inWindows(o.Windows, now)
}

func (q *twinQuery) counts(s order.Status) bool {
	return s == order.Active || q.shadow && s == order.Shadow
}

func (q *twinQuery) inForce(o *order.Order, t *order.Target) bool {
	if !q.counts(o.Status) || !twinInTime(o, q.now) {
		return false
	}
	return t == nil || t.Attr == nil || q.counts(t.Attr.Status) &&
		inWindow(t.Attr.From, t.Attr.Until, q.now) && inWindows(t.Attr.Windows, q.now)
}

func twinScope(o *order.Order, c Client) bool {
	s := o.Scope
	if s == nil || s.Global {
		return true
	}
	for _, cc := range s.Countries {
		if c.Country != "" && (cc == c.Country || cc == order.EU && c.Country.InEU()) {
			return true
		}
	}
	for _, x := range s.Clients {
		if c.Addr.IsValid() && x.Contains(c.Addr) {
			return true
		}
	}
	return false
}

func twinExempt(o *order.Order, c Client, now order.Time) bool {
	for _, e := range o.Exempt {
		for _, x := range e.Clients {
			if c.Addr.IsValid() && x.Contains(c.Addr) && (e.Until == order.NoTime || now < e.Until) {
				return true
			}
		}
	}
	return false
}

func sameTarget(a, b *order.Target) bool {
	if a.Kind != b.Kind || a.Kind == order.TargetURL {
		return false
	}
	if a.Kind == order.TargetAddress {
		return a.Attr.Address == b.Attr.Address
	}
	return a.Name == b.Name && a.Match == b.Match
}

func twinExcepted(o *order.Order, t *order.Target, n twinPlace) bool {
	if slices.ContainsFunc(o.Except, n.under) {
		return true
	}
	for i := range o.Targets {
		if x := &o.Targets[i]; t != nil && x.Attr != nil && sameTarget(x, t) && slices.ContainsFunc(x.Attr.Except, n.under) {
			return true
		}
	}
	return false
}

func twinTargets(o *order.Order) []order.Target {
	if o.Side == nil {
		return o.Targets
	}
	out := slices.Clone(o.Targets)
	for name := range o.Side.Names.All() {
		out = append(out, order.Target{Name: name, Match: order.Subtree})
	}
	return out
}

func twinReaches(l, o twinOrder) bool {
	if l.Lifts != nil {
		return slices.Contains(l.Lifts, o.ID)
	}
	if l.Authority.Name != o.Authority.Name || l.Authority.Country != o.Authority.Country {
		return false
	}
	lp, op := l.DecidedAt(), o.DecidedAt()
	if op == order.NoTime {
		return false
	}
	c := cmp.Or(cmp.Compare(op, lp), cmp.Compare(o.From, l.From))
	if c == 0 && l.file == o.file {
		c = cmp.Compare(o.Index, l.Index)
	}
	if c == 0 {
		return l.file != o.file
	}
	return c < 0
}

func twinWhole(l *order.Order) bool {
	return l.Action == order.Lift && len(l.Targets) == 0 && l.Side == nil
}

func (t *twin) touches(o *order.Order, n twinPlace, q twinQuery) bool {
	return slices.ContainsFunc(twinTargets(o), func(x order.Target) bool {
		hidden := x.Attr != nil && x.Attr.Status == order.Shadow && !q.shadow
		return !hidden && t.covers(o, &x, n)
	})
}

func (t *twin) lifted(o twinOrder, n twinPlace, q twinQuery, asked bool) bool {
	for _, l := range t.orders {
		if l.Action != order.Lift || !twinReaches(l, o) || !twinScope(l.Order, q.c) {
			continue
		}
		if twinWhole(l.Order) && !asked && q.inForce(l.Order, nil) && !twinExcepted(l.Order, nil, n) {
			return true
		}
		for _, lt := range twinTargets(l.Order) {
			if t.covers(l.Order, &lt, n) && q.inForce(l.Order, &lt) && !twinExcepted(l.Order, &lt, n) {
				return true
			}
		}
	}
	return false
}

func (t *twin) spared(o twinOrder, x *order.Target, n twinPlace, q twinQuery) bool {
	if twinExcepted(o.Order, x, n) || t.lifted(o, n, q, false) {
		return true
	}
	return q.asked != nil && (twinExcepted(o.Order, x, *q.asked) ||
		t.touches(o.Order, *q.asked, q) && t.lifted(o, *q.asked, q, true))
}

type candidate struct {
	order  twinOrder
	target order.Target
}

func (c *candidate) size() int {
	if c.target.Kind == order.TargetAddress {
		return c.target.Attr.Address.Bits()
	}
	return c.target.Name.NumLabels()
}

func (t *twin) judge(n twinPlace, q twinQuery) *candidate {
	if q.asked != nil && t.opt.Guard != nil && t.guard().protects(q.asked.name) {
		return nil
	}
	var all []candidate
	for _, o := range t.orders {
		if o.Action != order.Block || t.undecidable(o.Order) || !twinScope(o.Order, q.c) || twinExempt(o.Order, q.c, q.now) {
			continue
		}
		for _, x := range twinTargets(o.Order) {
			if t.covers(o.Order, &x, n) && q.inForce(o.Order, &x) && !t.held(o.Order, &x) && !t.spared(o, &x, n, q) {
				all = append(all, candidate{o, x})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	issued := func(o *order.Order) order.Time {
		if o.Issued == order.NoTime {
			return Forever
		}
		return o.Issued
	}
	best := slices.MinFunc(all, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(b.size(), a.size()),
			cmp.Compare(a.target.Match, b.target.Match),
			cmp.Compare(issued(a.order.Order), issued(b.order.Order)),
			strings.Compare(a.order.ID, b.order.ID))
	})
	return &best
}

func (t *twin) response(o *order.Order) order.Response {
	r := o.Response
	if r.Kind == order.ResponseUnset {
		r = t.opt.Response
	}
	if r.Kind == order.ResponseUnset {
		r.Kind = order.NXDOMAIN
	}
	return r
}

type twinVerdict struct {
	id       string
	labels   int
	match    order.Match
	response order.ResponseKind
	below    SubtreeOutcome
}

func (t *twin) inside(a netip.Addr) (out []netip.Addr) {
	if !a.Is6() || a.Is4In6() || a == netip.IPv6Unspecified() || a == netip.IPv6Loopback() {
		return nil
	}
	text := a.StringExpanded()
	digits := strings.ReplaceAll(text, ":", "")
	v4 := func(hex string) {
		b, err := hexadecimal.DecodeString(hex)
		if err != nil || len(b) != 4 {
			panic(hex)
		}
		out = append(out, netip.AddrFrom4([4]byte(b)))
	}
	switch {
	case strings.HasPrefix(text, "0064:ff9b:0000:0000:0000:0000:"), strings.HasPrefix(text, "0064:ff9b:0001:"),
		strings.HasPrefix(text, "0000:0000:0000:0000:0000:0000:"):
		v4(digits[24:])
	case strings.HasPrefix(text, "2002:"):
		v4(digits[4:12])
	}
	for _, p := range t.opt.NAT64 {
		if !p.Contains(a) {
			continue
		}
		switch p.Bits() {
		case 32:
			v4(digits[8:16])
		case 40:
			v4(digits[10:16] + digits[18:20])
		case 48:
			v4(digits[12:16] + digits[18:22])
		case 56:
			v4(digits[14:16] + digits[18:24])
		case 64:
			v4(digits[18:26])
		case 96:
			v4(digits[24:32])
		}
	}
	return out
}

func (t *twin) decide(n twinPlace, q twinQuery) (v twinVerdict) {
	best := t.judge(n, q)
	for _, a := range t.inside(n.addr) {
		if best == nil {
			best = t.judge(twinPlace{addr: a}, q)
		}
	}
	if best == nil {
		return v
	}
	v = twinVerdict{best.order.ID, best.size(), best.target.Match, t.response(best.order.Order).Kind, SubtreeNXDOMAIN}
	if n.addr.IsValid() {
		v.labels, v.match, v.below = dname.MaxLabels, order.Subtree, SubtreeBlocked
		return v
	}
	mentioned := map[dname.Name]bool{n.name: true}
	for _, o := range t.orders {
		for _, x := range twinTargets(o.Order) {
			mentioned[x.Name] = true
			if x.Attr != nil {
				for _, e := range x.Attr.Except {
					mentioned[e] = true
				}
			}
		}
		for _, e := range o.Except {
			mentioned[e] = true
		}
	}
	for m := range mentioned {
		if !n.name.Covers(m) {
			continue
		}
		for _, x := range []twinPlace{{name: m, host: m}, {name: m, host: m, generic: true}} {
			v.below = max(v.below, t.gets(x, q))
		}
	}
	host := n.name
	for range twinServiceLabels(n.name) {
		host = host.Parent()
		v.below = max(v.below, t.gets(twinPlace{name: n.name, host: host}, q))
	}
	return v
}

func (t *twin) gets(n twinPlace, q twinQuery) SubtreeOutcome {
	switch b := t.judge(n, q); {
	case b == nil:
		return SubtreePasses
	case t.response(b.order.Order).Kind != order.NXDOMAIN:
		return SubtreeBlocked
	}
	return SubtreeNXDOMAIN
}

func twinServiceLabels(n dname.Name) int {
	count := 0
	for count < 2 && n.NumLabels() > 1 && strings.HasPrefix(n.String(), "_") {
		count, n = count+1, n.Parent()
	}
	return count
}
