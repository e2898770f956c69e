package report

import (
	"fmt"
	"time"
)

func (r *Report) notes(d *Data, unknown int) {
	add := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	switch {
	case len(d.Nodes) == 0:
		add("no journal is given, so it is unknown when the orders were in force")
	case !r.knows():
		add("no node has records in the period, so it is unknown when the orders were in force")
	}
	if r.Totals.ByFiles {
		add("the number in force and the states are those of the present order files at %s; nothing is known of the servers", r.time(r.end))
	}
	if r.end.Before(r.to) {
		add("the period has not ended; the report ends at %s", r.time(r.end))
	}
	if r.unserved > 0 {
		add("%s without served: the first record in a journal, or issued, is the time of the receipt", count(r.unserved, "order"))
	}
	if unknown > 0 {
		add("%s without served and issued, and without a record in a journal: not in the report", count(unknown, "order"))
	}
	missing := 0
	for x := range r.all() {
		if x.f == nil {
			missing++
		}
	}
	if missing > 0 {
		add("%s whose fields are unknown: the orders are in no present file, and the journals have not kept their versions", count(missing, "order"))
	}
	for _, n := range d.Nodes {
		r.nodeNotes(n, add)
	}
	if len(d.Nodes) > 0 {
		add("each time in force is what a node says in its journal, by its own clock; all other dates are from the order files")
		add("the answers changed are the blocking answers that the nodes counted for each hour (UTC); the present hour and the hour in which a node stops are not recorded, and a cache in front of a node answers without the node")
	}
}

func (r *Report) nodeNotes(n *Node, add func(string, ...any)) {
	in := func(t time.Time) bool { return !t.Before(r.from) && t.Before(r.to) }
	number := func(list []time.Time) (k int) {
		for _, t := range list {
			if in(t) {
				k++
			}
		}
		return k
	}
	if n.First.After(r.from) && n.First.Before(r.to) && r.anyAtLatest(n.Name) {
		add("%s: the journal begins at %s; an order that was in force then may have been in force before", n.Name, r.time(n.First))
	}
	if !n.Last.IsZero() && in(n.Last) && n.Last.Add(2*time.Hour).Before(r.end) {
		add("%s: the journal ends at %s; the state after that is unknown", n.Name, r.time(n.Last))
	}
	if n.Pruned > 0 {
		add("%s: the text of %s was deleted; orders with later records are shown as in force since then at the latest", n.Name, count(n.Pruned, "record"))
	}
	if k := number(n.stops); k > 0 {
		add("%s: stopped %s in the period; the answers of the hour before a stop are not recorded", n.Name, times(k))
	}
	if k, steps := n.stepsIn(in); k > 0 {
		add("%s: the clock was set %s in the period (%s); the sequence of its records is certain, but times before and after a step cannot be compared", n.Name, times(k), steps)
	}
	if k := number(n.gaps); k > 0 {
		add("%s: lost events %s in the period; an order may have been in force earlier than shown", n.Name, times(k))
	}
	if n.OwnKey {
		add("%s: the journal was checked with its own public key; --key gives a key from another source", n.Name)
	}
}

// times returns "once" or a number of times.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (r *Report) anyAtLatest(node string) bool {
	for x := range r.all() {
		for _, y := range x.Nodes {
			if y.Node == node && y.AtLatest {
				return true
			}
		}
	}
	return false
}
