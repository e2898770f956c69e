package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const flushAt = 1 << 16

// WriteText writes the report as text.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintln(&b, printable.Line(fmt.Sprintf(format, args...))) }
	for _, f := range r.Faults {
		line("FAULT: %s", f)
	}
	if len(r.Faults) > 0 {
		line("A journal with a fault is no evidence. The report below uses what is left of the records.")
		line("")
	}
	line("Orders %s (%s)", r.Period(), r.Timezone)
	for _, n := range r.Nodes {
		if n.Silent != "" {
			line("silent: %s: %s", n.Node, n.Silent)
		}
	}
	line("")
	for _, x := range r.Figures() {
		line("%10s  %s", x.Value, x.Name)
	}
	for x := range r.Orders() {
		if b.Len() > flushAt {
			if _, err := io.WriteString(w, b.String()); err != nil {
				return err
			}
			b.Reset()
		}
		line("")
		line("%s", x.Title())
		for _, f := range r.Facts(x) {
			line("    %s", f)
		}
		for _, f := range r.NodeFacts(x) {
			line("      %s", f)
		}
	}
	line("")
	for _, n := range r.Notes {
		line("note: %s", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Period returns the period as text, in days if possible.
func (r *Report) Period() string {
	from, to, ok := r.days()
	if !ok {
		return fmt.Sprintf("from %s until %s", r.time(r.from), r.time(r.to))
	}
	return fmt.Sprintf("from %s to %s", from, to)
}

func (r *Report) days() (from, to string, ok bool) {
	midnight := func(t time.Time) bool {
		y, m, d := t.In(r.zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, r.zone).Equal(t)
	}
	last := r.to.In(r.zone).AddDate(0, 0, -1)
	return r.from.In(r.zone).Format(time.DateOnly), last.Format(time.DateOnly), midnight(r.from) && midnight(r.to)
}

// A Figure is one number of the totals.
type Figure struct {
	Name, Value string
	Alarm       bool
}

// Figures returns the totals.
func (r *Report) Figures() []Figure {
	t := r.Totals
	num := func(n int) string { return fmt.Sprint(n) }
	inForce := "block orders in force at the end of the period"
	if t.ByFiles {
		inForce += ", by the order files"
	}
	out := []Figure{
		{"block orders received", num(t.Received), false},
		{"of these acknowledged", num(t.Acknowledged), false},
		{"of these reported to the authority", num(t.Reported), false},
		{"of these late", known(t.Late), t.Late != nil && *t.Late > 0},
		{inForce, known(t.InForce), false},
		{"of these in force on all nodes", known(t.Everywhere), t.Everywhere != nil && *t.Everywhere < *t.InForce},
		{"block orders that ended in the period", known(t.Ended), false},
		{"lifts received", num(t.Lifts), false},
		{"sealed block orders in these numbers", num(t.Sealed), false},
		{"answers changed", known(t.Answers), false},
	}
	if t.MedianHours != nil {
		out = append(out, Figure{fmt.Sprintf("hours from served to in force on the last node (median of %s)", count(t.Measured, "order")), number(t.MedianHours), false})
	}
	return out
}

// known returns a number, or "unknown".
func known[T int | uint64](n *T) string {
	if n == nil {
		return "unknown"
	}
	return fmt.Sprint(*n)
}

// Title returns the id, the authority and the references of the order.
func (x *Row) Title() string {
	s := x.Order
	if x.lift {
		s += " (lift)"
	}
	if about := x.About(); about != "" {
		s += ": " + about
	}
	return s
}

// About returns the authority and the references of the order.
func (x *Row) About() string {
	s := x.Authority
	for _, more := range []string{x.Country, x.Kind} {
		if more != "" {
			s += ", " + more
		}
	}
	if len(x.References) > 0 {
		s += "; " + strings.Join(x.References, ", ")
	}
	return s
}

// Facts returns the dates of the order as sentences.
func (r *Report) Facts(x *Row) (out []string) {
	if x.hidden {
		return []string{"a sealed order; --sealed shows the order"}
	}
	date := r.dates(x)
	var parts []string
	for _, p := range [][2]string{{"issued", date.issued}, {"served", date.served}, {"acknowledged", date.acknowledged}, {"deadline", date.deadline}, {"reported", date.reported}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+forPeople(p[1]))
		}
	}
	if len(parts) > 0 {
		out = append(out, strings.Join(parts, ", "))
	}
	if x.f == nil {
		out = append(out, "the fields of the order are unknown")
	}
	out = append(out, r.effectText(x))
	if s := x.stateText(r); s != "" {
		out = append(out, s)
	}
	if s := x.changeText(r); s != "" {
		out = append(out, s)
	}
	out = append(out, x.heldTexts()...)
	if s := r.onTimeText(x); s != "" {
		out = append(out, s)
	}
	if !x.lift && len(x.Nodes) > 0 {
		out = append(out, "answers changed in the period: "+known(x.Answers))
	}
	return out
}

func (r *Report) effectText(x *Row) string {
	switch {
	case x.Known == 0 && x.ByFiles != "":
		return "no journal says whether the order was in force; by the order files at the end of the period: " + x.ByFiles
	case x.Known == 0:
		return "no journal says whether the order was in force"
	case x.InForce == 0:
		s := fmt.Sprintf("in force on 0 of %s", count(x.Known, "node"))
		if len(x.Without) > 0 {
			s += "; without a record of the order: " + strings.Join(x.Without, ", ")
		}
		return s
	}
	s := fmt.Sprintf("in force on %d of %s%s: ", x.InForce, count(x.Known, "node"), r.silentText(x))
	switch {
	case x.AtLatest:
		s += "at the latest at " + r.time(x.last) + ", when the journal began"
	case x.first.Equal(x.last):
		s += "at " + r.time(x.last)
	default:
		s += "first at " + r.time(x.first) + ", last at " + r.time(x.last)
	}
	if n := x.lastNode(); n != "" && x.InForce > 1 {
		s += " (" + n + ")"
	}
	if x.Hours != nil {
		s += fmt.Sprintf(", %s after served", hoursText(*x.Hours))
	}
	return s
}

func (r *Report) silent(x *Row) (n int) {
	for _, name := range r.Silent {
		if !slices.Contains(x.Without, name) && !slices.ContainsFunc(x.Nodes, func(y RowNode) bool { return y.Node == name }) {
			n++
		}
	}
	return n
}

func (r *Report) silentText(x *Row) string {
	switch n := r.silent(x); n {
	case 0:
		return ""
	case 1:
		return ", 1 more node is silent"
	default:
		return fmt.Sprintf(", %d more nodes are silent", n)
	}
}

// hoursText returns a number of hours as words.
func hoursText(h float64) string {
	switch d := time.Duration(h * float64(time.Hour)).Round(time.Second); {
	case d < time.Minute:
		return count(int(d.Seconds()), "second")
	case d < 2*time.Hour:
		return count(int(d.Minutes()), "minute")
	default:
		return number(&h) + " hours"
	}
}

func (x *Row) lastNode() string {
	for _, y := range x.Nodes {
		if y.inForce.Equal(x.last) && !x.last.IsZero() {
			return y.Node
		}
	}
	return ""
}

func (x *Row) stateText(r *Report) string {
	switch x.State {
	case unknownState, string(journal.InForce):
		return ""
	case partly:
		var parts []string
		for _, y := range x.Nodes {
			if y.State != string(journal.InForce) {
				parts = append(parts, y.Node+": "+cmp.Or(y.State, "no record"))
			}
		}
		for _, n := range x.Without {
			parts = append(parts, n+": no record of the order")
		}
		return "at the end of the period not on all nodes: " + strings.Join(parts, "; ")
	}
	s := "at the end of the period: " + x.State
	if x.By != "" {
		s += " by " + x.By
	}
	if !x.ended.IsZero() {
		s += ", at " + r.time(x.ended)
	}
	return s
}

func (x *Row) changeText(r *Report) string {
	if x.corrected.IsZero() {
		return ""
	}
	return fmt.Sprintf("changed in its file while in force, the last time at %s: the times in force are not about targets that a change added", r.time(x.corrected))
}

func (x *Row) heldTexts() (out []string) {
	for i, h := range x.Held {
		if i == shownTargets {
			return append(out, fmt.Sprintf("and %d more held targets", len(x.Held)-i))
		}
		out = append(out, fmt.Sprintf("not in force on %s: %s: %s", h.Node, cmp.Or(h.Target, "a target, or the whole order"), h.Why))
	}
	return out
}

func (r *Report) onTimeText(x *Row) string {
	switch x.OnTime {
	case "yes":
		if r.silent(x) > 0 {
			return "in time on the nodes that are not silent"
		}
		return "in time"
	case "no":
		return "LATE"
	case "unknown":
		return "it is unknown whether the order was in time"
	}
	return ""
}

// NodeFacts returns a line for each node of the order. The result is nil for a hidden order. It is
// also nil for a single node.
func (r *Report) NodeFacts(x *Row) (out []string) {
	if x.hidden || len(x.Nodes) < 2 {
		return nil
	}
	return r.nodeTexts(x)
}

// Span returns the times of the first and the last record of a node.
func (r *Report) Span(n NodeRow) string {
	if n.first.IsZero() {
		return "none"
	}
	return r.time(n.first) + " to " + r.time(n.last)
}
