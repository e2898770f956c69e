package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// A Builder compiles the orders of one file. It is not safe for concurrent use.
type Builder struct {
	opt         Options
	part        *Part
	index       index.Builder
	rules       []rule // the values in index are indexes of this slice
	addrs       map[netip.Prefix][]rule
	wire        dname.Wire // scratch space for one name
	interned    interner
	commons     map[commonKey]*Common
	commonsMade int
	redirects   map[netip.Addr]struct{} // the keys of part.redirects
	schedIDs    map[string]uint32
	repeated    map[uint32]int
}

const never = 0

// NewBuilder returns a Builder for the file at the given path.
func NewBuilder(path string, opt Options) *Builder {
	if opt.Response.Kind == order.ResponseUnset {
		opt.Response.Kind = order.NXDOMAIN
	}
	part := &Part{path: &path, guard: opt.Guard, response: opt.Response, embeddings: embeddingsWith(opt.NAT64)}
	b := &Builder{opt: opt, part: part, interned: newInterner(), commons: map[commonKey]*Common{}}
	b.schedule(nil)
	return b
}

// Add compiles an order. The Builder keeps pointers to the Terms of the order.
func (b *Builder) Add(o *order.Order) {
	coop.Tick(b.part.entries.n)
	e := entry{
		Order: Order{ID: o.ID, Common: b.common(o)},
		rank:  Rank{o.DecidedAt(), o.From}, isIssued: o.Issued != order.NoTime,
		index: int32(o.Index), line: int32(o.Line), column: int32(o.Column),
	}
	if len(o.References) > 0 {
		e.Reference = o.References[0]
	}
	n := uint32(b.part.entries.n)
	b.duties(o, n, dates(o))
	own := inForce(o)
	e.sched = b.schedule(own)
	for _, x := range o.Except {
		b.rule(x, rule{entry: n, kind: except})
	}
	groups := ownExceptions(o.Targets)
	for i := range o.Targets {
		t := &o.Targets[i]
		b.target(&e, n, own, t, groups[targetOf(t)])
	}
	e.names += int32(o.Plain)
	if o.Side != nil {
		e.names += int32(o.Side.Len())
		if k := o.Side.Names.Len(); k > 0 {
			side := b.Side(o)
			side.Grow(k)
			var w dname.Wire
			for name := range o.Side.Names.All() {
				w.SetName(name)
				side.AddWire(&w)
			}
		}
	}
	if o.Action == order.Lift && len(o.Targets) == 0 && o.Plain == 0 && o.Side == nil && (o.Status == order.Active || o.Status == order.Shadow) {
		b.part.whole = append(b.part.whole, n)
	}
	b.entry(e)
}

func (b *Builder) entry(e entry) {
	b.note(&e, uint32(b.part.entries.n))
	b.part.entries.add(e)
}

func (b *Builder) note(e *entry, n uint32) {
	p := b.part
	if e.action == order.Lift {
		p.lifts = append(p.lifts, n)
	}
	if e.response.Kind == order.Redirect && e.action == order.Block && e.status == order.Active {
		b.redirectTo(e.response.Addresses)
	}
	p.countries = p.countries || e.scope.hasCountries()
	p.shadows = p.shadows || e.status == order.Shadow
}

// The guard must protect the addresses of block pages.
func (b *Builder) redirectTo(addrs []netip.Addr) {
	for _, a := range addrs {
		if _, ok := b.redirects[a]; !ok {
			if b.redirects == nil {
				b.redirects = map[netip.Addr]struct{}{}
			}
			b.redirects[a] = struct{}{}
			b.part.redirects = append(b.part.redirects, a)
		}
	}
}

func dates(o *order.Order) []interval {
	return intersect(single(o.Begin(), o.Until), windows(o.Windows))
}

func inForce(o *order.Order) []interval {
	if o.Status != order.Active && o.Status != order.Shadow {
		return nil
	}
	return dates(o)
}
