package report

import (
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
)

// row returns the row of an order.
func (r *Report) row(d *Data, id string) *Row {
	x := &Row{Order: id, id: id, f: d.fields[id], Action: order.Block.String(), Nodes: []RowNode{}}
	if f := x.f; f != nil {
		x.lift = f.Lifting()
		x.Authority, x.Country, x.Kind = f.Authority.Name, string(f.Authority.Country), f.Authority.Kind.String()
		x.References, x.Category, x.File = f.References, f.Category, f.path
		x.Issued, x.Served, x.Acknowledged, x.Deadline, x.Reported = f.Issued.String(), f.Served.String(), f.Acknowledged.String(), f.Deadline.String(), f.Reported.String()
		x.Targets = f.NumTargets()
	}
	var seen, until time.Time // the first record of the order, and the last time in force
	open := true              // the order may still be in force
	for _, n := range d.Nodes {
		o := n.orders[id]
		if o == nil || n.Prober {
			continue
		}
		x.lift = x.lift || o.lift
		if seen.IsZero() || o.received.Before(seen) {
			seen = o.received
		}
		for _, v := range o.intervals {
			if open = v.Until.IsZero(); v.Until.After(until) {
				until = v.Until
			}
		}
	}
	if x.lift {
		x.Action = order.Lift.String()
	}
	switch {
	case x.f != nil && x.f.Served != order.NoTime:
		x.receivedAt = x.f.Served.Time()
	case !seen.IsZero():
		x.receivedAt = seen
	case x.f != nil:
		x.receivedAt = x.f.Issued.Time()
	}
	x.Received = !x.receivedAt.IsZero() && !x.receivedAt.Before(r.from) && x.receivedAt.Before(r.to)
	for _, n := range d.Nodes {
		o := n.orders[id]
		switch {
		case n.First.IsZero() || n.First.After(r.end) || n.Prober:
		case o != nil:
			x.Known++
			x.addNode(n, o, r.from, r.end)
		case n.Last.Before(x.receivedAt) || !open && n.First.After(until):
		default:
			x.Known++
			x.Without = append(x.Without, n.Name)
		}
	}
	if x.Known > 0 && x.Answers == nil {
		x.Answers = new(uint64)
	}
	x.effect()
	x.finish(r.end)
	return x
}

func (x *Row) addNode(n *Node, o *nodeOrder, from, end time.Time) {
	if o.received.After(end) {
		return
	}
	y := RowNode{Node: n.Name, Received: utc(o.received), Answered: utc(o.answered)}
	if len(o.intervals) > 0 && !o.intervals[0].From.After(end) {
		y.inForce = o.intervals[0].From
		y.InForce = utc(y.inForce)
		// Before its first load, the journal is silent.
		y.AtLatest = o.first && (x.f == nil || x.f.Served == order.NoTime || x.f.Served.Time().Before(n.First))
		x.InForce++
		for _, t := range o.corrected {
			if t.After(y.inForce) && !t.After(end) && t.After(x.corrected) {
				x.corrected, x.Corrected = t, utc(t)
			}
		}
	}
	last := o.stateAt(end)
	y.State, y.By, y.changed = string(last.state), last.by, last.at
	if y.State != string(journal.InForce) {
		for _, v := range o.intervals {
			if !v.Until.IsZero() && !v.Until.After(end) {
				y.until = v.Until
			}
		}
		y.Until = utc(y.until)
	}
	held := o.heldAt(end)
	for _, t := range slices.Sorted(maps.Keys(held)) {
		x.Held = append(x.Held, Held{n.Name, t, held[t]})
	}
	for _, h := range o.hits {
		if !h.hour.Before(from) && h.hour.Before(end) {
			y.Answers += h.count
		}
	}
	sum := y.Answers
	if x.Answers != nil {
		sum += *x.Answers
	}
	x.Answers = &sum
	x.Nodes = append(x.Nodes, y)
}

func (x *Row) effect() {
	for _, exact := range []bool{true, false} {
		for _, y := range x.Nodes {
			if y.inForce.IsZero() || y.AtLatest == exact {
				continue
			}
			if x.first.IsZero() || y.inForce.Before(x.first) {
				x.first = y.inForce
			}
			if y.inForce.After(x.last) {
				x.last = y.inForce
			}
		}
		if !x.first.IsZero() {
			x.AtLatest = !exact
			break
		}
	}
	x.First, x.Last = utc(x.first), utc(x.last)
	if x.f != nil && x.f.Served != order.NoTime && !x.AtLatest && x.InForce > 0 && x.InForce == x.Known {
		h := hours(x.f.Served.Time(), x.last)
		x.Hours = &h
	}
}

func hours(from, to time.Time) float64 {
	return max(0, to.Sub(from).Hours())
}

func (x *Row) finish(end time.Time) {
	now := 0 // the number of nodes that enforce the order at the end
	var last RowNode
	for _, y := range x.Nodes {
		if y.State == string(journal.InForce) {
			now++
		}
		if last.Node == "" || y.changed.After(last.changed) {
			last = y
		}
	}
	over := false // the order is over, by its own dates or by a decision
	switch {
	case len(x.Nodes) == 0:
		x.State = unknownState
	case now == x.Known:
		x.State = string(journal.InForce)
	case now > 0:
		x.State = partly
	default:
		x.State, x.By = last.State, last.By
		switch journal.Event(x.State) {
		case journal.Ended, journal.Lifted, journal.Removed:
			over = true
			x.ended, x.Ended = last.changed, utc(last.changed)
		}
	}
	if x.f == nil || x.f.Deadline == order.NoTime {
		return
	}
	deadline := x.f.Deadline.Time()
	complete := x.InForce > 0 && x.InForce == x.Known
	switch {
	case complete && !x.last.After(deadline):
		x.OnTime = "yes"
	case complete && x.AtLatest:
		x.OnTime = "unknown"
	case complete:
		x.OnTime = "no"
	case deadline.After(end), over && !x.ended.After(deadline): // the deadline was not missed
	case x.Known == 0:
		x.OnTime = "unknown"
	default:
		x.OnTime = "no"
	}
}

const (
	partly       = "partly_in_force" // some nodes enforce the order
	unknownState = "unknown"         // no journal has a record of the order
)
