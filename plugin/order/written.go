package order

import "time"

// StartText returns t as text for fields like issued and from. The start of a day is written as a
// date. NoTime is "".
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

// EndText returns t as text for fields like until and deadline. The start of March 2 is written as
// the date March 1, because a date means the end of the day. NoTime is "".
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
