package main

import (
	"regexp"
	"strings"
	"time"
)

// The pattern matches a time range, for example "de 20h45 à 23h15".
var rangeText = regexp.MustCompile(`(?i)^(?:(.+?),? +)??(?:(?:de las|desde(?: las| el)?|de|du|dès|von|vom|ab|zwischen|dalle(?: ore)?|dalla|dal|da|tra le|fra le|from|between|das|van|fra(?: kl\.?)?|kl\.?|od) +|dall['’] *)` +
	`(.+?) +(?:(?:à|a las|al|au|a|jusqu['’]à|bis|und|alle(?: ore)?|e le|to|until|till|and|hasta(?: las| el)?|às|tot|til(?: kl\.?)?|do) +|all['’] *)(.+?)(?: +(?:on|am|le|il|del|el|em|op|den) +(.+))?$`)

var rangeClock = regexp.MustCompile(`(?i)^(?:(?:ore|kl\.?|godz\.?) +)?(\d{1,2})(?:(?:[.:]| ?h ?| heures? | uhr )(\d\d)|(?: ?h| heures?| horas?| ?uhr| ?uur)?)(?: ?(?:uhr|uur|horas?|h))?$`)

// The text may be "von 18:30 bis 20:45 Uhr", for example. Without a date, the range begins today.
// If the end is before the begin, the end is on the next day.
func (x *editing) timeRange(s string) (begin, end string, ok bool) {
	m := rangeText.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return "", "", false
	}
	first, last := rangeClock.FindStringSubmatch(m[2]), rangeClock.FindStringSubmatch(m[3])
	if first == nil || last == nil {
		return x.dateRange(m)
	}
	day, wrong := x.now.Time().In(zoneOf(x.file)).Format(time.DateOnly), ""
	if date := strings.TrimSpace(m[1] + " " + m[4]); date != "" {
		if day, wrong = x.timeText(date); wrong != "" {
			return "", "", false
		}
	}
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "", "", false
	}
	from, until := clockText(first[1], first[2]), clockText(last[1], last[2])
	if until <= from {
		date = date.AddDate(0, 0, 1)
	}
	begin, end = day+"T"+from, date.Format(time.DateOnly)+"T"+until
	return begin, end, isTime(begin) && isTime(end)
}

func (x *editing) dateRange(m []string) (begin, end string, ok bool) {
	begin, wrong := x.timeText(m[2])
	if wrong != "" || m[1] != "" {
		return "", "", false
	}
	end, _, wrong = x.untilText(strings.TrimSpace(m[3]+" "+m[4]), start{"begin", begin})
	return begin, end, wrong == "" && isTime(begin) && isTime(end)
}
