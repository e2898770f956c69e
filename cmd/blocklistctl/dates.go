package main

import (
	"regexp"
	"strings"
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

// endText is Time.EndText, and empty for Forever.
func endText(t order.Time, zone *time.Location) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.EndText(zone)
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

// asWritten returns the text of a field with its UTC times changed to the dates and times of
// the order file. References and notes are free text, so asWritten leaves them unchanged.
func (l *orders) asWritten(id, field, text string) string {
	zone, end := l.zone(id), len(text)
	for _, free := range []string{"(references ", ", references ", "(note ", ", note "} {
		if i := strings.Index(text, free); i >= 0 {
			end = min(end, i)
		}
	}
	head := utcTime.ReplaceAllStringFunc(text[:end], func(s string) string {
		m := utcTime.FindStringSubmatch(s)
		t, err := order.ParseTime(m[2], time.UTC)
		if err != nil {
			return s
		}
		before := m[1]
		switch word := strings.TrimSpace(before); {
		case word == "until", word == "deadline", word == "/", word == "" && (field == "until" || field == "deadline" || field == "review"):
			return before + t.EndText(zone)
		}
		return before + t.StartText(zone)
	})
	return head + text[end:]
}

// utcTime is a time in UTC, and the word or slash before the time.
var utcTime = regexp.MustCompile(`((?:\b(?:from|until|served|deadline) )|/|\b)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)`)
