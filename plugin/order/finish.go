package order

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// finish checks what only the whole order shows, and resolves what needed its
// other fields.
func (p *parser) finish(n *yaml.Node, o *draft) {
	if o.Authority.Name == "" {
		p.fault(n, "authority", "is required, with a name")
	}
	p.interval(n, "", o.From, o.Until)
	if o.DeadlineAfter > 0 {
		p.deadlineAfter(o.deadlineAt, "deadline", &o.Deadline, o.Served, o.servedDate, o.DeadlineAfter)
	}
	if o.Side != nil {
		if o.Side.File != "" {
			p.out.Sides = append(p.out.Sides, o.Side.File)
		}
		p.readSide(o)
	}
	p.checkExcept(o)
	p.checkForce(o)
	p.targetDeadlines(o)
	for i, id := range o.Lifts {
		if !idPattern.MatchString(id) || id == o.ID {
			p.add(Problem{Line: n.Line, Column: n.Column, Field: index("lifts", i), Msg: "must be the id of another order", Got: id, HasGot: true})
		}
	}

	noTargets := lookup(n, "targets") == nil && o.Side == nil
	if o.Action == Lift {
		if o.PlaceInHistory() == NoTime {
			p.fault(n, "issued", "a lift needs a place in history: issued, from or served")
		}
		if noTargets && len(o.Lifts) == 0 {
			p.fault(n, "lifts", "a lift needs targets, lifts or both")
		}
		return
	}
	if len(o.Lifts) > 0 {
		p.fault(n, "lifts", "goes with action: lift only")
	}
	if o.Scope == nil {
		p.fault(n, "scope", `is required; write "scope: global" if the order holds for everyone`)
	}
	if noTargets {
		p.fault(n, "targets", "is required: targets, targets_from or both")
	}
}

// deadlineAfter counts a deadline that was written as a duration.
func (p *parser) deadlineAfter(n *yaml.Node, f string, deadline *Time, served Time, dateOnly bool, after time.Duration) {
	if n == nil {
		return
	}
	switch {
	case served == NoTime:
		p.bad(n, f, "a duration needs served to count from")
	case dateOnly:
		p.bad(n, f, "a duration needs served with a time of day to count from")
	default:
		*deadline = served + Time((after+time.Second-1)/time.Second)
	}
}

// targetDeadlines gives targets with a served of their own the order's deadline
// when that is a duration: each row of a register has its own clock.
func (p *parser) targetDeadlines(o *draft) {
	if o.DeadlineAfter == 0 {
		return
	}
	for i := range o.Targets {
		if a := o.Targets[i].Attr; a != nil && a.Served != NoTime && a.Deadline == NoTime {
			a.Deadline = a.Served + Time(o.DeadlineAfter/time.Second)
		}
	}
}
