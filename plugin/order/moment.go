package order

import "time"

// ParseTime parses a time as in the from of an order file: RFC 3339, in which the seconds and
// the offset are optional, or a date, which means the start of the day. A time without an
// offset, or a date, is in loc.
func ParseTime(s string, loc *time.Location) (Time, error) {
	t, _, err := parseTime(s, loc, startOfDay)
	if err != nil {
		return NoTime, err
	}
	return FromTime(t), nil
}
