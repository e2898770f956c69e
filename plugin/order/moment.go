package order

import "time"

// ParseTime reads a time as an order file's from is read: RFC 3339, seconds and
// offset optional (then loc), or a bare date, the start of that day.
func ParseTime(s string, loc *time.Location) (Time, error) {
	t, _, err := parseTime(s, loc, startOfDay)
	if err != nil {
		return NoTime, err
	}
	return FromTime(t), nil
}
