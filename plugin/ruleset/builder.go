package ruleset

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// A Builder compiles the orders of one file. It is not safe for concurrent use.
type Builder struct {
	opt      Options
	part     *Part
	index    index.Builder
	rules    []rule // the values in index are indexes of this slice
	addrs    map[netip.Prefix][]rule
	wire     dname.Wire // scratch space for one name
	interned interner
	commons  map[commonKey]*Common
	// The key and the result of the last call of common. Orders of one authority often follow
	// one another.
	lastKey     commonKey
	lastCommon  *Common
	commonsMade int
	redirects   map[netip.Addr]struct{} // the keys of part.redirects
	schedIDs    map[string]uint32
	// wholeLifts are the times from which on orders are lifted as a whole for good, by the ids
	// of the orders. Freeze finds them.
	wholeLifts map[string]order.Time
	// repeated counts the duplicate targets of each order with a side list, by the number of
	// the order's entry. For orders without a side list, the parser has already reported
	// duplicates.
	repeated map[uint32]int
}

// never is the number of the schedule without intervals, for orders and targets that are not
// active.
const never = 0

// NewBuilder returns a Builder for the file at the given path.
func NewBuilder(path string, opt Options) *Builder {
	if opt.Response.Kind == order.ResponseUnset {
		opt.Response.Kind = order.NXDOMAIN
	}
	part := &Part{path: &path, guard: opt.Guard, response: opt.Response, embeddings: embeddingsWith(opt.NAT64)}
	b := &Builder{opt: opt, part: part, interned: newInterner(), commons: map[commonKey]*Common{}}
	b.schedule(nil) // has number 0, which is never
	return b
}

// Add compiles one order. It keeps the order's Terms and strings, but not the Order.
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

// entry appends e to the entries of the part.
func (b *Builder) entry(e entry) {
	p := b.part
	if e.action == order.Lift {
		p.lifts = append(p.lifts, uint32(p.entries.n))
	}
	p.countries = p.countries || e.scope.hasCountries()
	p.shadows = p.shadows || e.status == order.Shadow
	p.entries.add(e)
}

// dates returns the intervals in which an order is in force by its dates and windows, whatever
// its status is.
func dates(o *order.Order) []interval {
	return intersect(single(begin(o), o.Until), windows(o.Windows))
}

// begin returns the time at which an order begins: its `from`, or the decision time of a
// lift that has no `from`.
func begin(o *order.Order) order.Time {
	if o.Action == order.Lift && o.From == order.NoTime {
		return o.DecidedAt()
	}
	return o.From
}

// inForce returns the intervals in which an order is enforced, nil if there are none. The
// names of an order that is never enforced are in the index too. So a list does not seem to
// shrink when an operator suspends its order, and explain can report why the order has no
// effect.
func inForce(o *order.Order) []interval {
	if o.Status != order.Active && o.Status != order.Shadow {
		return nil
	}
	return dates(o)
}

// A side adds the names of a side list to the index. All names have the same rule.
type side struct {
	*Builder
	rule uint32
}

// Side returns a Names that adds the names of o's side list to the index. It must be called
// before o itself is added.
func (b *Builder) Side(o *order.Order) order.Names {
	if b.repeated == nil {
		b.repeated = map[uint32]int{}
	}
	b.repeated[uint32(b.part.entries.n)] = 0
	return &side{b, b.number(b.plainRule(o))}
}

// plainRule returns the rule of the plain names of o, which are names without attributes. The
// order o must be the next order to be added.
func (b *Builder) plainRule(o *order.Order) rule {
	r := rule{entry: uint32(b.part.entries.n), sched: b.schedule(inForce(o)), kind: blockSubtree, shadow: o.Status == order.Shadow}
	if o.Action == order.Lift {
		r.kind = liftSubtree
	}
	return r
}

// Targets returns a Names that adds the long lists of plain names among o's targets to the
// index. It must be called before o itself is added.
func (b *Builder) Targets(o *order.Order) order.Names {
	p := &plain{side: side{b, b.number(b.plainRule(o))}, groups: ownExceptions(o.Targets)}
	if p.groups != nil {
		p.own = b.plainRule(o)
	}
	return p
}

// A plain adds the plain names among the targets of an order to the index. If the order also
// lists one of these names as a target with exceptions, the exceptions apply to the plain name
// too.
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

// enforceable reports whether DNS can enforce a target. DNS never enforces a URL. DNS enforces
// an address only if its enforced_by is dns. An address of a lift is always enforceable.
func enforceable(action order.Action, t *order.Target) bool {
	return t.Kind != order.TargetURL && (t.Kind != order.TargetAddress || t.Attr.EnforcedBy == order.ByDNS || action == order.Lift)
}

// target compiles one target of an order. The order becomes entry n.
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
		match = order.Subtree // a network covers all its addresses
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
	b.part.ownDates = b.part.ownDates || r.sched != e.sched
	if t.Kind == order.TargetAddress {
		e.addrs++
		b.address(t.Attr.Address, r)
		return
	}
	e.names++
	b.rule(t.Name, r)
}

// A targetKey identifies a target within an order. Two targets with the same key are the same
// target.
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

// ownExceptions numbers, from 1, the targets that have exceptions of their own. If a target is
// listed twice, the exceptions of both mentions apply.
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

// rule adds a rule at a name.
func (b *Builder) rule(name dname.Name, r rule) {
	b.wire.SetName(name)
	b.hang(&b.wire, b.number(r))
}

// number returns the index of a rule in b.rules, and appends the rule if necessary. It
// compares only the last few rules, because the targets of an order have few different rules.
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

// hang adds the rule with the given number at a name.
func (b *Builder) hang(w *dname.Wire, rule uint32) {
	if b.opt.Guard != nil && b.rules[rule].kind >= blockExact {
		b.part.held.checkName(b.opt.Guard, w)
	}
	b.index.AddWire(w, rule)
}

// Freeze returns the compiled part and its problems. The problems are warnings, and an error
// if the part lacks names because the index is full. The Builder must not be used after
// Freeze.
func (b *Builder) Freeze() (*Part, order.Problems) {
	p := b.part
	// A name with one rule refers to that rule directly, so each rule is also a list of one
	// rule.
	p.rules = b.rules
	for i := range p.rules {
		p.rules[i].last = true
	}
	b.findWholeLifts()
	full := b.index.Full()
	b.freezeNames()
	b.freezeAddresses()
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

// freezeNames freezes the index. It makes the lists of rules for the names that have several
// rules; names with equal rules share a list.
func (b *Builder) freezeNames() {
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
			if x := b.indexLongList(list); x != nil {
				if p.longLists == nil {
					p.longLists = map[uint32]*longList{}
				}
				p.longLists[ref], p.rules[ref].long = x, true
			}
			// In a file with one order, the same lists repeat. In a register of a million
			// orders, lists never repeat, and storing all of them would cost more than it
			// saves.
			if len(lists) < 1<<16 {
				lists[string(key)] = ref
			}
		}
		return ref
	}
	// last caches the result for the last list, because consecutive names often have the same
	// list.
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

// findWholeLifts finds the times from which on orders are lifted as a whole for good.
func (b *Builder) findWholeLifts() {
	for _, i := range b.part.whole {
		l := b.part.entries.at(i)
		if l.status == order.Shadow {
			continue
		}
		from := b.part.forGood(l, l.sched)
		for _, id := range l.lifts {
			if at, ok := b.wholeLifts[id]; from < Forever && (!ok || from < at) {
				if b.wholeLifts == nil {
					b.wholeLifts = map[string]order.Time{}
				}
				b.wholeLifts[id] = from
			}
		}
	}
}

// fit returns a copy of s without spare capacity. slices.Clip would not release the spare
// memory.
func fit[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }

// deviates reports whether r can change the outcome of a name whose parent gets NXDOMAIN. A
// rule that is not enforced never does so. It must not count, because it would use up the
// names that maxBelow allows, and so change answers.
func (p *Part) deviates(r rule) bool {
	e := p.entries.at(r.entry)
	return e.status == order.Active && !r.shadow && (r.kind < blockExact || e.response.Kind != order.NXDOMAIN)
}

// tidy sorts the rules at one name by kind and then by precedence, and exceptions by entry. It
// removes duplicates, and calls uncount for each duplicate target.
func (b *Builder) tidy(list []rule, uncount func(*entry)) []rule {
	entries := &b.part.entries
	slices.SortStableFunc(list, func(x, y rule) int {
		if x.kind == except && y.kind == except {
			return cmp.Compare(x.entry, y.entry)
		}
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

// precedence compares two orders that have equal targets: the order issued first comes first,
// orders without a date come last, and equal dates are compared by id.
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
