package order

import "time"

// ParseTime parses a time in the form of an order file's from: a date, which means the start
// of the day, or RFC 3339 with optional seconds and offset. A date or a time without an offset
// is in loc.
func ParseTime(s string, loc *time.Location) (Time, error) {
	t, _, err := parseTime(s, loc, startOfDay)
	if err != nil {
		return NoTime, err
	}
	return FromTime(t), nil
}
