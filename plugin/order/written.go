package order

import "time"

// StartText returns t in the notation of an order file with the time zone, for fields such as
// issued and from, which are the start of something. The start of a day is written as a date.
// Any other time is written with its offset. For NoTime, the text is "".
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

// EndText returns t in the notation of an order file with the time zone, for fields such as
// until, deadline and review. A date in these fields means the end of the day. EndText
// therefore writes the start of a day as the date of the day before. Any other time is written
// with its offset. For NoTime, the text is "".
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

// startsDay reports whether t is the first moment of a day. The argument local is t in the
// time zone of the day.
func (t Time) startsDay(local time.Time) bool {
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	return FromTime(dayStart(day, local.Location())) == t
}
