package store

import (
	"fmt"
	"time"
)

const (
	// A serial near 2^63 would leave no higher serials.
	maxJump = 1 << 32
	// A serial may be a little in the future. Clocks can be wrong, and time zones can be ahead of
	// UTC.
	ahead = 24 * time.Hour
	// Serials from firstUnix look like Unix seconds. Serials from firstDate look like dates
	// (yyyymmddnn). Unix seconds reach firstDate in 2033.
	firstUnix, firstDate = 1_000_000_000, 2000_01_01_00
)

// Without a state directory, accept each serial. A person could not confirm a refused serial.
func (s *Store) jumpProblem(v *version, serial int64) string {
	if s.opt.State == "" || serial < 0 || serial == v.serial {
		return ""
	}
	why := ""
	latest := latestSerial(v.serial, s.clock.Now())
	if latest < 0 {
		latest = latestSerial(serial, s.clock.Now())
	}
	switch {
	case latest >= 0 && serial > latest:
		why = fmt.Sprintf("the serials look like times, and this time is more than %d hours in the future", ahead/time.Hour)
	case v.serial >= 0 && serial-v.serial > maxJump:
		why = fmt.Sprintf("it is more than 2^32 above %d", v.serial)
	default:
		return ""
	}
	return fmt.Sprintf("is %d, but %s; if the serial is meant, run: blocklistctl state set-serial FILE %d --reason TEXT", serial, why, serial)
}

func latestSerial(serial int64, now time.Time) int64 {
	now = now.UTC().Add(ahead)
	switch {
	case serial < firstUnix:
		return -1
	case serial < firstDate:
		return now.Unix()
	}
	y, m, d := int(serial/1_000_000), time.Month(serial/10_000%100), int(serial/100%100)
	if t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); y > 2999 || t.Year() != y || t.Month() != m || t.Day() != d {
		return -1
	}
	return int64(now.Year())*1_000_000 + int64(now.Month())*10_000 + int64(now.Day())*100 + 99
}
