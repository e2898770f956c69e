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
		d.bad(n, field, "%v", err)
		return NoTime, false
	}
	return FromTime(v), dateOnly
}

var errTime = errors.New("must be an RFC 3339 time or a date, such as 2026-05-01T18:30:00+02:00, 2026-05-01T18:30 or 2026-05-01")

// parseTime reads RFC 3339 with seconds and offset optional (then loc), or a
// bare date. Years are 1 to 9999.
func parseTime(s string, loc *time.Location, e edge) (t time.Time, dateOnly bool, err error) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		if e == endOfDay {
			day = day.AddDate(0, 0, 1)
		}
		return dayStart(day, loc), true, nil
	}
	if len(s) > 10 && (s[10] == ' ' || s[10] == 't') {
		s = s[:10] + "T" + s[11:]
	}
	// time.Parse takes "," for "." in fractions; RFC 3339 does not.
	if strings.Contains(s, ",") {
		return t, false, errTime
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return t, false, nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if wall, err := time.Parse(layout, s); err == nil {
			switch c := instants(wall, loc); len(c) {
			case 0:
				return t, false, errors.New("does not exist in " + loc.String() + ": the clocks skip it; write the offset")
			case 1:
				return c[0], false, nil
			default:
				return t, false, errors.New("happens twice in " + loc.String() + ": the clocks are set back; write the offset")
			}
		}
	}
	return t, false, errTime
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
	if c := instants(day, loc); len(c) > 0 {
		if len(c) == 2 && c[1].Before(c[0]) {
			return c[1]
		}
		return c[0]
	}
	_, before := day.Add(-zoneReach).In(loc).Zone()
	return day.Add(-time.Duration(before) * time.Second)
}
