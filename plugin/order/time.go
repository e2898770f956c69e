package order

import (
	"math"
	"time"
)

// Time is a time in whole Unix seconds. Orders start and end on the second. A fraction of a
// second is rounded up, so that an interval still contains exactly the same whole seconds.
type Time int64

// NoTime is the absence of a time.
const NoTime Time = math.MinInt64

// firstTime and lastTime are the first and last second that RFC 3339 can write in UTC, in the
// years 0001 and 9999. A date such as 9999-12-31 may be outside, depending on the time zone.
const (
	firstTime Time = -62135596800
	lastTime  Time = 253402300799
)

// FromTime returns the first whole second at or after t, limited to the years 0001 to 9999 in
// UTC.
func FromTime(t time.Time) Time {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return min(max(Time(s), firstTime), lastTime)
}

// Time returns t in UTC, or the zero time.Time for NoTime.
func (t Time) Time() time.Time {
	if t == NoTime {
		return time.Time{}
	}
	return time.Unix(int64(t), 0).UTC()
}

// String returns t as RFC 3339 in UTC, or "" for NoTime.
func (t Time) String() string {
	if t == NoTime {
		return ""
	}
	return t.Time().Format(time.RFC3339)
}

// localText returns t as text for an operator. The text is a date if a date of the given edge
// means t in loc, and otherwise RFC 3339 with the offset of loc.
func localText(t Time, loc *time.Location, e edge) string {
	local := t.Time().In(loc)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	if dayStart(day, loc).Equal(local) {
		if e == endOfDay {
			day = day.AddDate(0, 0, -1)
		}
		return day.Format(time.DateOnly)
	}
	return local.Format(time.RFC3339)
}
