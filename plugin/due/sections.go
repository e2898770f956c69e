package due

import (
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const maxTargets = 3

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
		if d.Target == "" {
			c.add(k, found{n: d.Number, at: d.At, field: "deadline"})
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
		c.add(k, found{n: d.Number, at: d.At, field: "deadline", targets: []string{d.Target}, count: 1})
		last[k] = len(s.found)
	}
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

// Messages about an ended or lifted order are due for this number of days.
const owedDays = 30

// No acknowledgement or report is due for:
//
// - the operator's own orders
// - laws and official registers
// - lifts without a stated kind of authority
// - orders that ended more than owedDays ago
func (c *collector) receipts(n int) {
	o, st := c.orders[n], c.states[n].State
	k := o.Authority.Kind
	if k == order.KindOperator || k == order.KindLaw || k == order.KindUnstated && o.Lifting() || c.Options.Files[c.fileOf[n]].Register || o.Served > c.now {
		return
	}
	effect := st == ruleset.InForce
	if st == ruleset.Ended || st == ruleset.Lifted {
		if c.states[n].OverSince(c.now - owedDays*24*60*60) {
			return
		}
		effect = c.states[n].WasInForce(max(o.Served, o.DecidedAt()))
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
	if o.Reported == order.NoTime && effect && (x == nil || !x.Nothing) {
		c.add(notReported, found{n: n, at: date, field: field})
	}
	c.targetReceipts(n, effect)
}

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

func list(targets []string, more int) string {
	s := strings.Join(targets, ", ")
	if n := more - len(targets); n > 0 {
		s += ", and " + count(n, "more target")
	}
	return s
}
