package order

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

func (p *parser) finish(n *yaml.Node, o *draft) {
	if o.Authority.Name == "" && !o.noAuthority {
		p.fault(n, "authority", "%s", authorityMissing)
	}
	p.interval(n, "", o.From, o.Until)
	sideOK := true
	if o.Side != nil {
		if o.Side.File != "" && p.sides.add(o.Side.File) {
			p.out.Sides = append(p.out.Sides, o.Side.File)
		}
		before := len(p.problems)
		p.readSide(o)
		sideOK = o.Side.File != "" && len(p.problems) == before
	}
	if sideOK {
		p.checkTargetCount(n, o)
	}
	p.countDeadlines(o)
	p.countIntervals(n, o)
	p.checkExcept(o)
	p.checkForce(o)
	p.handOn(o)

	noTargets := lookup(n, "targets") == nil && o.Side == nil
	if o.Action == Lift {
		o.Public = saysPublic(n)
		dated := lookup(n, "issued") != nil || lookup(n, "from") != nil || lookup(n, "served") != nil
		if o.DecidedAt() == NoTime && !dated { // a wrong date was already reported
			p.fault(n, "issued", "a lift reaches only earlier orders of its authority, so it needs a date; write issued, from or served")
		}
		if noTargets && lookup(n, "lifts") == nil {
			p.fault(n, "lifts", "a lift needs lifts with the ids of orders, or targets with names, or both")
		}
		return
	}
	if at := lookup(n, "lifts"); at != nil {
		p.fault(at, "lifts", "only a lift has this key; write action: lift, or remove the key")
	}
	if o.Scope == nil && lookup(n, "scope") == nil {
		p.fault(n, "scope", "%s", scopeMissing(o.Authority.Country))
	}
	if noTargets {
		p.fault(n, "targets", "is required; write targets, targets_from or both")
	}
}

// An order with a wrong count was probably cut off. Targets with errors count too.
func (p *parser) checkTargetCount(n *yaml.Node, o *draft) {
	if o.countAt == nil {
		return
	}
	want, ok := p.natural(o.countAt, "target_count")
	if !ok {
		return
	}
	got := 0
	if list := lookup(n, "targets"); list != nil && list.Kind == yaml.SequenceNode {
		for _, item := range list.Content {
			if item.Kind == runNode {
				got += item.Line // the number of names in a long plain list
			} else {
				got++
			}
		}
	}
	if o.Side != nil {
		got += o.Side.Len()
	}
	if want != int64(got) {
		p.bad(o.countAt, "target_count", "does not match the number of targets, which is %d; check whether the order was cut off", got)
	}
}

const maxStated = 1 << 30

func (p *parser) stated(n *yaml.Node, field string) int {
	v, ok := p.natural(n, field)
	if ok && (v < 1 || v > maxStated) {
		p.bad(n, field, "must be from 1 to %d", maxStated)
		return 0
	}
	return int(v)
}

const countedFrom = 20

// WrittenTargetCount returns the target_count that Format and Encode write for an order. The result
// is 0 for an order with few targets. It is also 0 if the side list of the order may change.
func (o *Order) WrittenTargetCount() int {
	if o.NumTargets() < countedFrom || o.Side != nil && o.Side.SHA256 == "" {
		return 0
	}
	return o.NumTargets()
}

func scopeMissing(c Country) string {
	if c == "" {
		return `is required; write "scope: {countries: [..]}" with the codes of the countries, or "scope: {clients: [..]}" with networks; only an order that says that it applies to everyone gets "scope: global"`
	}
	return fmt.Sprintf(`is required; write "scope: {countries: [%s]}" for the country of the authority, or other countries or networks; only an order that says that it applies to everyone gets "scope: global"`, c)
}

func (p *parser) countIntervals(n *yaml.Node, o *draft) {
	before := p.intervals
	for i := range o.Targets {
		if a := o.Targets[i].Attr; a != nil {
			p.intervals += len(o.Windows) + len(a.Windows)
		}
	}
	if before <= maxIntervals && p.intervals > maxIntervals {
		at := n
		if w := lookup(n, "windows"); w != nil {
			at = w
		}
		p.fault(at, "windows", "the file has more than %d windows up to here; the windows of an order count once for each of its targets that has attributes", maxIntervals)
	}
}

type rowClock struct {
	target   int
	servedAt *yaml.Node
	field    string
	dateOnly bool
}

func (p *parser) countDeadlines(o *draft) {
	if o.DeadlineAfter == 0 {
		return
	}
	if o.Served != NoTime || o.Side != nil || len(o.Targets) == 0 || !o.ownClocks() {
		if o.Served == NoTime && o.servedBad {
			return // already reported
		}
		p.deadlineAfter(o.deadlineAt, "deadline", &o.Deadline, o.Served, o.servedDate, o.DeadlineAfter)
	}
	for _, row := range o.rowClocks {
		if row.target < len(o.Targets) {
			a := o.Targets[row.target].Attr
			p.deadlineAfter(row.servedAt, join(row.field, "served"), &a.Deadline, a.Served, row.dateOnly, o.DeadlineAfter)
		}
	}
}

func (o *Order) ownClocks() bool {
	if o.Plain > 0 {
		return false
	}
	for i := range o.Targets {
		if a := o.Targets[i].Attr; a == nil || a.Served == NoTime && a.Deadline == NoTime {
			return false
		}
	}
	return true
}

func (p *parser) deadlineAfter(n *yaml.Node, f string, deadline *Time, served Time, dateOnly bool, after time.Duration) {
	switch {
	case served == NoTime:
		p.bad(n, f, "a deadline of this form counts from served, and the order has no served; write served, or write the deadline as a time")
	case dateOnly:
		p.bad(n, f, "a deadline of this form counts from the time of day in served, and served has only a date; write served with a time, such as 2026-05-01T18:30")
	default:
		*deadline = min(served+Time(after/time.Second), lastTime)
	}
}
