package order

import (
	"math"
	"time"
)

// Time is a moment in whole Unix seconds. Orders start and end on the second:
// a fraction that a program wrote is rounded up, so that an interval still
// contains exactly the whole seconds that lie in it.
type Time int64

// NoTime is the absence of a time.
const NoTime Time = math.MinInt64

// firstTime and lastTime bound what RFC 3339 can write in UTC, the years 0001
// to 9999. The offset of a date such as 9999-12-31 leads out of them.
const (
	firstTime Time = -62135596800
	lastTime  Time = 253402300799
)

// FromTime returns the first whole second at or after t, within the years 0001
// to 9999 of UTC.
func FromTime(t time.Time) Time {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return min(max(Time(s), firstTime), lastTime)
}

// Time returns t in UTC; the zero time.Time for NoTime.
func (t Time) Time() time.Time {
	if t == NoTime {
		return time.Time{}
	}
	return time.Unix(int64(t), 0).UTC()
}

// String returns t as RFC 3339 in UTC, empty for NoTime.
func (t Time) String() string {
	if t == NoTime {
		return ""
	}
	return t.Time().Format(time.RFC3339)
}
