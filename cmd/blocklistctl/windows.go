package main

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

// An empty From or Until means no limit.
type windowJSON struct {
	From  string `json:"from,omitempty"`
	Until string `json:"until,omitempty"`
}

func (x *listedJSON) setWindows(o *order.Order, zone *time.Location, now order.Time) {
	from, until := o.From, o.Until
	if len(o.Windows) > 0 {
		first, last := span(o.Windows)
		from = max(from, first)
		if until == order.NoTime || last != order.NoTime && last < until {
			until = last
		}
	}
	x.first, x.last = from.StartText(zone), until.EndText(zone)
	for _, w := range o.Windows {
		x.Windows = append(x.Windows, windowJSON{w.From.String(), w.Until.String()})
	}
	if n := len(o.Windows); n > 0 {
		x.windows = fmt.Sprintf("%d, %s", n, nextWindow(o.Windows, zone, now))
	}
}

// The results are the earliest start and the latest end. NoTime means no limit.
func span(ws []order.Window) (from, until order.Time) {
	from, until = ws[0].From, ws[0].Until
	for _, w := range ws[1:] {
		from = min(from, w.From) // NoTime is less than every time
		if until != order.NoTime && (w.Until == order.NoTime || w.Until > until) {
			until = w.Until
		}
	}
	return from, until
}

func nextWindow(ws []order.Window, zone *time.Location, now order.Time) string {
	var next *order.Window
	for i := range ws {
		w := &ws[i]
		if w.Until != order.NoTime && w.Until <= now {
			continue
		}
		if next == nil || w.From < next.From {
			next = w
		}
	}
	switch {
	case next == nil:
		return "all in the past"
	case next.From > now:
		return fmt.Sprintf("the next from %s%s", next.From.StartText(zone), windowEnd(next, zone))
	}
	return "one is open" + windowEnd(next, zone)
}

func windowEnd(w *order.Window, zone *time.Location) string {
	if w.Until == order.NoTime {
		return ", without an end"
	}
	return " until " + endOfDay(w.Until, zone)
}
