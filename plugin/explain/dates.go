package explain

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Until returns a time as text, or "" for ruleset.Forever.
func Until(t order.Time) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.String()
}

// EndText returns the time as Time.EndText does, but "" for ruleset.Forever.
func EndText(t order.Time, zone *time.Location) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.EndText(zone)
}

// EndOfDay returns a time as words for a sentence, for example "the end of 2026-05-01". It returns
// "" for ruleset.Forever.
func EndOfDay(t order.Time, zone *time.Location) string {
	s := EndText(t, zone)
	if len(s) == len(time.DateOnly) {
		return "the end of " + s
	}
	return s
}

// FirstDate returns the first possible day of a block order without a start date, and the field
// with this day. The day is the later of the days of issue and of service. t may be NoTime.
func FirstDate(o *order.Order) (t order.Time, field string) {
	if o.Served != order.NoTime && o.Served >= o.Issued {
		return o.Served, "served"
	}
	if o.Issued != order.NoTime {
		return o.Issued, "issued"
	}
	return order.NoTime, ""
}
