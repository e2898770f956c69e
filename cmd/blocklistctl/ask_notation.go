package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dns-orders/blocklist/plugin/order"
)

// readAs prints how the tool understood a date or time. It prints nothing if the person already
// wrote this form.
func (a *asker) readAs(answer, is string) {
	if strings.Replace(answer, " ", "T", 1) != is {
		a.say("This is read as %s.", is)
	}
}

// timeText returns a date or time in the notation of order files. It accepts now, today,
// yesterday, and notations with one meaning. The result "wrong" lists both meanings of an
// ambiguous date.
func (x *editing) timeText(s string) (text, wrong string) {
	zone := zoneOf(x.file)
	now := x.now.Time().In(zone)
	if strings.EqualFold(s, "now") {
		return now.Format("2006-01-02T15:04:05"), ""
	}
	if m := clockAndDay.FindStringSubmatch(s); m != nil {
		s = fmt.Sprintf("%s %s:%s", m[3], m[1], m[2])
	}
	if m := dayWord.FindStringSubmatch(s); m != nil {
		if days[strings.ToLower(plainLetters(m[1]))] < 0 {
			now = now.AddDate(0, 0, -1)
		}
		s = now.Format(time.DateOnly) + m[2]
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
		hour, minute := "0"+m[2], cmp.Or(m[3], "00")
		date, clock = m[1], " "+hour[len(hour)-2:]+":"+minute
	}
	switch dates := inEnglish(date); len(dates) {
	case 0:
		return cmp.Or(order.Notation(date+clock), date+clock), ""
	case 1:
		return cmp.Or(order.Notation(dates[0]+clock), s), ""
	default:
		return s, severalDates(date, dates)
	}
}

// days maps words for today (0) and yesterday (-1). The languages are those of units. The
// words have no accents.
var days = map[string]int{
	"today": 0, "oggi": 0, "aujourd'hui": 0, "aujourd’hui": 0, "heute": 0, "hoy": 0, "hoje": 0, "vandaag": 0, "i dag": 0, "dzis": 0, "dzisiaj": 0,
	"yesterday": -1, "ieri": -1, "hier": -1, "gestern": -1, "ayer": -1, "ontem": -1, "gisteren": -1, "i gar": -1, "wczoraj": -1,
}

// dayWord matches a word for a day, and the time of day after it.
var dayWord = regexp.MustCompile(`(?i)^(today|yesterday|oggi|ieri|aujourd['’]hui|hier|heute|gestern|hoy|ayer|hoje|ontem|vandaag|gisteren|i dag|i går|dziś|dzisiaj|wczoraj)( .*|,.*)?$`)

// clockAndDay matches a time of day before a date, for example "ore 23:00 del 29 novembre 2026".
var clockAndDay = regexp.MustCompile(`(?i)^(?:at |um |le ore |ore |alle ore |alle |à |a las |às |om |kl\.? )?(\d{1,2})[.:h](\d\d)(?: ?uhr| ?uur| ?h)?(?:,| del?| di| du| le| am| vom| on| of| op)* +(\D.*|\d{1,2}\D+.*\d{4}.*|\d{4}-\d\d-\d\d)$`)

// dayAndClock matches a date and a time of day, for example "1 mars 2026 à 18 heures". The
// time needs minutes or a word for the hour.
var dayAndClock = regexp.MustCompile(`(?i)^(.*\d(?: ?r\.?)?)[ T,]+(?:(?:at|um|ore|alle(?: ore)?|à|a las|às|om|kl\.?|klokken|o(?: godz\.?)?|h) +)?` +
	`(\d{1,2})(?:[.:h](\d\d)|(?: ?uhr| ?uur| ?heures?| ?h)\b)(?: *(?:uhr|uur|heures?|h))?$`)

// dayAndHour matches a date and an hour, for example "29 novembre 2026 ore 7". A word like
// "ore" must precede the hour.
var dayAndHour = regexp.MustCompile(`(?i)^(.*\d(?: ?r\.?)?)[ T,]+(?:ore|alle ore|kl\.?|klokken|o godz\.?) +(\d{1,2})()$`)

// byWhen matches the words before the date of a deadline, for example "by" or "entro il". Only
// words that include the day are allowed.
var byWhen = regexp.MustCompile(`(?i)^(?:entro(?: e non oltre)?(?: il| le)?|by|bis(?: zum| spätestens| zum Ablauf des)?|spätestens(?: am| bis)?|au plus tard le|jusqu['’]au|uiterlijk(?: op)?|senest(?: den)?|hasta el|até) +`)

func isTime(s string) bool {
	_, err := order.ParseTime(s, time.UTC)
	return err == nil
}

// plainLetters returns a text without accents.
func plainLetters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}

func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(plainLetters(s)) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String()[:min(b.Len(), 60)], "-")
}

// units maps words to the unit of time in an order file. The languages are English,
// Italian, French, German, Spanish, Portuguese, Dutch, Danish and Polish.
var units = func() map[string]string {
	m := map[string]string{}
	for unit, words := range map[string]string{
		"m": "m min mins minute minutes minuto minuti minutos minuten minutter minut minuty",
		"h": "h hr hrs hour hours ora ore heure heures stunde stunden std hora horas uur uren time timer godzina godziny godzin",
		"d": "d day days giorno giorni jour jours tag tage tagen dia dias dag dagen dage dzien dni",
	} {
		for word := range strings.FieldsSeq(words) {
			m[word] = unit
		}
	}
	return m
}()

// wordedDuration matches a duration in words, for example "entro 24 ore". After the unit, it allows
// only words for the receipt of the order. Other words may change the meaning, as in "5 working
// days".
var wordedDuration = regexp.MustCompile(`^(?:(?:within|entro(?: e non oltre)?(?: le| il termine di)?|sous|dans(?: les| un delai de)?|binnen|innerhalb von|en|em|inden for|w ciagu) +)?(\d+) *([a-z]+)\.?(?: +` + fromReceipt + `)?$`)

// fromReceipt matches the words for the receipt of an order, without accents, as in "24 ore
// dalla notifica". A deadline that counts from another event, such as the decision, is refused.
const fromReceipt = `(?:` +
	`(?:of|from|after)(?: the)? (?:receipt|service|notification|delivery)|` +
	`(?:dalla|successive alla) (?:notifica|notificazione|ricezione|comunicazione)|dal ricevimento|` +
	`(?:a compter de|apres|suivant|des) (?:la |sa )?(?:notification|reception|signification)|` +
	`(?:ab|nach|seit)(?: der| dem)? (?:zustellung|erhalt|empfang|eingang|zugang)|` +
	`(?:desde|tras|a partir de) (?:la |su )?(?:notificacion|recepcion)|` +
	`(?:apos|a contar|a partir|desde)(?: da| a| do| o)? (?:notificacao|rececao|recepcao|recebimento)|` +
	`na(?: de)? (?:ontvangst|betekening|kennisgeving)|` +
	`(?:fra|efter) (?:modtagelsen|forkyndelsen)|` +
	`od (?:doreczenia|otrzymania)` +
	`)(?: (?:of the order|del provvedimento|dell['’]ordine|de l['’]ordonnance|de la decision|des beschlusses|der anordnung|des bescheids|der verfugung))?`

// duration returns a duration in the notation of order files. It accepts units in words,
// for example "24 hours". The result "ok" is false for other texts.
func duration(s string) (text string, ok bool) {
	if m := wordedDuration.FindStringSubmatch(strings.ToLower(plainLetters(s))); m != nil && units[m[2]] != "" {
		return m[1] + units[m[2]], true
	}
	return s, false
}

// deadlineText returns a time or a duration in the notation of order files. If the text has several
// meanings or is wrong, the result "wrong" contains the reason.
func (x *editing) deadlineText(s string) (text, wrong string) {
	if text, ok := duration(s); ok {
		return text, ""
	}
	return x.timeText(byWhen.ReplaceAllString(s, ""))
}

// timeless returns an error text if the deadline is a duration and the receipt has no time of day.
// Otherwise it returns "".
func (x *editing) timeless(deadline, served string) string {
	if _, err := order.ParseDuration(deadline); err == nil && !strings.Contains(served, "T") {
		return "a duration counts from the time of day of the receipt, which is unknown; write the day or the time of the deadline"
	}
	return ""
}

func durationText(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	s := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// localZone returns the name of the time zone of this computer, or UTC.
func localZone() string {
	name := os.Getenv("TZ")
	if name == "" {
		link, _ := filepath.EvalSymlinks("/etc/localtime")
		_, name, _ = strings.Cut(link, "zoneinfo/")
	}
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return "UTC"
	}
	return name
}
