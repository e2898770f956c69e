package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

// plainWords returns s in lower case, without accents and with single blanks.
func plainWords(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(plainLetters(s)), "’", "'")), " ")
}

// The keys are words in nine languages. The values are m (minutes), h, d, w, M (months) and y.
var units = func() map[string]string {
	m := map[string]string{}
	for unit, words := range map[string]string{
		"m": "m min mins minute minutes minuto minuti minutos minuten minutter minut minuty",
		"h": "h hr hrs hour hours ora ore heure heures stunde stunden std hora horas uur uren time timer godzina godziny godzin",
		"d": "d day days giorno giorni jour jours tag tage tagen dia dias dag dagen dage dzien dni",
		"w": "w week weeks settimana settimane semaine semaines woche wochen semana semanas weken uge uger tydzien tygodnie tygodni",
		"M": "month months mese mesi mois monat monate monaten monats mes meses maand maanden maned maneder miesiac miesiace miesiecy",
		"y": "year years anno anni an ans annee annees jahr jahre jahren ano anos jaar ar rok lata lat",
	} {
		for word := range strings.FieldsSeq(words) {
			m[word] = unit
		}
	}
	return m
}()

var numbers = func() map[string]int {
	m := map[string]int{}
	for n, words := range []string{
		"a an one un uno una une ein eine einen einem einer um uma een en et jeden jedna jedno",
		"two due deux zwei dos dois duas twee to dwa dwie", "three tre trois drei tres drie trzy", "four quattro quatre vier cuatro quatro fire cztery",
		"five cinque cinq funf fünf fuenf cinco vijf fem piec", "six sei sechs seis zes seks szesc", "seven sette sept sieben siete sete zeven syv siedem",
		"eight otto huit acht ocho oito otte osiem", "nine nove neuf neun nueve negen ni dziewiec", "ten dieci dix zehn diez dez tien ti dziesiec",
		"eleven undici onze elf once elleve jedenascie", "twelve dodici douze zwolf zwoelf doce doze twaalf tolv dwanascie",
	} {
		for word := range strings.FieldsSeq(words) {
			m[word] = n + 1
		}
	}
	return m
}()

var parts = func() map[string]int {
	m := map[string]int{}
	for n, words := range map[int][]string{
		30: {"half an hour", "a half hour", "mezz'ora", "mezza ora", "una mezz'ora", "une demi-heure", "demi-heure", "une demi heure", "einer halben stunde", "eine halbe stunde", "halbe stunde",
			"media hora", "meia hora", "een half uur", "half uur", "en halv time", "poł godziny"},
		15: {"a quarter of an hour", "un quarto d'ora", "un quart d'heure", "einer viertelstunde", "eine viertelstunde", "un cuarto de hora", "um quarto de hora", "een kwartier", "et kvarter", "kwadrans"},
	} {
		for _, word := range words {
			m[word] = n
		}
	}
	return m
}()

// amountText matches a number with a unit, for example "drei monate" or "un'ora".
var amountText = regexp.MustCompile(`^(?:(\d{1,5}) ?|([a-z]+) |(un)')([a-z]+)\.?$`)

// The text s must be a result of plainWords, for example "30 minuten".
func amount(s string) (n int, unit string, ok bool) {
	if n, ok := parts[s]; ok {
		return n, "m", true
	}
	m := amountText.FindStringSubmatch(s)
	if m == nil || units[m[4]] == "" {
		return 0, "", false
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		n = numbers[m[2]+m[3]]
	}
	return n, units[m[4]], n > 0
}

var agoText = regexp.MustCompile(`^(?:(.+) (?:ago|fa|geleden|temu|atras)|(?:il y a|vor|hace|ha) (.+)|for (.+) siden)$`)

// The text "30 minutes ago" gives a time. The text "2 weeks ago" gives a date. The argument s must
// be a result of plainWords.
func readAgo(s string, now time.Time) (text string, ok bool) {
	m := agoText.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	n, unit, ok := amount(m[1] + m[2] + m[3])
	if !ok {
		return "", false
	}
	if t := later(now, -n, unit); unit == "m" || unit == "h" {
		return t.Format("2006-01-02T15:04"), true
	} else {
		return t.Format(time.DateOnly), true
	}
}

// One month after 31 January is the last day of February.
func later(t time.Time, n int, unit string) time.Time {
	switch unit {
	case "m":
		return t.Add(time.Duration(n) * time.Minute)
	case "h":
		return t.Add(time.Duration(n) * time.Hour)
	case "d":
		return t.AddDate(0, 0, n)
	case "w":
		return t.AddDate(0, 0, 7*n)
	case "y":
		n *= 12
	}
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, t.Location())
	return first.AddDate(0, 0, min(t.Day(), first.AddDate(0, 1, -1).Day())-1)
}

// A countedDuration counts from an event, for example 30 days from the receipt.
type countedDuration struct {
	n    int
	unit string
	from string // receipt, decision, or "" if the text does not say
}

// The pattern matches a text like "entro 24 ore dalla notifica". It refuses other words, because "5
// working days" are not 5 days.
var countedText = regexp.MustCompile(`^(?:(?:within|in|entro(?: e non oltre)?(?: le| il termine di)?|sous|dans(?: les| un delai de)?|binnen|innerhalb von|en|em|inden for|w ciagu|` +
	`for|per(?: la durata di)?|pendant|pour|pour une duree de|fur|fuer|fur die dauer von|auf die dauer von|por|por un plazo de|durante|gedurende|voor|i|przez) +)?(.+?)` +
	`(?: +(` + fromReceipt + `)| +(` + fromDecision + `))?$`)

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

const fromDecision = `(?:` +
	`(?:from|after)(?: the)?(?: date of the)? (?:decision|order|judgment)|` +
	`dalla (?:data della )?(?:decisione|sentenza|pronuncia)|dal provvedimento|dalla data del provvedimento|` +
	`(?:a compter de|apres|suivant|des) (?:la date de )?(?:la decision|l'ordonnance|le jugement|du jugement)|a compter du jugement|` +
	`(?:ab|nach|seit)(?: der| dem)? (?:entscheidung|beschluss|urteil|anordnung)|` +
	`(?:desde|tras|a partir de) (?:la fecha de )?(?:la decision|la resolucion|la sentencia|el auto)|` +
	`(?:apos|a contar|a partir|desde)(?: da| a)? (?:decisao|sentenca)|` +
	`na(?: de)? (?:beslissing|uitspraak|beschikking)|` +
	`(?:fra|efter) (?:afgorelsen|kendelsen|dommen)|` +
	`od (?:decyzji|wydania decyzji|postanowienia|wyroku)` +
	`)`

// readCounted returns the duration of a text.
func readCounted(s string) (t countedDuration, ok bool) {
	m := countedText.FindStringSubmatch(plainWords(s))
	if m == nil {
		return t, false
	}
	if t.n, t.unit, ok = amount(m[1]); !ok {
		return t, false
	}
	switch {
	case m[2] != "":
		t.from = "receipt"
	case m[3] != "":
		t.from = "decision"
	}
	return t, true
}

// The result for a text like "24 hours" is in the notation of order files. Months and years are
// refused.
func duration(s string) (text string, ok bool) {
	t, ok := readCounted(s)
	switch {
	case !ok || t.from == "decision" || t.unit == "M" || t.unit == "y":
		return s, false
	case t.unit == "w":
		return fmt.Sprintf("%dd", 7*t.n), true
	}
	return fmt.Sprintf("%d%s", t.n, t.unit), true
}

// A duration counts from this event. The text is the time of the event, or "".
type start struct{ event, text string }

// For days and longer units, the result is a date.
func (t countedDuration) end(zone *time.Location, starts ...start) (text, from, wrong string) {
	if t.from != "" {
		starts = slices.DeleteFunc(slices.Clone(starts), func(s start) bool { return s.event != t.from })
	}
	for _, s := range starts {
		at, err := order.ParseTime(s.text, zone)
		if s.text == "" || err != nil {
			continue
		}
		from = fmt.Sprintf("counted from the %s (%s)", s.event, s.text)
		switch end := later(at.Time().In(zone), t.n, t.unit); {
		case t.unit != "m" && t.unit != "h":
			return end.Format(time.DateOnly), from, ""
		case strings.Contains(s.text, "T"):
			return end.Format("2006-01-02T15:04:05"), from, ""
		}
		return "", "", fmt.Sprintf("a duration counts from the time of day of the %s, which is unknown; write the day or the time", s.event)
	}
	return "", "", "this duration counts from a date that is unknown; write the date of the end"
}

// The text s is a date or a duration. The second result describes the event from which the duration
// counts.
func (x *editing) endText(s string, starts ...start) (text, from, wrong string) {
	if t, ok := readCounted(s); ok {
		return t.end(zoneOf(x.file), starts...)
	}
	text, wrong = x.timeText(inclusive.ReplaceAllString(byWhen.ReplaceAllString(s, ""), ""))
	return text, "", wrong
}

// Unlike endText, this function includes the whole day of a date.
func (x *editing) untilText(s string, starts ...start) (text, from, wrong string) {
	text, from, wrong = x.endText(s, starts...)
	if wrong == "" && from == "" && len(text) == len(time.DateOnly) {
		from = "to the end of this day"
	}
	return text, from, wrong
}

func (x *editing) deadlineText(s, served, issued string) (text, from, wrong string) {
	t, ok := readCounted(s)
	if text, is := duration(s); ok && is && (t.unit == "m" || t.unit == "h" || strings.Contains(served, "T")) {
		return text, "", ""
	}
	return x.untilText(s, start{"receipt", served}, start{"decision", issued})
}

func (x *editing) timeless(deadline, served string) string {
	if _, err := order.ParseDuration(deadline); err == nil && !strings.Contains(served, "T") {
		return "a duration counts from the time of day of the receipt, which is unknown; write the day or the time of the deadline"
	}
	return ""
}
