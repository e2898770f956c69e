package order

import (
	"math"
	"time"
)

// Time is a time in whole Unix seconds. Fractions are rounded up, at the start and at the end of an
// interval.
type Time int64

// NoTime means that a time is not given.
const NoTime Time = math.MinInt64

// Times are limited to the years 0001 to 9999 in UTC.
const (
	firstTime Time = -62135596800
	lastTime  Time = 253402300799
)

// FromTime rounds t up to a whole second. A time outside of the years 0001 to 9999 becomes the
// nearest limit.
func FromTime(t time.Time) Time {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return min(max(Time(s), firstTime), lastTime)
}

// Time returns t in UTC. NoTime gives the zero time.Time.
func (t Time) Time() time.Time {
	if t == NoTime {
		return time.Time{}
	}
	return time.Unix(int64(t), 0).UTC()
}

func (t Time) String() string {
	if t == NoTime {
		return ""
	}
	return t.Time().Format(time.RFC3339)
}

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
