package order

import "time"

// ParseTime parses a date or a time of RFC 3339. Seconds and offset are optional. A date means the
// start of the day in the given time zone.
func ParseTime(s string, loc *time.Location) (Time, error) {
	t, _, err := parseTime(s, loc, startOfDay)
	if err != nil {
		return NoTime, err
	}
	return FromTime(t), nil
}

// ParseDuration parses a duration in Go's format, such as "1h30m". The letter d means 24 hours.
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }
