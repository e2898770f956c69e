package main

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/order"
)

// zoneOf returns the time zone of an order file.
func zoneOf(f *order.File) *time.Location {
	if zone, err := time.LoadLocation(f.Timezone); err == nil {
		return zone
	}
	return time.UTC // cannot happen, because the parser checks the time zone
}

// These functions write dates as the explanations do.
var endText, endOfDay, firstDate = explain.EndText, explain.EndOfDay, explain.FirstDate

func (l *orders) zone(id string) *time.Location {
	if p := l.position(id); p.zone != nil {
		return p.zone
	}
	return time.UTC
}

func (l *orders) oneZone() (zone *time.Location) {
	for _, v := range l.versions {
		z := zoneOf(v.File)
		if zone != nil && z.String() != zone.String() {
			return nil
		}
		zone = z
	}
	return zone
}

func (l *orders) zoneOfFile(path string) *time.Location {
	for _, v := range l.versions {
		if v.Path == path {
			return zoneOf(v.File)
		}
	}
	return time.UTC
}

func datedBefore(at, now order.Time) func(*order.Order) *order.Order {
	if at >= now {
		return nil
	}
	return func(o *order.Order) *order.Order {
		dated := *o
		if first, _ := firstDate(o); o.From == order.NoTime && first <= now {
			dated.From = first
		}
		dated.Targets = nil
		for _, t := range o.Targets {
			if a := t.Attr; a != nil && a.From == order.NoTime && a.Served != order.NoTime && a.Served <= now {
				own := *a
				own.From = a.Served
				t.Attr = &own
			}
			dated.Targets = append(dated.Targets, t)
		}
		return &dated
	}
}

func (l *orders) asWritten(id, field, text string) string {
	zone, end := l.zone(id), len(text)
	for _, free := range []string{"(references ", ", references ", "(note ", ", note "} {
		if i := strings.Index(text, free); i >= 0 {
			end = min(end, i)
		}
	}
	head := utcTime.ReplaceAllStringFunc(text[:end], func(s string) string {
		m := utcTime.FindStringSubmatch(s)
		t, err := order.ParseTime(m[2], time.UTC)
		if err != nil {
			return s
		}
		before := m[1]
		switch word := strings.TrimSpace(before); {
		case word == "until", word == "deadline", word == "/", word == "" && (field == "until" || field == "deadline" || field == "review"):
			return before + t.EndText(zone)
		}
		return before + t.StartText(zone)
	})
	return head + text[end:]
}

var utcTime = regexp.MustCompile(`((?:\b(?:from|until|served|deadline) )|/|\b)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)`)

// The result is in the notation of order files. A date with two meanings is refused.
func readTime(s string, now time.Time) (text, wrong string) {
	plain := plainWords(s)
	if slices.Contains(nowWords, plain) {
		return now.Format("2006-01-02T15:04:05"), ""
	}
	if t, ok := readAgo(plain, now); ok {
		return t, ""
	}
	s = partOfHour.ReplaceAllStringFunc(s, func(clock string) string {
		m := partOfHour.FindStringSubmatch(clock)
		return m[1] + clockText(m[2], map[bool]string{true: "15", false: "30"}[m[3] != ""])
	})
	if clock := readClock(s); clock != "" {
		s = now.Format(time.DateOnly) + " " + clock
	}
	if m := clockAndDay.FindStringSubmatch(s); m != nil {
		s = m[3] + " " + clockText(m[1], m[2])
	}
	if m := dayWord.FindStringSubmatch(s); m != nil {
		s = now.AddDate(0, 0, days[plainWords(m[1])]).Format(time.DateOnly) + m[2]
	}
	if isTime(s) {
		return strings.Replace(s, " ", "T", 1), ""
	}
	date, clock := s, ""
	m := dayAndClock.FindStringSubmatch(s)
	if m == nil {
		m = dayAndHour.FindStringSubmatch(s)
	}
	if m != nil {
		date, clock = m[1], " "+clockText(m[2], m[3])
	}
	switch dates := inEnglish(date); len(dates) {
	case 0:
		return cmp.Or(order.Notation(date+clock), date+clock), yearless(date)
	case 1:
		return cmp.Or(order.Notation(dates[0]+clock), s), ""
	default:
		return s, severalDates(date, dates)
	}
}

func readClock(s string) string {
	m := clockAlone.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	before, hour, minute, dotted, word, after := m[1], m[2], m[3], m[4], m[5], m[6]
	switch {
	case minute == "" && dotted == "" && word == "" && !hourWord.MatchString(before),
		before == "" && hoursWord.MatchString(word), // "2 horas" may be a duration
		dotted != "" && strings.Contains(s[len(before):], ".") && before+after == "":
		return ""
	}
	return clockText(hour, minute+dotted)
}

func clockText(hour, minute string) string {
	hour = "0" + hour
	return hour[len(hour)-2:] + ":" + cmp.Or(minute, "00")
}

var nowWords = []string{"now", "at once", "immediately", "adesso", "ora", "subito", "maintenant", "immediatement", "jetzt", "sofort", "ab sofort", "ahora", "ahora mismo",
	"inmediatamente", "agora", "ja agora", "imediatamente", "nu", "onmiddellijk", "straks", "straks nu", "med det samme", "teraz", "natychmiast"}

// The keys are words. The values are numbers of days, from -2 (the day before yesterday) to 2 (the
// day after tomorrow).
var days = map[string]int{
	"today": 0, "oggi": 0, "aujourd'hui": 0, "heute": 0, "hoy": 0, "hoje": 0, "vandaag": 0, "i dag": 0, "dzis": 0, "dzisiaj": 0,
	"yesterday": -1, "ieri": -1, "hier": -1, "gestern": -1, "ayer": -1, "ontem": -1, "gisteren": -1, "i gar": -1, "wczoraj": -1,
	"tomorrow": 1, "domani": 1, "demain": 1, "morgen": 1, "manana": 1, "amanha": 1, "i morgen": 1, "jutro": 1,
	"day before yesterday": -2, "the day before yesterday": -2, "l'altro ieri": -2, "altro ieri": -2, "ieri l'altro": -2, "avant-hier": -2, "avant hier": -2, "vorgestern": -2,
	"anteayer": -2, "antes de ayer": -2, "anteontem": -2, "eergisteren": -2, "i forgars": -2, "przedwczoraj": -2,
	"day after tomorrow": 2, "the day after tomorrow": 2, "dopodomani": 2, "apres-demain": 2, "apres demain": 2, "ubermorgen": 2,
	"pasado manana": 2, "depois de amanha": 2, "overmorgen": 2, "i overmorgen": 2, "pojutrze": 2,
}

var dayWord = regexp.MustCompile(`(?i)^(today|yesterday|tomorrow|oggi|ieri l['’]altro|ieri|domani|aujourd['’]hui|hier|demain|heute|gestern|morgen|hoy|ayer|mañana|hoje|ontem|amanhã|vandaag|gisteren|i dag|i går|i morgen|dziś|dzisiaj|wczoraj|jutro|` +
	`(?:the )?day before yesterday|(?:l['’])?altro ieri|avant[- ]hier|vorgestern|anteayer|antes de ayer|anteontem|eergisteren|i forgårs|przedwczoraj|` +
	`(?:the )?day after tomorrow|dopodomani|apr[eè]s[- ]demain|[üu]bermorgen|pasado mañana|depois de amanhã|(?:i )?overmorgen|pojutrze)( .*|,.*)?$`)

// clockAlone matches a time of day, for example "20h45" and "ore 9". Without a word like "ore",
// "20.45" may be a date.
var clockAlone = regexp.MustCompile(`(?i)^(at +|um +|le ore +|ore +|alle ore +|alle +|à +|a las? +|las? +|[àa]s? +|om +|kl\.? *|o godz\.? +|o +)?(\d{1,2})(?::(\d\d)|(?:\.| ?h ?| heures? | uhr )(\d\d)|( ?uhr| ?uur| ?heures?| ?horas?| ?h))?( ?uhr| ?uur| ?horas?| ?h)?$`)

// partOfHour matches a time of day like "alle 10 e un quarto". Without a word before the hour, "2
// ore e mezza" is a duration.
var partOfHour = regexp.MustCompile(`(?i)((?:^|[ ,])(?:alle(?: ore)?|a las?|las|às|à) +)(\d{1,2})(?: heures?| horas?| ?h)? +(?:(e un quarto|y cuarto|et quart)|e mezz[ao]|y media|et demie?|e meia)$`)

var hoursWord = regexp.MustCompile(`(?i)horas?`)

// hourWord matches words before an hour. The word "at" is missing, because "at 4" may be in the
// afternoon.
var hourWord = regexp.MustCompile(`(?i)ore|kl|godz|alle|um|om|las?|[àa]s|^o `)

// clockAndDay matches a time before a date, for example "ore 23:00 del 29 novembre 2026".
var clockAndDay = regexp.MustCompile(`(?i)^(?:at |um |le ore |ore |alle ore |alle |à |a las? |las? |[àa]s |om |kl\.? )?(\d{1,2})(?:[.:]| ?h ?| heures? | uhr )(\d\d)(?: ?uhr| ?uur| ?horas?| ?h)?(?:,| del?| di| du| le| am| vom| on| of| op)* +(\D.*|\d{1,2}\D+.*\d{4}.*|\d{4}-\d\d-\d\d)$`)

// dayAndClock matches a date before a time, for example "1 mars 2026 à 18 heures".
var dayAndClock = regexp.MustCompile(`(?i)^(.*\d(?: ?r\.?)?)[ T,]+(?:(?:at|um|ore|alle(?: ore)?|à|a las?|las?|[àa]s|om|kl\.?|klokken|o(?: godz\.?)?|h) +)?` +
	`(\d{1,2})(?:(?:[.:]| ?h ?| heures? | uhr )(\d\d)|(?: ?uhr| ?uur| ?heures?| ?horas?| ?h)\b)(?: *(?:uhr|uur|heures?|horas?|h))?$`)

// dayAndHour matches a date before an hour, for example "29 novembre 2026 ore 7".
var dayAndHour = regexp.MustCompile(`(?i)^(.*\d(?: ?r\.?)?)[ T,]+(?:ore|alle(?: ore)?|um|om|a las?|las|[àa]s|kl\.?|klokken|o(?: godz\.?)?) +(\d{1,2})()$`)

// The pattern matches words before a last day. The Dutch "tot" and the Danish "til" are missing,
// because they may exclude the day.
var byWhen = regexp.MustCompile(`(?i)^(?:entro(?: e non oltre)?(?: il| le)?|fino al?(?: giorno)?|fino|by|until|till|through|up to and including|` +
	`bis(?: zum| einschließlich| spätestens| zum Ablauf des)?|spätestens(?: am| bis)?|au plus tard le|jusqu['’](?:au|à)|uiterlijk(?: op)?|tot en met|t/m|` +
	`senest(?: den)?|til og med|hasta(?: el)?|até(?: o dia| ao dia)?|do(?: dnia)?) +`)

var inclusive = regexp.MustCompile(`(?i),? +\(?(?:inclus|compris|compreso|incluso|inclusive|included|einschließlich|incluido|incluído|inbegrepen|inkl\.?|włącznie)\)?$`)
