package due

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func spans(from, until order.Time, windows []order.Window) []order.Window {
	if len(windows) == 0 {
		return []order.Window{{From: from, Until: until}}
	}
	var out []order.Window
	for _, w := range windows {
		w.From = max(w.From, from) // NoTime is less than every time
		if until != order.NoTime && (w.Until == order.NoTime || w.Until > until) {
			w.Until = until
		}
		if w.Until == order.NoTime || w.From < w.Until {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b order.Window) int { return cmp.Compare(a.From, b.From) })
	return out
}

func lastEnd(spans []order.Window) order.Time {
	last := order.NoTime
	for _, w := range spans {
		if w.Until == order.NoTime {
			return order.NoTime
		}
		last = max(last, w.Until)
	}
	return last
}

func (c *collector) times(n int) {
	o, st := c.orders[n], c.states[n]
	if st.State == ruleset.Ended {
		return
	}
	from := o.From
	if from == order.NoTime && o.Lifting() {
		from = o.DecidedAt()
	}
	field := "from"
	if len(o.Windows) > 0 {
		field = "windows"
	}
	own := spans(from, o.Until, o.Windows)
	for _, w := range own {
		if c.now < w.From && w.From < c.until && !st.LiftedAt(w.From) {
			f := found{n: n, at: w.From, field: field}
			if field == "windows" {
				f.until = w.Until
			} else {
				f.until = order.NoTime
			}
			c.add(starts, f)
		}
	}
	if o.Status != order.Active {
		return
	}
	field = "until"
	if end := lastEnd(own); c.ending(end) && !st.LiftedAt(end-1) {
		if len(o.Windows) > 0 && end != o.Until {
			field = "windows"
		}
		c.add(ends, found{n: n, at: end, field: field, end: true})
	}
	for _, x := range o.Exempt {
		if c.ending(x.Until) && (o.Until == order.NoTime || x.Until < o.Until) && !st.LiftedAt(x.Until) {
			c.add(ends, found{n: n, at: x.Until, field: "exempt", end: true})
		}
	}
	c.targetTimes(n)
}

func (c *collector) ending(t order.Time) bool { return t != order.NoTime && c.now < t && t <= c.until }

func (c *collector) targetTimes(n int) {
	type moment struct {
		k     kind
		at    order.Time
		field string
	}
	var groups map[moment]*found
	var sequence []moment
	add := func(k kind, at order.Time, field string, t *order.Target) {
		m := moment{k, at, field}
		if groups == nil {
			groups = map[moment]*found{}
		}
		f := groups[m]
		if f == nil {
			f = &found{n: n, at: at, until: order.NoTime, field: field, end: k == ends}
			groups[m], sequence = f, append(sequence, m)
		}
		if f.count++; len(f.targets) < maxTargets {
			f.targets = append(f.targets, targetText(t))
		}
	}
	o := c.orders[n]
	for i := range o.Targets {
		t := &o.Targets[i]
		a := t.Attr
		if a == nil || a.Status != order.Active || a.From == order.NoTime && a.Until == order.NoTime && len(a.Windows) == 0 {
			continue
		}
		field := "from"
		if len(a.Windows) > 0 {
			field = "windows"
		}
		own := spans(max(a.From, o.From), a.Until, a.Windows)
		for _, w := range own {
			if w.From > o.From && c.now < w.From && w.From < c.until && !c.states[n].TargetLifted(t, w.From) {
				add(starts, w.From, field, t)
			}
		}
		if end := lastEnd(own); c.ending(end) && (o.Until == order.NoTime || end < o.Until) && !c.states[n].TargetLifted(t, end-1) {
			add(ends, end, "until", t)
		}
	}
	for _, m := range sequence {
		c.add(m.k, *groups[m])
	}
}

func when(t order.Time, zone *time.Location, end, offset bool) string {
	if t == order.NoTime {
		return ""
	}
	if day, ok := wholeDay(t, zone, end); ok {
		return day.Format("Mon 2006-01-02")
	}
	local := t.Time().In(zone)
	form := "Mon 2006-01-02 15:04"
	if local.Second() != 0 {
		form += ":05"
	}
	if offset {
		form += " -07:00"
	}
	return local.Format(form)
}

func wholeDay(t order.Time, zone *time.Location, end bool) (time.Time, bool) {
	text := t.StartText(zone)
	if end {
		text = t.EndText(zone)
	}
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil
}

func distance(now, t order.Time, zone *time.Location, end bool) string {
	date := func(t order.Time, end bool) time.Time {
		if day, ok := wholeDay(t, zone, end); ok {
			return day
		}
		y, m, d := t.Time().In(zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	switch days := int(date(t, end).Sub(date(now, false)).Hours() / 24); {
	case days == 0:
		if _, whole := wholeDay(t, zone, end); whole {
			return "today"
		}
		return t.Time().In(zone).Format("today 15:04")
	case days == 1:
		return "tomorrow"
	case days == -1:
		return "yesterday"
	case days < 0:
		return fmt.Sprintf("%d days ago", -days)
	default:
		return fmt.Sprintf("in %d days", days)
	}
}

func isEnd(field string) bool {
	switch field {
	case "until", "deadline", "review", "expires":
		return true
	}
	return false
}
