package ruleset

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// twin decides slowly and obviously, straight from the orders and the words of
// order-file.md and answers.md: no index, no compiled schedule, no early exit.
type twin struct {
	files []twinFile
	opt   Options
}

type twinFile struct {
	orders []*order.Order
}

type twinOrder struct {
	*order.Order
	file int
}

func (t *twin) all() (out []twinOrder) {
	for f, file := range t.files {
		for _, o := range file.orders {
			out = append(out, twinOrder{o, f})
		}
	}
	return out
}

// twinName is a name as labels, the first label first. generic stands for any
// unmentioned name below it.
type twinName struct {
	name    dname.Name
	host    dname.Name // what a service name stands for, else name
	generic bool
}

func (n twinName) under(base dname.Name) bool { return base.Covers(n.name) }

func (n twinName) strictlyUnder(base dname.Name) bool {
	return base.Covers(n.name) && (n.generic || base != n.name)
}

func twinCovers(name dname.Name, m order.Match, n twinName) bool {
	switch m {
	case order.Exact:
		return !n.generic && (name == n.name || name == n.host)
	case order.Below:
		return n.strictlyUnder(name)
	}
	return n.under(name)
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

func twinInForce(o *order.Order, t *order.Target, now order.Time) bool {
	from := o.From
	if o.Action == order.Lift && from == order.NoTime {
		from = o.PlaceInHistory()
	}
	if o.Status != order.Active || !inWindow(from, o.Until, now) || !inWindows(o.Windows, now) {
		return false
	}
	if t == nil || t.Attr == nil {
		return true
	}
	return t.Attr.Status == order.Active && inWindow(t.Attr.From, t.Attr.Until, now) && inWindows(t.Attr.Windows, now)
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

// twinExcepted: the exceptions of the order, and those of every mention of the
// target, since a target that stands twice is one with both attributes.
func twinExcepted(o *order.Order, t *order.Target, n twinName) bool {
	if slices.ContainsFunc(o.Except, n.under) {
		return true
	}
	for i := range o.Targets {
		x := &o.Targets[i]
		if x.Name == t.Name && x.Match == t.Match && x.Attr != nil && slices.ContainsFunc(x.Attr.Except, n.under) {
			return true
		}
	}
	return false
}

func twinTargets(o *order.Order) []order.Target {
	out := slices.Clone(o.Targets)
	if o.Side != nil {
		for name := range o.Side.Names.All() {
			out = append(out, order.Target{Name: name, Match: order.Subtree})
		}
	}
	return slices.DeleteFunc(out, func(t order.Target) bool { return t.Kind != order.TargetName })
}

func twinReaches(l, o twinOrder) bool {
	if l.Lifts != nil {
		return slices.Contains(l.Lifts, o.ID)
	}
	if l.Authority.Name != o.Authority.Name || l.Authority.Country != o.Authority.Country {
		return false
	}
	lp, op := l.PlaceInHistory(), o.PlaceInHistory()
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

func (t *twin) lifted(o twinOrder, n twinName, c Client, now order.Time) bool {
	for _, l := range t.all() {
		if l.Action != order.Lift || !twinReaches(l, o) || !twinScope(l.Order, c) {
			continue
		}
		if len(l.Targets) == 0 && l.Side == nil {
			if twinInForce(l.Order, nil, now) {
				return true
			}
			continue
		}
		for _, lt := range twinTargets(l.Order) {
			if twinCovers(lt.Name, lt.Match, n) && twinInForce(l.Order, &lt, now) && !twinExcepted(l.Order, &lt, n) {
				return true
			}
		}
	}
	return false
}

// candidate is a target that is enforced on a name.
type candidate struct {
	order  twinOrder
	target order.Target
}

func (t *twin) judge(n twinName, c Client, now order.Time) *candidate {
	var all []candidate
	for _, o := range t.all() {
		if o.Action != order.Block || !twinScope(o.Order, c) || twinExempt(o.Order, c, now) {
			continue
		}
		for _, x := range twinTargets(o.Order) {
			if twinCovers(x.Name, x.Match, n) && twinInForce(o.Order, &x, now) &&
				!twinExcepted(o.Order, &x, n) && !t.lifted(o, n, c, now) {
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
			cmp.Compare(b.target.Name.NumLabels(), a.target.Name.NumLabels()),
			cmp.Compare(a.target.Match, b.target.Match),
			cmp.Compare(issued(a.order.Order), issued(b.order.Order)),
			strings.Compare(a.order.ID, b.order.ID))
	})
	return &best
}

func (t *twin) response(c *candidate) order.ResponseKind {
	r := c.order.Response.Kind
	if r == order.ResponseUnset {
		r = t.opt.Response.Kind
	}
	if r == order.ResponseUnset {
		r = order.NXDOMAIN
	}
	return r
}

// twinVerdict is what must agree.
type twinVerdict struct {
	id       string
	labels   int
	match    order.Match
	response order.ResponseKind
	below    Below
}

func (t *twin) decide(name, host dname.Name, c Client, now order.Time) (v twinVerdict) {
	best := t.judge(twinName{name, host, false}, c, now)
	if best == nil {
		return v
	}
	v = twinVerdict{best.order.ID, best.target.Name.NumLabels(), best.target.Match, t.response(best), BelowNXDOMAIN}
	// Every name below is like one that is mentioned, or like an unmentioned one
	// below the nearest name that is.
	mentioned := map[dname.Name]bool{name: true}
	for _, o := range t.all() {
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
		if !name.Covers(m) {
			continue
		}
		for _, n := range []twinName{{m, m, false}, {m, m, true}} {
			v.below = max(v.below, t.gets(n, c, now))
		}
	}
	// The name as that of a service, of whichever host.
	host = name
	for range twinServiceLabels(name) {
		host = host.Parent()
		v.below = max(v.below, t.gets(twinName{name, host, false}, c, now))
	}
	return v
}

// gets says what a name contributes to the Below of those above it.
func (t *twin) gets(n twinName, c Client, now order.Time) Below {
	switch b := t.judge(n, c, now); {
	case b == nil:
		return BelowPasses
	case t.response(b) != order.NXDOMAIN:
		return BelowBlocked
	}
	return BelowNXDOMAIN
}

// twinServiceLabels counts the leading labels that begin with an underscore, two
// at most, and never the last label.
func twinServiceLabels(n dname.Name) int {
	count := 0
	for count < 2 && n.NumLabels() > 1 && strings.HasPrefix(n.String(), "_") {
		count, n = count+1, n.Parent()
	}
	return count
}
