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
