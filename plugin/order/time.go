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

// FromTime returns the first whole second at or after t.
func FromTime(t time.Time) Time {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return Time(s)
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
