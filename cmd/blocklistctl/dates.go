package main

import (
	"regexp"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/order"
)

// zoneOf returns the time zone of an order file.
func zoneOf(f *order.File) *time.Location {
	if zone, err := time.LoadLocation(f.Timezone); err == nil {
		return zone
	}
	return time.UTC // cannot happen, because the parser checks the time zone
}

// These functions write dates as the explanations do.
var endText, endOfDay, firstDate = explain.EndText, explain.EndOfDay, explain.FirstDate

func (l *orders) zone(id string) *time.Location {
	if p := l.position(id); p.zone != nil {
		return p.zone
	}
	return time.UTC
}

func (l *orders) zoneOfFile(path string) *time.Location {
	for _, v := range l.versions {
		if v.Path == path {
			return zoneOf(v.File)
		}
	}
	return time.UTC
}

// datedBefore returns a function that sets a missing field "from" of an order to the first possible
// date (the date of issue or receipt). A date after now is not used. Commands use the function for
// questions about the past.
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

// asWritten converts the UTC times in a text to the time zone of the order file. The parameter
// "field" is the order field that the text is about. References and notes in the text stay
// unchanged.
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

// utcTime matches a time in UTC, for example "until 2026-05-01T00:00:00Z". The match
// includes the word or the slash before the time.
var utcTime = regexp.MustCompile(`((?:\b(?:from|until|served|deadline) )|/|\b)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)`)
