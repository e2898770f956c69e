package order

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// finish checks what only the whole order shows, and resolves what needed its
// other fields.
func (p *parser) finish(n *yaml.Node, o *draft) {
	if o.Authority.Name == "" && !o.noAuthority {
		p.fault(n, "authority", "is required, with a name")
	}
	p.interval(n, "", o.From, o.Until)
	if o.Side != nil {
		if o.Side.File != "" && p.sides.add(o.Side.File) {
			p.out.Sides = append(p.out.Sides, o.Side.File)
		}
		p.readSide(o)
	}
	p.countDeadlines(o)
	p.countIntervals(n, o)
	p.checkExcept(o)
	p.checkForce(o)
	p.handOn(o)

	noTargets := lookup(n, "targets") == nil && o.Side == nil
	if o.Action == Lift {
		o.Public = saysPublic(n)
		if o.PlaceInHistory() == NoTime {
			p.fault(n, "issued", "a lift needs a place in history: issued, from or served")
		}
		if noTargets && lookup(n, "lifts") == nil {
			p.fault(n, "lifts", "a lift needs targets, lifts or both")
		}
		return
	}
	if at := lookup(n, "lifts"); at != nil {
		p.fault(at, "lifts", "goes with action: lift only")
	}
	if o.Scope == nil && lookup(n, "scope") == nil {
		p.fault(n, "scope", `is required; write "scope: global" if the order holds for everyone`)
	}
	if noTargets {
		p.fault(n, "targets", "is required: targets, targets_from or both")
	}
}

// countIntervals counts the intervals in which targets with attributes are in force: windows
// of the order and windows of its targets multiply.
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
		p.fault(at, "windows", "the windows up to here are more than %d, those of an order counted once for each of its targets that has attributes", maxIntervals)
	}
}

// rowClock is a target that has a served of its own and no deadline.
type rowClock struct {
	target   int
	servedAt *yaml.Node
	field    string
	dateOnly bool
}

// countDeadlines counts a deadline that was written as a duration: from the
// order's served, and for each target that has one from its own, since each row
// of a register has its own clock. The order's may then be missing.
func (p *parser) countDeadlines(o *draft) {
	if o.DeadlineAfter == 0 {
		return
	}
	if o.Served != NoTime || o.Side != nil || len(o.Targets) == 0 || !o.ownClocks() {
		p.deadlineAfter(o.deadlineAt, "deadline", &o.Deadline, o.Served, o.servedDate, o.DeadlineAfter)
	}
	for _, row := range o.rowClocks {
		if row.target < len(o.Targets) {
			a := o.Targets[row.target].Attr
			p.deadlineAfter(row.servedAt, join(row.field, "served"), &a.Deadline, a.Served, row.dateOnly, o.DeadlineAfter)
		}
	}
}

// ownClocks reports whether every target has a served or a deadline of its own.
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

// deadlineAfter counts a deadline from served.
func (p *parser) deadlineAfter(n *yaml.Node, f string, deadline *Time, served Time, dateOnly bool, after time.Duration) {
	switch {
	case served == NoTime:
		p.bad(n, f, "a duration needs served to count from")
	case dateOnly:
		p.bad(n, f, "a deadline that is a duration needs served with a time of day to count from")
	default:
		*deadline = min(served+Time(after/time.Second), lastTime)
	}
}
