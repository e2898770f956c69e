// Package probe asks a DNS server of any vendor about the names of orders. It compares the answers
// with the orders.
//
// [NewPlan] makes the questions. [Run] asks them at a limited rate. [Judge] compares an answer with
// the orders.
package probe

import (
	"math/rand/v2"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A Kind is the reason for a question.
type Kind string

// Names of the first two kinds must be blocked. Other names must pass.
const (
	Target       Kind = "target"        // the name is a target in force
	BelowTarget  Kind = "below_target"  // the name is below a target in force
	Exception    Kind = "exception"     // the order excepts the name
	Lifted       Kind = "lifted"        // a lift ends the order for the name
	Ended        Kind = "ended"         // the order has ended
	Pending      Kind = "pending"       // the order has not begun
	Inactive     Kind = "inactive"      // the order is a draft or suspended
	Shadow       Kind = "shadow"        // the order is in shadow
	Held         Kind = "held"          // the guard holds the target
	OtherClients Kind = "other_clients" // the order is not for the client, or exempts it
	BesideExact  Kind = "beside_exact"  // the target does not cover this name
	Sibling      Kind = "sibling"       // no order covers the name, which is beside an exact target
)

var kinds = map[ruleset.Why]Kind{
	ruleset.Excepted: Exception, ruleset.LiftedBy: Lifted, ruleset.Over: Ended, ruleset.NotYet: Pending,
	ruleset.NotActive: Inactive, ruleset.InShadow: Shadow, ruleset.HeldBack: Held,
	ruleset.OutOfScope: OtherClients, ruleset.ExemptClient: OtherClients, ruleset.OtherName: BesideExact,
}

// A Question is one name to ask about.
type Question struct {
	Name   dname.Name
	Type   uint16
	Kind   Kind
	Order  *ruleset.Order // the order that blocks the name, or would block it; nil for a Sibling
	Target string         // the target of the order
	Sealed bool           // the order is sealed (secret)
}

// Options are the settings of NewPlan.
type Options struct {
	Client                 ruleset.Client
	AnyCountry, AnyAddress bool
	Now                    order.Time
	Types                  []uint16 // the query types
	// Sealed includes the names of sealed (secret) orders.
	Sealed bool
	// Serves reports whether the server decides about a name. If Serves is nil, the server decides
	// about all names.
	Serves func(dname.Name) bool
	// Sample is the maximum number of names with rules in the plan. 0 means no limit. Seed is the
	// seed of the random choice.
	Sample int
	Seed   uint64
}

// A Plan is a list of questions.
type Plan struct {
	Questions []Question
	Names     int // the number of names with rules that were chosen
	All       int // the number of names with rules

	Sealed          int // because of a sealed order
	ClientDependent int // because the verdict depends on an unknown client
	Elsewhere       int // because the server does not decide about the name
}

// NewPlan makes questions about each name with rules. It also asks about a name below each of them.
// An exact target must not block other names, so NewPlan also asks about its parent and an invented
// sibling.
func NewPlan(set *ruleset.Set, opt Options) *Plan {
	p := &planner{set: set, opt: opt, Plan: &Plan{}, seen: map[dname.Name]bool{}, secret: set.SecretLifts()}
	distinct := map[dname.Name]bool{}
	for w := range set.Names() {
		distinct[w.Name()] = true
	}
	names := make([]dname.Name, 0, len(distinct))
	for n := range distinct {
		names = append(names, n)
	}
	slices.SortFunc(names, dname.Name.Compare)
	p.All = len(names)
	if opt.Sample > 0 && opt.Sample < len(names) {
		r := rand.New(rand.NewPCG(opt.Seed, 0))
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:opt.Sample]
		slices.SortFunc(names, dname.Name.Compare)
	}
	p.Names = len(names)
	for _, n := range names {
		p.name(n)
	}
	return p.Plan
}

type planner struct {
	*Plan
	set    *ruleset.Set
	opt    Options
	seen   map[dname.Name]bool
	secret map[string]bool // the ids of secret lifts
}

// hidden reports whether an order must not be named.
func (p *planner) hidden(o *ruleset.Order) bool {
	return !p.opt.Sealed && (o.Terms.Disclosure.Sealed() || p.secret[o.ID])
}

// name adds the questions for a name with rules.
func (p *planner) name(n dname.Name) {
	if p.opt.Serves != nil && !p.opt.Serves(n) {
		p.Elsewhere++
		return
	}
	var own, below ruleset.QName
	own.SetName(n)
	v, reasons := p.set.Reasons(&own, p.opt.Client, p.opt.Now)
	isBelow := below.SetBelow(n)
	w, lower := p.set.Reasons(&below, p.opt.Client, p.opt.Now)
	switch {
	case p.depends(v, reasons) || isBelow && p.depends(w, lower):
		p.ClientDependent++
		return
	case !p.visible(v, reasons) && !(isBelow && p.visible(w, lower)):
		p.Sealed++
		return
	}
	p.ask(n, v, reasons)
	passes := func(r ruleset.Reason) bool { return r.Why == ruleset.Excepted || r.Why == ruleset.LiftedBy }
	if isBelow && (v.Blocked() || w.Blocked() || slices.ContainsFunc(lower, passes)) {
		p.ask(below.Name(), w, lower)
	}
	if v.Blocked() && v.Match == order.Exact && v.TargetLabels == n.NumLabels() && n.NumLabels() > 1 {
		p.beside(n.Parent())
	}
}

func (p *planner) beside(above dname.Name) {
	var q ruleset.QName
	if above.NumLabels() > 1 {
		q.SetName(above)
		p.free(&q)
	}
	if q.SetBelow(above) {
		p.free(&q)
	}
}

func (p *planner) free(q *ruleset.QName) {
	n := q.Name()
	if !p.set.Covers(&q.Wire) && !p.seen[n] && (p.opt.Serves == nil || p.opt.Serves(n)) {
		p.add(Question{Name: n, Kind: Sibling})
	}
}

func (p *planner) depends(v ruleset.Verdict, reasons []ruleset.Reason) bool {
	if p.opt.AnyCountry && v.CountryDependent {
		return true
	}
	return p.opt.AnyAddress && slices.ContainsFunc(reasons, func(r ruleset.Reason) bool {
		t := r.Order.Terms
		return r.Why == ruleset.OutOfScope && t.Scope != nil && len(t.Scope.Clients) > 0 || r.Why == ruleset.Decides && len(t.Exempt) > 0
	})
}

func (p *planner) visible(v ruleset.Verdict, reasons []ruleset.Reason) bool {
	if v.Blocked() {
		return !p.hidden(v.Order)
	}
	return slices.ContainsFunc(reasons, func(r ruleset.Reason) bool { return !p.hidden(r.Order) })
}

// A question must not reveal a sealed order.
func (p *planner) ask(n dname.Name, v ruleset.Verdict, reasons []ruleset.Reason) {
	if p.seen[n] || len(reasons) == 0 || !p.visible(v, reasons) {
		return
	}
	i := slices.IndexFunc(reasons, func(r ruleset.Reason) bool { return !p.hidden(r.Order) })
	r := reasons[i]
	q := Question{Name: n, Order: r.Order, Target: r.Match.Describe(r.Target), Sealed: r.Order.Terms.Disclosure.Sealed()}
	switch {
	case !v.Blocked():
		q.Kind = kinds[r.Why]
	case v.TargetLabels == n.NumLabels() && v.Match != order.BelowOnly:
		q.Kind = Target
	default:
		q.Kind = BelowTarget
	}
	p.add(q)
}

func (p *planner) add(q Question) {
	p.seen[q.Name] = true
	for _, t := range p.opt.Types {
		q.Type = t
		p.Questions = append(p.Questions, q)
	}
}
