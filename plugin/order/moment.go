package order

import "time"

// ParseTime parses a date or a time of RFC 3339. The seconds and the offset may be left out. A
// date means the start of the day. Without an offset, the time zone is loc.
func ParseTime(s string, loc *time.Location) (Time, error) {
	t, _, err := parseTime(s, loc, startOfDay)
	if err != nil {
		return NoTime, err
	}
	return FromTime(t), nil
}
