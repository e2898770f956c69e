package order

import "time"

// ParseTime parses a date or a time of RFC 3339. The seconds and the offset may be
// missing. A date is the start of the day. The default time zone is loc.
func ParseTime(s string, loc *time.Location) (Time, error) {
	t, _, err := parseTime(s, loc, startOfDay)
	if err != nil {
		return NoTime, err
	}
	return FromTime(t), nil
}

// ParseDuration parses a duration in the notation of order files. This is Go's format,
// such as "1h30m". The letter d means 24 hours.
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }
