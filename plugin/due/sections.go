package due

import (
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// maxTargets is the largest number of targets that the report lists for an item.
const maxTargets = 3

// deadlines adds the missed deadlines. Targets of an order with the same deadline become one
// item.
func (c *collector) deadlines() {
	last := map[kind]int{} // the index of the last item of each section, plus 1
	for d := range c.Set.MissedDuties(c.now, c.until) {
		var k kind
		switch {
		case d.Overdue:
			k = behind
		case d.AtRisk:
			k = atRisk
		case c.orders[d.Number].Reported != order.NoTime:
			continue
		default:
			k = late
		}
		field := "deadline"
		if d.Begins && d.At != c.orders[d.Number].Deadline {
			field = "from" // the deadline counts from served, and is before the beginning
		}
		if d.Target == "" {
			c.add(k, found{n: d.Number, at: d.At, field: field})
			continue
		}
		s := c.Sections[k]
		if i := last[k] - 1; i >= 0 && s.found[i].n == d.Number && s.found[i].at == d.At {
			s.found[i].count++
			if len(s.found[i].targets) < maxTargets {
				s.found[i].targets = append(s.found[i].targets, d.Target)
			}
			continue
		}
		c.add(k, found{n: d.Number, at: d.At, field: field, targets: []string{d.Target}, count: 1})
		last[k] = len(s.found)
	}
	// An item for a whole order includes the targets with the same deadline. So remove the items
	// for these targets.
	for _, k := range []kind{behind, atRisk, late} {
		s := c.Sections[k]
		type moment struct {
			n  int
			at order.Time
		}
		whole := map[moment]bool{}
		for _, f := range s.found {
			if f.count == 0 {
				whole[moment{f.n, f.at}] = true
			}
		}
		s.Count -= len(s.found)
		s.found = slices.DeleteFunc(s.found, func(f found) bool { return f.count > 0 && whole[moment{f.n, f.at}] })
		s.Count += len(s.found)
	}
}

// servedLate adds the orders in force that were served after their deadline. It skips orders that
// were reported, and orders that are already in the section LATE or BEHIND.
func (c *collector) servedLate() {
	listed := make([]bool, len(c.orders))
	for _, k := range []kind{behind, late} {
		for _, f := range c.Sections[k].found {
			listed[f.n] = true
		}
	}
	for n, o := range c.orders {
		if wasServedLate(o) && o.Reported == order.NoTime && c.states[n].State == ruleset.InForce && !listed[n] {
			c.add(late, found{n: n, at: o.Deadline, field: "deadline"})
		}
	}
}

func wasServedLate(o *order.Order) bool {
	return o.Deadline != order.NoTime && o.Served != order.NoTime && o.Served >= o.Deadline
}

func (c *collector) reviews() {
	for d := range c.Set.DueReviews(c.now, c.until) {
		c.add(review, found{n: d.Number, at: d.At, field: "review"})
	}
	for i, f := range c.Options.Files {
		if f.Expires != order.NoTime && f.Expires <= c.until {
			c.add(review, found{n: -1, file: i, at: f.Expires, field: "expires"})
		}
	}
}

// receipts adds the orders that were not acknowledged. It also adds the orders in force that were
// not reported.
//
// It skips ended and lifted orders, the operator's own orders, laws and official registers. A lift
// that ends no order counts as not acknowledged, but never as not reported.
func (c *collector) receipts(n int) {
	o, st := c.orders[n], c.states[n].State
	k := o.Authority.Kind
	if st == ruleset.Ended || st == ruleset.Lifted || k == order.KindOperator || k == order.KindLaw || c.Options.Files[c.fileOf[n]].Register || o.Served > c.now {
		return
	}
	date, field := o.Served, "served"
	if date == order.NoTime && o.Issued != order.NoTime && o.Issued <= c.now {
		date, field = o.Issued, "issued"
	}
	if date == order.NoTime {
		field = ""
	}
	if o.Acknowledged == order.NoTime {
		c.add(notAcknowledged, found{n: n, at: date, field: field})
	}
	x := c.useless[c.states[n].Order]
	if o.Reported == order.NoTime && st == ruleset.InForce && (x == nil || !x.Nothing) {
		c.add(notReported, found{n: n, at: date, field: field})
	}
	c.targetReceipts(n, st == ruleset.InForce)
}

// stated adds an order if its decision states more names than the order has. It skips ended and
// lifted orders, and lifts of whole orders.
func (c *collector) stated(n int) {
	o := c.orders[n]
	if st := c.states[n].State; o.NumTargets() == 0 || o.StatedCount <= c.corrected.Remaining(o) || st == ruleset.Ended || st == ruleset.Lifted {
		return
	}
	date, field := o.Served, "served"
	if date == order.NoTime {
		date, field = o.Issued, "issued"
	}
	if date == order.NoTime {
		field = ""
	}
	c.add(incomplete, found{n: n, at: date, field: field})
}

// targetReceipts adds the targets that were served after the order was acknowledged or reported.
// Targets with the same time of service become one item.
func (c *collector) targetReceipts(n int, inForce bool) {
	o := c.orders[n]
	for k, whole := range map[kind]order.Time{notAcknowledged: o.Acknowledged, notReported: o.Reported} {
		if whole == order.NoTime || k == notReported && !inForce {
			continue
		}
		var groups []found
		for i := range o.Targets {
			t := &o.Targets[i]
			if t.Attr == nil || t.Attr.Served == order.NoTime || t.Attr.Served > c.now || t.Attr.Served <= whole {
				continue
			}
			own := t.Attr.Acknowledged
			if k == notReported {
				own = t.Attr.Reported
			}
			if own != order.NoTime || k == notReported && !active(t, c.now) {
				continue
			}
			i := slices.IndexFunc(groups, func(f found) bool { return f.at == t.Attr.Served })
			if i < 0 {
				i = len(groups)
				groups = append(groups, found{n: n, at: t.Attr.Served, field: "served"})
			}
			if groups[i].count++; len(groups[i].targets) < maxTargets {
				groups[i].targets = append(groups[i].targets, targetText(t))
			}
		}
		for _, f := range groups {
			c.add(k, f)
		}
	}
}

// active reports whether the status, the dates and the windows of the target put the target in
// force. It does not look at the order.
func active(t *order.Target, now order.Time) bool {
	a := t.Attr
	in := func(from, until order.Time) bool { return from <= now && (until == order.NoTime || now < until) }
	return a.Status == order.Active && in(a.From, a.Until) &&
		(len(a.Windows) == 0 || slices.ContainsFunc(a.Windows, func(w order.Window) bool { return in(w.From, w.Until) }))
}

func targetText(t *order.Target) string {
	switch t.Kind {
	case order.TargetAddress:
		return t.Attr.Address.String()
	case order.TargetURL:
		return t.Attr.URL
	}
	return t.Pattern()
}

// lifts adds the lifts that end nothing.
func (c *collector) lifts() {
	for n, o := range c.orders {
		if !o.Lifting() || o.Status != order.Active {
			continue
		}
		x := c.useless[c.states[n].Order]
		f := found{n: n, at: o.DecidedAt(), field: placeField(o), reach: x}
		for i := range o.Targets {
			if t := &o.Targets[i]; t.Kind == order.TargetName && !c.Set.Touches(t.Name) {
				if f.count++; len(f.targets) < maxTargets {
					f.targets = append(f.targets, targetText(t))
				}
			}
		}
		if x == nil && f.count == 0 {
			continue
		}
		if x == nil {
			f.reach = &ruleset.Reach{Lift: c.states[n].Order}
		}
		c.add(unreached, f)
	}
}

// placeField returns the name of the field whose date DecidedAt returns, for example "issued".
func placeField(o *order.Order) string {
	switch o.DecidedAt() {
	case order.NoTime:
		return ""
	case o.Issued:
		return "issued"
	case o.From:
		return "from"
	}
	return "served"
}

// list joins the targets with commas. The parameter "more" is the number of all targets. If not all
// targets are listed, the text ends with the number of the others, for example ", and 2 more
// targets".
func list(targets []string, more int) string {
	s := strings.Join(targets, ", ")
	if n := more - len(targets); n > 0 {
		s += ", and " + count(n, "more target")
	}
	return s
}
