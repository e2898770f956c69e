package explain

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Until returns a time as text. The result is "" for ruleset.Forever.
func Until(t order.Time) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.String()
}

// EndText returns Time.EndText(zone), or "" for ruleset.Forever.
func EndText(t order.Time, zone *time.Location) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.EndText(zone)
}

// EndOfDay returns a time for a sentence, for example "the end of 2026-05-01". It returns "" for
// ruleset.Forever.
func EndOfDay(t order.Time, zone *time.Location) string {
	s := EndText(t, zone)
	if len(s) == len(time.DateOnly) {
		return "the end of " + s
	}
	return s
}

// FirstDate returns the later of the dates served and issued. The second result is the name of the
// field. Without a date, the results are NoTime and "".
func FirstDate(o *order.Order) (t order.Time, field string) {
	if o.Served != order.NoTime && o.Served >= o.Issued {
		return o.Served, "served"
	}
	if o.Issued != order.NoTime {
		return o.Issued, "issued"
	}
	return order.NoTime, ""
}
