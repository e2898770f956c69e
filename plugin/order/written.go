package order

import "time"

// StartText returns a time at which something begins, such as issued and from, in the notation
// of an order file with the time zone. It returns a date for the start of a day, and otherwise
// a time with an offset. It returns "" for NoTime.
func (t Time) StartText(zone *time.Location) string {
	if t == NoTime {
		return ""
	}
	local := t.Time().In(zone)
	if t.startsDay(local) {
		return local.Format(time.DateOnly)
	}
	return local.Format(time.RFC3339)
}

// EndText returns a time at which something ends, such as until, deadline and review, in the
// notation of an order file with the time zone. A date in these fields means the end of the
// day, so EndText returns the start of a day as the date of the day before. It returns "" for
// NoTime.
func (t Time) EndText(zone *time.Location) string {
	if t == NoTime {
		return ""
	}
	local := t.Time().In(zone)
	if t.startsDay(local) {
		return time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	return local.Format(time.RFC3339)
}

// startsDay reports whether t is the first time of a day. local is t in its time zone.
func (t Time) startsDay(local time.Time) bool {
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	return FromTime(dayStart(day, local.Location())) == t
}
