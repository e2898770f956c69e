package ruleset

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

type choices struct {
	b       []byte
	crowded bool
	lifting bool
	alike   []order.Target
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (c *choices) n(n int) int {
	if len(c.b) == 0 {
		return 0
	}
	v := int(c.b[0]) % n
	c.b = c.b[1:]
	return v
}

func (c *choices) oneIn(n int) bool { return c.n(n) == n-1 }

// lastSecond is small. Orders therefore often overlap in time.
const lastSecond = 12

var labels = []string{"a", "b", "_x"}

func (c *choices) name() dname.Name {
	text := labels[c.n(len(labels))]
	if c.crowded && c.n(4) > 0 {
		text = []string{"a", "b.a", "_x.b.a"}[c.n(3)]
	} else {
		for range c.n(1 + c.n(4)) {
			text += "." + labels[c.n(len(labels))]
		}
	}
	n, err := dname.Parse(text)
	if err != nil {
		panic(err)
	}
	return n
}

func (c *choices) time() order.Time {
	if c.n(3) < 2 {
		return order.NoTime
	}
	return order.Time(c.n(lastSecond))
}

func (c *choices) windows() (ws []order.Window) {
	if !c.oneIn(4) {
		return nil
	}
	for range 1 + c.n(3) {
		ws = append(ws, order.Window{From: c.time(), Until: c.time()})
	}
	return ws
}

var (
	nets       = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	addresses  = []netip.Addr{{}, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("10.2.2.3"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}
	countries  = []order.Country{"", "IT", "CH", "FR"}
	targetNets = []netip.Prefix{
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("198.51.100.0/28"), netip.MustParsePrefix("198.51.100.5/32"),
		netip.MustParsePrefix("2001:db8:1::/64"), netip.MustParsePrefix("2001:db8:1::5/128"),
		netip.MustParsePrefix("64:ff9b::c633:6405/128"), netip.MustParsePrefix("2001:db8:64::c633:6400/120"),
	}
	answered = []netip.Addr{
		netip.MustParseAddr("198.51.100.5"), netip.MustParseAddr("198.51.100.9"), netip.MustParseAddr("198.51.100.200"),
		netip.MustParseAddr("2001:db8:1::5"), netip.MustParseAddr("2001:db8:1::6"), netip.MustParseAddr("::ffff:198.51.100.5"),
		netip.MustParseAddr("64:ff9b::198.51.100.5"), netip.MustParseAddr("64:ff9b:1::198.51.100.9"), netip.MustParseAddr("2002:c633:6405::1"),
		netip.MustParseAddr("::198.51.100.5"), netip.MustParseAddr("::1"), netip.MustParseAddr("2001:db8:64::198.51.100.5"),
		// 198.51.100.5 in prefixes of 32, 40, 48, 56 and 64 bits (RFC 6052, section 2.4).
		netip.MustParseAddr("2001:db8:c633:6405::"), netip.MustParseAddr("2001:db8:1c6:3364:5::"), netip.MustParseAddr("2001:db8:122:c633:64:500::"),
		netip.MustParseAddr("2001:db8:122:3c6:33:6405::"), netip.MustParseAddr("2001:db8:122:344:c6:3364:500:0"),
		netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2"),
	}
	ownPrefixes = []netip.Prefix{
		netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2001:db8:100::/40"), netip.MustParsePrefix("2001:db8:122::/48"),
		netip.MustParsePrefix("2001:db8:122:300::/56"), netip.MustParsePrefix("2001:db8:122:344::/64"), netip.MustParsePrefix("2001:db8:64::/96"),
	}
)

func (c *choices) status() order.Status {
	if c.oneIn(8) {
		return order.Status(1 + c.n(3))
	}
	return order.Active
}

func (c *choices) order(id string, index int) *order.Order {
	terms := &order.Terms{TTL: -1, Authority: order.Authority{Name: []string{"A", "B"}[c.n(2)]}}
	if c.oneIn(8) {
		terms.Authority.Country = "IT"
	}
	o := &order.Order{
		ID: id, Index: index, Terms: terms, Status: c.status(),
		Issued: c.time(), From: c.time(), Until: c.time(), Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime,
		Windows: c.windows(),
	}
	if c.oneIn(3) {
		o.Deadline = order.Time(c.n(lastSecond))
	}
	if c.oneIn(4) {
		o.Review = order.Time(c.n(lastSecond))
	}
	if c.oneIn(4) {
		o.Served = order.Time(c.n(lastSecond))
	}
	if c.oneIn(4) {
		terms.Disclosure = order.Code
	}
	if c.oneIn(3) || c.lifting && c.n(2) == 0 {
		o.Action, o.Public = order.Lift, c.oneIn(4)
		if o.DecidedAt() == order.NoTime {
			o.Issued = 3
		}
		for range c.n(3) {
			if c.lifting && c.n(4) > 0 {
				break
			}
			o.Lifts = append(o.Lifts, fmt.Sprint(c.n(12)))
		}
	}
	if c.oneIn(3) {
		terms.Scope = &order.Scope{}
		for range c.n(3) {
			terms.Scope.Countries = append(terms.Scope.Countries, []order.Country{"IT", "EU", "CH"}[c.n(3)])
		}
		for range c.n(3) {
			terms.Scope.Clients = append(terms.Scope.Clients, nets[c.n(len(nets))])
		}
	} else if o.Action == order.Block {
		terms.Scope = &order.Scope{Global: true}
	}
	if o.Action == order.Block {
		for c.oneIn(4) {
			terms.Exempt = append(terms.Exempt, order.Exempt{Clients: []netip.Prefix{nets[c.n(len(nets))]}, Until: c.time()})
		}
		terms.Response = c.response()
	}
	for range c.n(1 + c.n(3)) {
		o.Except = append(o.Except, c.name())
	}
	targets := 1 + c.n(4)
	if o.Action == order.Lift && len(o.Lifts) > 0 && c.oneIn(3) {
		targets = 0
	}
	by := order.ByDNS
	if c.oneIn(4) {
		by = order.EnforcedBy(c.n(2))
	}
	for range targets {
		o.Targets = append(o.Targets, c.target(by))
	}
	if o.Action == order.Block {
		if c.oneIn(3) && c.alike != nil {
			o.Targets = slices.Clone(c.alike)
		}
		c.alike = o.Targets
	}
	for o.Action == order.Block && c.oneIn(3) {
		o.Force = append(o.Force, c.force(o))
	}
	return o
}

func (c *choices) response() order.Response {
	r := order.Response{Kind: order.ResponseKind(c.n(5))}
	if r.Kind == order.Redirect {
		r.Addresses = []netip.Addr{answered[c.n(len(answered)-2)]}
	}
	return r
}

func (c *choices) target(by order.EnforcedBy) order.Target {
	t := order.Target{Name: c.name(), Match: order.Match(c.n(3))}
	addr := c.oneIn(4)
	if !addr && !c.oneIn(3) {
		return t
	}
	t.Attr = &order.Attr{From: c.time(), Until: c.time(), Windows: c.windows(), Status: c.status(), Served: order.NoTime, Deadline: order.NoTime}
	if c.oneIn(4) {
		t.Attr.Deadline = order.Time(c.n(lastSecond))
	}
	if c.n(2) == 0 {
		t.Attr.Except = []dname.Name{c.name()}
	}
	if addr {
		t.Kind, t.Name, t.Match = order.TargetAddress, dname.Name{}, order.Exact
		t.Attr.Address, t.Attr.EnforcedBy = targetNets[c.n(len(targetNets))], by
	} else if c.oneIn(8) {
		t.Kind, t.Name, t.Match = order.TargetURL, dname.Name{}, order.Exact
	}
	return t
}

func (c *choices) force(o *order.Order) order.Force {
	t := o.Targets[c.n(len(o.Targets))]
	if c.oneIn(4) {
		t = c.target(order.ByDNS)
	}
	key := t.Name.String()
	switch {
	case t.Kind == order.TargetURL:
		key = c.name().String()
	case t.Kind == order.TargetAddress && t.Attr.Address.IsSingleIP() && c.n(2) == 0:
		key = t.Attr.Address.Addr().String()
	case t.Kind == order.TargetAddress:
		key = t.Attr.Address.String()
	case c.n(2) == 0:
		key = "*." + key
	}
	return order.Force{Target: key, Reason: "r"}
}

func (c *choices) guard() Guard {
	if c.n(2) == 0 {
		return nil
	}
	g := &stubGuard{}
	for range c.n(3) {
		g.names = append(g.names, protect{c.name(), c.n(2) == 0})
	}
	if c.oneIn(3) {
		g.nets = append(g.nets, targetNets[c.n(len(targetNets))])
	}
	return g
}

type fed struct {
	*order.Order
	way uint8
}

const (
	inTargets uint8 = iota // in the field Targets
	asPlain                // by Builder.Targets
	inSide                 // in a side list
	asSide                 // by Builder.Side
	numWays
)

func (f fed) add(b *Builder) {
	o := *f.Order
	o.Targets = nil
	var plain dname.List
	for _, t := range f.Targets {
		if f.way != inTargets && t.Kind == order.TargetName && t.Match == order.Subtree && t.Attr == nil {
			plain.Append(t.Name)
		} else {
			o.Targets = append(o.Targets, t)
		}
	}
	var names order.Names
	switch n := plain.Len(); {
	case n == 0:
	case f.way == asPlain:
		names, o.Plain = b.Targets(&o), n
	case f.way == inSide:
		o.Side = &order.SideList{Names: plain}
	case f.way == asSide:
		names, o.Side = b.Side(&o), &order.SideList{Taken: n}
	}
	if names != nil {
		names.Grow(plain.Len())
		var w dname.Wire
		for name := range plain.All() {
			w.SetName(name)
			names.AddWire(&w)
		}
	}
	b.Add(&o)
}

type world struct {
	*Set
	twin      *twin
	other     *Set
	plain     *Set
	mentioned []dname.Name
}

const noLongLists = 1_000

func newWorld(c *choices) *world {
	opt := Options{Response: c.response(), Guard: c.guard(), NoCountry: c.oneIn(4), Addresses: !c.oneIn(4)}
	for c.oneIn(2) && len(opt.NAT64) < 3 {
		if p := ownPrefixes[c.n(len(ownPrefixes))]; !slices.Contains(opt.NAT64, p) {
			opt.NAT64 = append(opt.NAT64, p)
		}
	}
	w := &world{twin: &twin{opt: opt}, mentioned: []dname.Name{c.name()}}
	built := opt
	again := c.n(2) == 0
	if again {
		built.Guard, built.Response = c.guard(), c.response()
	}
	extra, excerpt := c.oneIn(4), !opt.NoCountry && c.oneIn(4)
	type file struct {
		all    []fed
		reread bool // as after a restart
	}
	var files []file
	id, orders := 0, 4
	if c.crowded = c.n(2) == 0; c.crowded {
		orders = 10
		if c.lifting = c.oneIn(6); c.lifting {
			orders = 40
		}
	}
	for f := range 1 + c.n(3) {
		x, tf := file{reread: c.n(2) == 0}, twinFile{}
		for i := range 1 + c.n(orders) {
			if extra {
				x.all = append(x.all, fed{c.order(fmt.Sprint("extra", f, " ", i), i), inTargets})
			}
			o := c.order(fmt.Sprint(id), i)
			id++
			x.all = append(x.all, fed{o, uint8(c.n(int(numWays)))})
			tf.orders = append(tf.orders, o)
			w.mention(o)
			w.twin.orders = append(w.twin.orders, twinOrder{o, f})
		}
		files, w.twin.files = append(files, x), append(w.twin.files, tf)
	}
	isExtra := func(id string) bool { return strings.HasPrefix(id, "extra") }
	segments := c.n(2) == 0
	merge := func(parts []*Part, opt Options) *Set {
		if segments {
			return apart(opt, parts...)
		}
		return Merge(parts, opt)
	}
	compile := func(longFrom int) *Set {
		defer func(n int) { longListFrom = n }(longListFrom)
		longListFrom = longFrom
		var parts []*Part
		for f, x := range files {
			b := NewBuilder(fmt.Sprint(f), built)
			for _, o := range x.all {
				o.add(b)
			}
			p, _ := b.Freeze()
			if x.reread {
				p = reread(p, built)
			}
			if extra && !excerpt {
				p = p.Without(isExtra)
			}
			if again {
				p = p.Ruled(opt)
			}
			parts = append(parts, p)
		}
		if !excerpt {
			return merge(parts, opt)
		}
		unknown := opt
		unknown.NoCountry = true
		s := (&Excerpts{Drop: func(o *Order) bool { return isExtra(o.ID) }}).Of(Merge(parts, unknown))
		if extra { // Excerpts removes only block orders
			for i, p := range s.parts {
				s.parts[i] = p.Without(isExtra)
			}
		}
		return merge(s.parts, opt)
	}
	long := []int{2, noLongLists}
	if c.n(2) == 0 {
		slices.Reverse(long)
	}
	w.Set, w.other = compile(long[0]), compile(long[1])
	defer func(n int) { longListFrom = n }(longListFrom)
	longListFrom = long[0]
	var plain []*Part
	for f, file := range files {
		b := NewBuilder(fmt.Sprint(f), opt)
		for _, o := range file.all {
			if x := withoutShadow(o.Order); x != nil && !isExtra(o.ID) {
				fed{x, o.way}.add(b)
			}
		}
		p, _ := b.Freeze()
		plain = append(plain, p)
	}
	w.plain = merge(plain, opt)
	return w
}

func (w *world) mention(o *order.Order) {
	w.mentioned = append(w.mentioned, o.Except...)
	for _, t := range o.Targets {
		if t.Kind == order.TargetName {
			w.mentioned = append(w.mentioned, t.Name)
		}
		if t.Attr != nil {
			w.mentioned = append(w.mentioned, t.Attr.Except...)
		}
	}
}

func withoutShadow(o *order.Order) *order.Order {
	if o.Status == order.Shadow {
		return nil
	}
	out := *o
	out.Targets = nil
	for i := range o.Targets {
		t := &o.Targets[i]
		shadow := func(x order.Target) bool {
			return x.Attr != nil && x.Attr.Status == order.Shadow && len(x.Attr.Except) == 0
		}
		if !shadow(*t) || slices.ContainsFunc(o.Targets, func(x order.Target) bool { return sameTarget(&x, t) && !shadow(x) }) {
			out.Targets = append(out.Targets, *t)
		}
	}
	if o.Action == order.Lift && len(o.Targets) > 0 && len(out.Targets) == 0 {
		return nil // without targets it would lift whole orders
	}
	return &out
}

func (w *world) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", w.opt)
	if g, ok := w.opt.Guard.(*stubGuard); ok {
		fmt.Fprintf(&b, "%+v\n", *g)
	}
	for _, o := range w.twin.orders {
		x := *o.Order
		x.Terms, x.Targets = nil, nil
		fmt.Fprintf(&b, "file %d: %+v\n %+v\n scope %+v\n", o.file, x, *o.Terms, o.Scope)
		for _, t := range o.Targets {
			fmt.Fprintf(&b, "  %+v", t)
			if t.Attr != nil {
				fmt.Fprintf(&b, " %+v", *t.Attr)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
