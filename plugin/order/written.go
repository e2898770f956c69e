package order

import "time"

// StartText writes a time for fields like issued and from. The start of a day becomes a date.
// NoTime becomes "".
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

// EndText writes a time for fields like until and deadline. In these fields, a date means the end
// of the day. The start of March 2 is therefore written as March 1. NoTime becomes "".
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

func (t Time) startsDay(local time.Time) bool {
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	return FromTime(dayStart(day, local.Location())) == t
}
