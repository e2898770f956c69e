package order

import "time"

// ParseTime parses a time in the notation of the key from in order files. The text is a date,
// which means the start of the day, or a time of RFC 3339. Seconds and offset may be left out.
// A date, or a time without an offset, is in the time zone loc.
func ParseTime(s string, loc *time.Location) (Time, error) {
	t, _, err := parseTime(s, loc, startOfDay)
	if err != nil {
		return NoTime, err
	}
	return FromTime(t), nil
}

// ParseDuration parses a duration in the notation of order files: the format of Go, such as
// "1h30m", with "d" for 24 hours as the largest unit.
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }
