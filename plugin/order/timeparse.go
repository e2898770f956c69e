package order

import (
	"errors"
	"strings"
	"time"

	_ "time/tzdata" // containers often have no time zone files

	"go.yaml.in/yaml/v3"
)

type edge bool

const (
	startOfDay edge = false // for example in from, issued and served
	endOfDay   edge = true  // for example in until, deadline and review
)

func (d *decoder) time(n *yaml.Node, field string, e edge) Time {
	t, _ := d.timeOrDate(n, field, e)
	return t
}

func (d *decoder) timeOrDate(n *yaml.Node, field string, e edge) (t Time, dateOnly bool) {
	s := d.text(n, field)
	if s == "" {
		return NoTime, false
	}
	key := writtenTime{s, d.loc, e}
	if known, ok := d.times[key]; ok {
		return known.t, known.dateOnly
	}
	v, dateOnly, err := parseTime(s, d.loc, e)
	if err != nil {
		d.bad(n, field, "%s", badTime(field, s, err))
		return NoTime, false
	}
	if d.times == nil || len(d.times) == maxTimes {
		d.times = map[writtenTime]parsedTime{}
	}
	d.times[key] = parsedTime{FromTime(v), dateOnly}
	return FromTime(v), dateOnly
}

const maxTimes = 1 << 12

type writtenTime struct {
	text string
	loc  *time.Location
	edge edge
}

// A parsedTime is the result of timeOrDate.
type parsedTime struct {
	t        Time
	dateOnly bool
}

var errTime = errors.New("must be a date or a time, such as 2026-05-01, 2026-05-01T18:30 or 2026-05-01T18:30:00+02:00")

func badTime(field, s string, err error) string {
	advice := timeAdvice(s)
	switch {
	case !errors.Is(err, errTime):
		return err.Error()
	case lastKey(field) == "until" && noEnd[strings.ToLower(unquoted(s))]:
		if field == "until" {
			return "must be a date or a time; an order without until has no end, so leave until out, and write a review date"
		}
		return "must be a date or a time; without until there is no end, so leave until out"
	case advice != "":
		return "must be a date or a time" + advice
	case shaped(s, "0000-00-00") && len(s) == 10:
		return "is no day of the calendar; check the day and the month"
	}
	return err.Error()
}

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
		return t, false, errors.New("the clocks of " + loc.String() + " skip this time; write the time with its offset, such as 2026-05-01T18:30+02:00")
	case 1:
		return c[0], false, nil
	default:
		return t, false, errors.New("this time happens twice in " + loc.String() + ", because the clocks are set back; write the time with its offset, such as 2026-05-01T18:30+02:00")
	}
}

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

// A 0 in shape matches any digit.
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

// zoneReach is longer than the offset of any time zone.
const zoneReach = 26 * time.Hour

// At a change of the clocks, a local time can occur twice or never.
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

// If the clocks skip midnight, the day starts later.
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
