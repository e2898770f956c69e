package order

import (
	"errors"
	"strings"
	"time"

	_ "time/tzdata" // the zone data is built in: containers often have none

	"go.yaml.in/yaml/v3"
)

// edge says which end of a bare date is meant.
type edge bool

const (
	startOfDay edge = false // from, issued, served
	endOfDay   edge = true  // until, deadline, review
)

func (d *decoder) time(n *yaml.Node, field string, e edge) Time {
	t, _ := d.timeOrDate(n, field, e)
	return t
}

// timeOrDate also reports whether only a date was written.
func (d *decoder) timeOrDate(n *yaml.Node, field string, e edge) (t Time, dateOnly bool) {
	s := d.text(n, field)
	if s == "" {
		return NoTime, false
	}
	v, dateOnly, err := parseTime(s, d.loc, e)
	if err != nil {
		d.bad(n, field, "%s", badTime(s, err))
		return NoTime, false
	}
	return FromTime(v), dateOnly
}

var errTime = errors.New("must be an RFC 3339 time or a date, such as 2026-05-01T18:30:00+02:00, 2026-05-01T18:30 or 2026-05-01")

// badTime says what is wrong with s as a time, and shows what to write when s is a
// time in another form; err is what parseTime says.
func badTime(s string, err error) string {
	advice := timeAdvice(s)
	switch {
	case !errors.Is(err, errTime):
		return err.Error()
	case advice != "":
		return "must be an RFC 3339 time or a date" + advice
	case shaped(s, "0000-00-00") && len(s) == 10:
		return "is no day of the calendar"
	}
	return err.Error()
}

// parseTime reads RFC 3339 with seconds and offset optional (then loc), or a
// bare date. Years are 1 to 9999 as written.
func parseTime(s string, loc *time.Location, e edge) (t time.Time, dateOnly bool, err error) {
	date, clock, seconds, offset, ok := splitTime(strings.ToUpper(s))
	if !ok {
		return t, false, errTime
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil || day.Year() == 0 {
		return t, false, errTime
	}
	if clock == "" {
		if e == endOfDay {
			day = day.AddDate(0, 0, 1)
		}
		return dayStart(day, loc), true, nil
	}
	if seconds == "" {
		seconds = ":00"
	}
	wall, err := time.Parse("2006-01-02T15:04:05", date+"T"+clock+seconds)
	if err != nil {
		return t, false, errTime
	}
	if offset != "" {
		t, err := time.Parse(time.RFC3339, date+"T"+clock+seconds+offset)
		if err != nil {
			return t, false, errTime
		}
		return t, false, nil
	}
	switch c := instants(wall, loc); len(c) {
	case 0:
		return t, false, errors.New("does not exist in " + loc.String() + ": the clocks skip it; write the offset")
	case 1:
		return c[0], false, nil
	default:
		return t, false, errors.New("happens twice in " + loc.String() + ": the clocks are set back; write the offset")
	}
}

// splitTime cuts s into its parts when it has the form that RFC 3339, section 5.6,
// allows, with seconds, offset and time of day optional. The time package alone
// takes more, such as "1:30".
func splitTime(s string) (date, clock, seconds, offset string, ok bool) {
	if !shaped(s, "0000-00-00") {
		return "", "", "", "", false
	}
	date, s = s[:10], s[10:]
	if s == "" {
		return date, "", "", "", true
	}
	if s[0] != 'T' && s[0] != ' ' || !shaped(s[1:], "00:00") {
		return "", "", "", "", false
	}
	clock, s = s[1:6], s[6:]
	if shaped(s, ":00") {
		n := 3
		if shaped(s[n:], ".0") {
			for n++; n < len(s) && digit(s[n]); n++ {
			}
		}
		seconds, s = s[:n], s[n:]
	}
	ok = s == "" || s == "Z" ||
		len(s) == 6 && (s[0] == '+' || s[0] == '-') && shaped(s[1:], "00:00") && s[1:3] < "24" && s[4:] < "60"
	return date, clock, seconds, s, ok
}

// shaped reports whether s begins as shape does, in which 0 stands for any digit.
func shaped(s, shape string) bool {
	if len(s) < len(shape) {
		return false
	}
	for i := range len(shape) {
		if c := shape[i]; s[i] != c && (c != '0' || !digit(s[i])) {
			return false
		}
	}
	return true
}

// zoneReach is further than any zone transition moves the clocks from UTC, so
// that the offsets on both sides of a wall time are found that far from it.
const zoneReach = 26 * time.Hour

// instants returns the moments at which the clocks of loc show wall (given as
// UTC): none in the hour that is skipped, two in the hour that is repeated.
func instants(wall time.Time, loc *time.Location) []time.Time {
	var out []time.Time
	for _, near := range []time.Duration{-zoneReach, zoneReach} {
		_, off := wall.Add(near).In(loc).Zone()
		t := wall.Add(-time.Duration(off) * time.Second)
		if _, real := t.In(loc).Zone(); real == off && (len(out) == 0 || !out[0].Equal(t)) {
			out = append(out, t)
		}
	}
	return out
}

// dayStart returns the first moment of a day (given as UTC midnight) in loc,
// also where the clocks skip or repeat midnight.
func dayStart(day time.Time, loc *time.Location) time.Time {
	if loc == time.UTC {
		return day
	}
	if c := instants(day, loc); len(c) > 0 {
		return c[0]
	}
	_, before := day.Add(-zoneReach).In(loc).Zone()
	return day.Add(-time.Duration(before) * time.Second)
}
