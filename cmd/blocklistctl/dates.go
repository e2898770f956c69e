package main

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// zoneOf returns the timezone that the times of an order file are in.
func zoneOf(f *order.File) *time.Location {
	if zone, err := time.LoadLocation(f.Timezone); err == nil {
		return zone
	}
	return time.UTC // not reached for a file that was parsed without errors
}

// startText shows a time at which something begins, such as issued and from, as the order
// file has the time: the start of a day is shown as the date, and any other time with the
// offset of the file's timezone. The text is empty for NoTime.
func startText(t order.Time, zone *time.Location) string {
	if t == order.NoTime {
		return ""
	}
	local := t.Time().In(zone)
	date := local.Format(time.DateOnly)
	if day, err := order.ParseTime(date, zone); err == nil && day == t {
		return date
	}
	return local.Format(time.RFC3339)
}

// endText shows a time at which something ends, such as until, deadline and review. In
// an order file, a date in these fields is the end of the day, so the start of a day is
// shown as the date before.
func endText(t order.Time, zone *time.Location) string {
	if t == order.NoTime || t == ruleset.Forever {
		return ""
	}
	local := t.Time().In(zone)
	if day, err := order.ParseTime(local.Format(time.DateOnly), zone); err != nil || day != t {
		return local.Format(time.RFC3339)
	}
	return local.AddDate(0, 0, -1).Format(time.DateOnly)
}

// endOfDay is endText for a sentence: a date says that the end of the day is meant.
func endOfDay(t order.Time, zone *time.Location) string {
	s := endText(t, zone)
	if len(s) == len(time.DateOnly) {
		return "the end of " + s
	}
	return s
}

// zone returns the timezone of the file that has the order, UTC for an unknown order.
func (l *orders) zone(id string) *time.Location {
	if p, ok := l.places[id]; ok {
		return p.zone
	}
	return time.UTC
}

// firstDate returns the day before which a block order cannot have been in force when the
// order has no from: the later of the days on which the order was issued and served. name
// is the field. firstDate returns NoTime when the order has neither date.
func firstDate(o *order.Order) (t order.Time, name string) {
	if o.Served != order.NoTime && o.Served >= o.Issued {
		return o.Served, "served"
	}
	if o.Issued != order.NoTime {
		return o.Issued, "issued"
	}
	return order.NoTime, ""
}

// datedBefore returns what is compiled to judge a time in the past: order files do not
// say when they went into force, so an order or target without a from is given the first
// date on which the order or target can have been in force. now is the present: an order
// of which the first date is to come is in force at present all the same.
func datedBefore(now order.Time) func(*order.Order) *order.Order {
	return func(o *order.Order) *order.Order {
		dated := *o
		if first, _ := firstDate(o); o.From == order.NoTime && first <= now {
			dated.From = first
		}
		dated.Targets = nil
		for _, t := range o.Targets {
			if a := t.Attr; a != nil && a.From == order.NoTime && a.Served != order.NoTime && a.Served <= now {
				own := *a
				own.From = a.Served
				t.Attr = &own
			}
			dated.Targets = append(dated.Targets, t)
		}
		return &dated
	}
}

// asWritten shows the text of a field of an order, which is in UTC for a single time, as
// the order file has the time.
func (l *orders) asWritten(id, field, text string) string {
	t, err := order.ParseTime(text, time.UTC)
	if err != nil {
		return text
	}
	switch field {
	case "issued", "served", "from":
		return startText(t, l.zone(id))
	case "until", "deadline", "review":
		return endText(t, l.zone(id))
	}
	return text
}
