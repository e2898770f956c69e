package ruleset

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/pace"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// Builder compiles the orders of one file. It is not safe for concurrent use.
type Builder struct {
	opt      Options
	part     *Part
	index    index.Builder
	rules    []rule // those of the index's values
	addrs    map[netip.Prefix][]rule
	wire     dname.Wire // of the name that the guard looks at
	interned interner
	commons  map[commonKey]*Common
	// The last one asked for: orders of one authority follow one another.
	lastKey     commonKey
	lastCommon  *Common
	commonsMade int
	redirects   map[netip.Addr]struct{} // those of the part
	schedIDs    map[string]uint32
	// repeated counts the targets that stand twice, for orders with side lists;
	// in the order file itself the parser has seen them.
	repeated map[uint32]int
}

// never is the number of the schedule without intervals: what is not active.
const never = 0

// NewBuilder returns a Builder for the file of the given path.
func NewBuilder(path string, opt Options) *Builder {
	if opt.Response.Kind == order.ResponseUnset {
		opt.Response.Kind = order.NXDOMAIN
	}
	part := &Part{path: &path, guard: opt.Guard, response: opt.Response, embeddings: embeddingsWith(opt.NAT64)}
	b := &Builder{opt: opt, part: part, interned: newInterner(), commons: map[commonKey]*Common{}}
	b.schedule(nil) // number 0: never
	return b
}

// Add compiles one order. It keeps the order's Terms and strings, not the Order.
func (b *Builder) Add(o *order.Order) {
	pace.Step(b.part.entries.n)
	e := entry{
		Order: Order{ID: o.ID, Common: b.common(o)},
		place: o.PlaceInHistory(), from: o.From, isIssued: o.Issued != order.NoTime,
		index: int32(o.Index), line: int32(o.Line), column: int32(o.Column),
	}
	if len(o.References) > 0 {
		e.Reference = o.References[0]
	}
	if e.response.Kind == order.Redirect && e.action == order.Block && e.status == order.Active {
		b.redirectTo(e.response.Addresses)
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
		b.target(&e, n, own, t, groups[keyOf(t)])
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

// entry appends e to the part's.
func (b *Builder) entry(e entry) {
	p := b.part
	if e.action == order.Lift {
		p.lifts = append(p.lifts, uint32(p.entries.n))
	}
	p.countries = p.countries || e.scope.hasCountries()
	p.shadows = p.shadows || e.status == order.Shadow
	p.entries.add(e)
}

// dates returns when an order has a date.
func dates(o *order.Order) []interval {
	return intersect(single(begin(o), o.Until), windows(o.Windows))
}

// begin returns when an order begins: from its own from on, a lift that has none from
// its place in history on.
func begin(o *order.Order) order.Time {
	if o.Action == order.Lift && o.From == order.NoTime {
		return o.PlaceInHistory()
	}
	return o.From
}

// inForce returns when an order is enforced. The names of one that never is stand in
// the index all the same: a list that an operator suspends has not shrunk, and explain
// can say why it does nothing.
func inForce(o *order.Order) []interval {
	if o.Status != order.Active && o.Status != order.Shadow {
		return nil
	}
	return dates(o)
}

// side takes the names of a side list, all of which have one rule.
type side struct {
	*Builder
	rule uint32
}

// Side returns what takes the names of o's side list, before o itself is added.
func (b *Builder) Side(o *order.Order) order.Names {
	if b.repeated == nil {
		b.repeated = map[uint32]int{}
	}
	b.repeated[uint32(b.part.entries.n)] = 0
	return &side{b, b.number(b.plainRule(o))}
}

// plainRule returns the rule of the names of an order that is to be added next, where
// nothing is said of a name but the name.
func (b *Builder) plainRule(o *order.Order) rule {
	r := rule{entry: uint32(b.part.entries.n), sched: b.schedule(inForce(o)), kind: blockSubtree, shadow: o.Status == order.Shadow}
	if o.Action == order.Lift {
		r.kind = liftSubtree
	}
	return r
}

// Targets returns what takes the long lists of plain names among o's targets, before o
// itself is added.
func (b *Builder) Targets(o *order.Order) order.Names {
	p := &plain{side: side{b, b.number(b.plainRule(o))}, groups: ownExceptions(o.Targets)}
	if p.groups != nil {
		p.own = b.plainRule(o)
	}
	return p
}

// plain takes the plain names among the targets of an order. A name that is another
// target of the order too has the exceptions of that target.
type plain struct {
	side
	groups map[targetKey]uint32
	own    rule
}

func (p *plain) AddWire(w *dname.Wire) {
	if p.groups != nil {
		if p.own.group = p.groups[targetKey{name: w.Name(), match: order.Subtree}]; p.own.group > 0 {
			p.hang(w, p.number(p.own))
			return
		}
	}
	p.side.AddWire(w)
}

func (s *side) Grow(n int) { s.index.Grow(n) }

func (s *side) AddWire(w *dname.Wire) { s.hang(w, s.rule) }

// enforceable reports whether a target is DNS's business. Whoever was to enforce
// an address, a lift ends it.
func enforceable(action order.Action, t *order.Target) bool {
	return t.Kind != order.TargetURL && (t.Kind != order.TargetAddress || t.Attr.EnforcedBy == order.ByDNS || action == order.Lift)
}

// target compiles one target of the order that becomes entry n.
func (b *Builder) target(e *entry, n uint32, own []interval, t *order.Target, group uint32) {
	if !enforceable(e.action, t) {
		e.others++
		return
	}
	r := rule{entry: n, sched: e.sched, group: group, shadow: e.status == order.Shadow}
	base := blockExact
	if e.action == order.Lift {
		base = liftExact
	}
	match := t.Match
	if t.Kind == order.TargetAddress {
		match = order.Subtree // a network and all addresses in it
	}
	r.kind = base + kind(match)
	if a := t.Attr; a != nil {
		r.shadow = r.shadow || a.Status == order.Shadow
		b.part.shadows = b.part.shadows || r.shadow
		if a.Status != order.Active && a.Status != order.Shadow {
			r.sched = never
		} else if a.From != order.NoTime || a.Until != order.NoTime || a.Windows != nil {
			r.sched = b.schedule(intersect(own, intersect(single(a.From, a.Until), windows(a.Windows))))
		}
		for _, x := range a.Except {
			b.rule(x, rule{entry: n, kind: except, group: group})
		}
	}
	if t.Kind == order.TargetAddress {
		e.addrs++
		b.address(t.Attr.Address, r)
		return
	}
	e.names++
	b.rule(t.Name, r)
}

// targetKey is what makes two targets of an order the same.
type targetKey struct {
	name    dname.Name
	match   order.Match
	address netip.Prefix
}

func keyOf(t *order.Target) targetKey {
	k := targetKey{name: t.Name, match: t.Match}
	if t.Kind == order.TargetAddress {
		k.address = t.Attr.Address
	}
	return k
}

// ownExceptions numbers the targets that have exceptions of their own, from 1.
// A target that stands twice has the exceptions of both mentions.
func ownExceptions(targets []order.Target) map[targetKey]uint32 {
	var groups map[targetKey]uint32
	for i := range targets {
		t := &targets[i]
		if t.Kind == order.TargetURL || t.Attr == nil || len(t.Attr.Except) == 0 {
			continue
		}
		if groups == nil {
			groups = map[targetKey]uint32{}
		}
		if k := keyOf(t); groups[k] == 0 {
			groups[k] = uint32(len(groups) + 1)
		}
	}
	return groups
}

// rule hangs a rule on a name.
func (b *Builder) rule(name dname.Name, r rule) {
	b.wire.SetName(name)
	b.hang(&b.wire, b.number(r))
}

// number returns the number of a rule: the targets of an order have few different
// ones.
func (b *Builder) number(r rule) uint32 {
	n := len(b.rules)
	for i := n - 1; i >= max(0, n-4); i-- {
		if b.rules[i] == r {
			return uint32(i)
		}
	}
	b.rules = append(b.rules, r)
	return uint32(n)
}

// hang hangs the rule of that number on a name.
func (b *Builder) hang(w *dname.Wire, rule uint32) {
	if b.opt.Guard != nil && b.rules[rule].kind >= blockExact {
		b.part.held.checkName(b.opt.Guard, w)
	}
	b.index.AddWire(w, rule)
}

// Freeze returns the compiled part and its problems: what is worth a warning, and an error
// when the part lacks names because there are too many. The Builder must not be used any
// more.
func (b *Builder) Freeze() (*Part, order.Problems) {
	p := b.part
	// A name with one rule has it alone: rules are lists of one, as they stand.
	p.rules = b.rules
	for i := range p.rules {
		p.rules[i].last = true
	}
	own := Set{segments: []*Part{p}} // to know the lifts of whole orders
	own.findWhole()
	full := b.index.Full()
	b.freezeNames(&own)
	b.freezeAddresses(&own)
	p.findLookouts()
	p.rules = fit(p.rules)
	p.entries.fit()
	p.deadlines, p.reviews = fit(p.deadlines), fit(p.reviews)
	p.dutyTargets = fit(p.dutyTargets)
	p.intervals = fit(p.intervals)
	p.schedules = fit(p.schedules)
	b.measure()
	var problems order.Problems
	if full {
		problems = append(problems, order.Problem{File: p.Path(), Msg: "has more names than an index of 4 GiB has room for; split it into several files"})
	}
	for i := range uint32(p.entries.n) {
		if n := b.repeated[i]; n > 0 {
			e := p.entries.at(i)
			problems = append(problems, order.Problem{
				File: *e.file, Line: int(e.line), Column: int(e.column), Order: e.ID, Field: "targets_from",
				Msg:     fmt.Sprintf("%d targets of the order stand more than once", n),
				Warning: true, Sealed: e.Terms.Disclosure.Sealed(),
			})
		}
	}
	*b = Builder{}
	return p, problems
}

// freezeNames ends the index and adds the lists of rules of the names that have
// several. The set knows the part's lifts of whole orders.
func (b *Builder) freezeNames(own *Set) {
	p := b.part
	lists := map[string]uint32{}
	var key []byte
	var list []rule
	join := func(values []uint32) uint32 {
		list = list[:0]
		for _, v := range values {
			list = append(list, p.rules[v])
		}
		list = b.tidy(list, func(e *entry) { e.names-- })
		key = appendKey(key[:0], list)
		ref, ok := lists[string(key)]
		if !ok {
			ref = uint32(len(p.rules))
			p.rules = append(p.rules, list...)
			p.gather(ref, list, own)
			// Lists of a single-order file repeat; those of a register of a
			// million orders never do, and remembering them all would cost more
			// than it saves.
			if len(lists) < 1<<16 {
				lists[string(key)] = ref
			}
		}
		return ref
	}
	// The names of a list are all alike.
	last := struct {
		ref     uint32
		mark    bool
		blocked int
	}{ref: math.MaxUint32}
	p.names = b.index.Freeze(join, func(ref uint32) bool {
		if last.ref != ref {
			list := p.list(ref)
			last.ref, last.mark, last.blocked = ref, slices.ContainsFunc(list, p.deviates), int(b2u(blocks(list)))
		}
		p.blocked += last.blocked
		return last.mark
	})
}

// fit gives back what a grown slice has beyond its length; slices.Clip would only
// hide it.
func fit[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }

// deviates reports whether, because of r, a name may get something other than
// NXDOMAIN while the names above it get just that. What is not enforced must not
// show, not even as more names to look at than maxBelow.
func (p *Part) deviates(r rule) bool {
	e := p.entries.at(r.entry)
	return e.status == order.Active && !r.shadow && (r.kind < blockExact || e.response.Kind != order.NXDOMAIN)
}

// tidy sorts the rules at one name by precedence and merges what was said twice,
// which uncount takes off the order's targets.
func (b *Builder) tidy(list []rule, uncount func(*entry)) []rule {
	entries := &b.part.entries
	slices.SortStableFunc(list, func(x, y rule) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), precedence(entries.at(x.entry), entries.at(y.entry)), cmp.Compare(x.entry, y.entry))
	})
	for i := 1; i < len(list); i++ {
		if x, y := list[i-1], list[i]; x.entry == y.entry && x.kind == y.kind && x.kind != except && y.kind != except {
			e := entries.at(y.entry)
			if n, ok := b.repeated[y.entry]; ok {
				b.repeated[y.entry] = n + 1
			}
			uncount(e)
		}
	}
	list = slices.Compact(list)
	for i := range list {
		list[i].last = i == len(list)-1
	}
	return list
}

// precedence orders orders that have targets alike: the earliest issued first,
// those without a date last, then by id.
func precedence(x, y *entry) int {
	if x == y {
		return 0
	}
	return cmp.Or(cmp.Compare(noTimeLast(x.issued()), noTimeLast(y.issued())), cmp.Compare(x.ID, y.ID))
}

func noTimeLast(t order.Time) order.Time {
	if t == order.NoTime {
		return Forever
	}
	return t
}

func b2u(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendKey(key []byte, list []rule) []byte {
	for _, r := range list {
		key = binary.LittleEndian.AppendUint32(key, r.entry)
		key = binary.LittleEndian.AppendUint32(key, r.sched)
		key = binary.LittleEndian.AppendUint32(key, r.group)
		key = append(key, byte(r.kind), b2u(r.shadow))
	}
	return key
}
