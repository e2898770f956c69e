package order

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func timeAdvice(s string) string {
	days, date, clock, ok := readTime(s)
	switch {
	case !ok:
		return ""
	case len(days) == 0:
		if y := strings.LastIndexAny(date, "/.-"); y > 0 && len(date)-y == 3 && shaped(date[y+1:], "00") && !shaped(date, "0000") {
			return ", with a year of four digits in front, such as 2026-11-23"
		}
		return ""
	case len(days) == 1 || days[0].Equal(days[1]):
		return "; write " + days[0].Format(time.DateOnly) + clock
	}
	return fmt.Sprintf("; %q is %s or %s: write %s%s or %s%s", clip(date), days[0].Format("2 January"), days[1].Format("2 January"),
		days[0].Format(time.DateOnly), clock, days[1].Format(time.DateOnly), clock)
}

// Notation converts a date or time, for example 30/4/2026, to the form in order files. An ambiguous
// date gives "". Other text also gives "".
func Notation(s string) string {
	days, _, clock, ok := readTime(s)
	if !ok || len(days) == 0 || len(days) > 1 && !days[0].Equal(days[1]) {
		return ""
	}
	return days[0].Format(time.DateOnly) + clock
}

func readTime(s string) (days []time.Time, date, clock string, ok bool) {
	s = unquoted(s)
	date, offset := s, ""
	if i := strings.LastIndexByte(s, ' '); i > 0 && zones[strings.ToUpper(s[i+1:])] != "" {
		s, offset = s[:i], zones[strings.ToUpper(s[i+1:])]
	}
	if i := strings.LastIndexAny(s, " Tt,"); i > 0 && strings.Contains(s[i:], ":") {
		c, err := time.Parse("15:04:05", s[i+1:])
		if err != nil {
			c, err = time.Parse("15:04", s[i+1:])
		}
		if err != nil {
			return nil, "", "", false
		}
		date, clock = strings.TrimRight(s[:i], " ,"), c.Format("T15:04:05")
		clock = strings.TrimSuffix(clock, ":00") + offset
	}
	return readDays(date), date, clock, true
}

// Do not add ambiguous abbreviations, like IST.
var zones = map[string]string{
	"UTC": "Z", "GMT": "Z", "WET": "Z", "WEST": "+01:00", "CET": "+01:00", "MEZ": "+01:00", "CEST": "+02:00", "MESZ": "+02:00",
	"EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00",
}

// noEnd contains words that people write for "no end".
var noEnd = map[string]bool{
	"never": true, "none": true, "no": true, "forever": true, "always": true, "indefinite": true, "indefinitely": true, "infinite": true,
	"unlimited": true, "permanent": true, "permanently": true, "no end": true, "open": true, "open-ended": true, "until further notice": true,
	"further notice": true, "revoked": true, "-": true, "n/a": true,
}

func readDays(s string) (days []time.Time) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(parts) == 1 && len(s) == 8 && shaped(s, "00000000") {
		parts = []string{s[:4], s[4:6], s[6:]}
	}
	if len(parts) == 4 && len(parts[0]) >= 3 && weekday(parts[0]) {
		parts = parts[1:]
	}
	if len(parts) != 3 {
		return nil
	}
	var n [3]int
	month := -1
	for i, part := range parts {
		if m := monthOf(part); m > 0 && month < 0 {
			n[i], month = m, i
			continue
		}
		v, err := strconv.Atoi(strings.TrimRight(strings.ToLower(part), "sthndr")) // removes the endings of 1st, 2nd, 3rd and 4th
		if err != nil {
			return nil
		}
		n[i] = v
	}
	add := func(y, m, d int) {
		t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
		if y >= 1000 && y <= 9999 && t.Year() == y && int(t.Month()) == m && t.Day() == d {
			days = append(days, t)
		}
	}
	switch {
	case len(parts[0]) == 4: // for example 2026/11/23
		add(n[0], n[1], n[2])
	case month == 0: // for example Nov 23, 2026
		add(n[2], n[0], n[1])
	case month == 1 || strings.Contains(s, "."):
		add(n[2], n[1], n[0])
	case month < 0: // for example 23/11/2026
		add(n[2], n[1], n[0])
		add(n[2], n[0], n[1])
	}
	return days
}

func monthOf(s string) int {
	for m := time.January; m <= time.December; m++ {
		if name := m.String(); len(s) >= 3 && len(s) <= len(name) && strings.EqualFold(name[:len(s)], s) {
			return int(m)
		}
	}
	return 0
}

func weekday(s string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := d.String(); len(s) <= len(name) && strings.EqualFold(name[:len(s)], s) {
			return true
		}
	}
	return false
}

var units = map[string]string{
	"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "s": "s", "m": "m", "h": "h", "d": "d",
}

func durationAdvice(key, s string) string {
	s = strings.ToLower(unquoted(s))
	if _, err := parseDuration(s); err == nil {
		return "" // the notation is right, but the duration is too long or too short
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.Atoi(s[:digits])
	unit := strings.TrimSpace(s[digits:])
	switch {
	case err != nil:
		return ""
	case unit == "" && key == "ttl":
		return fmt.Sprintf("; a duration needs a unit, write ttl: %ds", n)
	case unit == "":
		return fmt.Sprintf("; a duration needs a unit: %dm is minutes, %dh hours and %dd days", n, n, n)
	case strings.TrimSuffix(unit, "s") == "week" || unit == "w":
		return fmt.Sprintf("; write %s: %dd", key, 7*n)
	}
	if letter := units[unit]; letter != "" {
		return fmt.Sprintf("; write %s: %d%s", key, n, letter)
	}
	if letter := units[strings.TrimSuffix(unit, "s")]; letter != "" {
		return fmt.Sprintf("; write %s: %d%s", key, n, letter)
	}
	return ""
}

func numberAdvice(key, s string) string {
	s = strings.Trim(unquoted(s), `"'`)
	if v, err := strconv.ParseInt(s, 10, 64); err != nil || v < 0 || strconv.FormatInt(v, 10) != s {
		return ""
	}
	return fmt.Sprintf("; write %s: %s without quotation marks", key, s)
}
