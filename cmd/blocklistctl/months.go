package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/bg"
	"github.com/go-playground/locales/ca"
	"github.com/go-playground/locales/cs"
	"github.com/go-playground/locales/da"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/de_AT"
	"github.com/go-playground/locales/el"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/et"
	"github.com/go-playground/locales/fi"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/hr"
	"github.com/go-playground/locales/hu"
	"github.com/go-playground/locales/it"
	"github.com/go-playground/locales/lt"
	"github.com/go-playground/locales/lv"
	"github.com/go-playground/locales/nb"
	"github.com/go-playground/locales/nl"
	"github.com/go-playground/locales/pl"
	"github.com/go-playground/locales/pt"
	"github.com/go-playground/locales/ro"
	"github.com/go-playground/locales/sk"
	"github.com/go-playground/locales/sl"
	"github.com/go-playground/locales/sv"
	"github.com/go-playground/locales/tr"
	"github.com/go-playground/locales/uk"

	"github.com/dns-orders/blocklist/plugin/order"
)

func calendars() []locales.Translator {
	return []locales.Translator{bg.New(), ca.New(), cs.New(), da.New(), de.New(), de_AT.New(), el.New(), en.New(), es.New(),
		et.New(), fi.New(), fr.New(), hr.New(), hu.New(), it.New(), lt.New(), lv.New(), nb.New(), nl.New(), pl.New(), pt.New(),
		ro.New(), sk.New(), sl.New(), sv.New(), tr.New(), uk.New()}
}

type vocabulary struct {
	// The keys are words. The word "listopada" is November in Polish and October in Croatian.
	months map[string][]time.Month
	days   map[string]bool // the days of the week
}

// dateWords returns the vocabulary of all calendars.
var dateWords = sync.OnceValue(func() vocabulary {
	v := vocabulary{months: map[string][]time.Month{}, days: map[string]bool{}}
	for _, c := range calendars() {
		for _, names := range [][]string{c.MonthsWide(), c.MonthsAbbreviated()} {
			for i, name := range names {
				word, m := dateWord(name), time.Month(i+1)
				if !slices.Contains(v.months[word], m) {
					v.months[word] = append(v.months[word], m)
				}
			}
		}
		for _, names := range [][]string{c.WeekdaysWide(), c.WeekdaysAbbreviated()} {
			for _, name := range names {
				for _, word := range wordsOf(name) {
					v.days[word] = true
				}
			}
		}
	}
	return v
})

func dateWord(s string) string {
	return strings.TrimSuffix(strings.ToLower(plainLetters(s)), ".")
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(dateWord(s), func(r rune) bool {
		return r == 'º' || r == 'ª' || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// These words do not change a date, for example "le" in "le 1er mars".
var smallWords = map[string]bool{
	"the": true, "of": true, "on": true, // English
	"il": true, "lo": true, "li": true, "addi": true, "di": true, "del": true, // Italian
	"le": true, "du": true, // French
	"den": true, "der": true, "am": true, "vom": true, // German
	"el": true, "de": true, "do": true, "em": true, // Spanish, Portuguese
	"op": true, "van": true, // Dutch
	"dnia": true, "dne": true, "r": true, "roku": true, "roka": true, // Polish, Czech, Slovak
}

var ordinals = []string{"", "st", "nd", "rd", "th", "er", "re", "e", "o", "a", "de", "ste"}

// The results are dates in English, for example "23 November 2026". A month with two meanings gives
// two dates.
func inEnglish(s string) (dates []string) {
	var before, after []string
	var months []time.Month
	for _, word := range wordsOf(s) {
		n := strings.TrimLeft(word, "0123456789")
		digits := word[:len(word)-len(n)]
		m := dateWords().months[word]
		switch {
		case digits != "" && !slices.Contains(ordinals, n), len(m) > 0 && months != nil:
			return nil
		case digits != "" && months == nil:
			before = append(before, digits)
		case digits != "":
			after = append(after, digits)
		case len(m) > 0:
			months = m
		case !smallWords[word] && !dateWords().days[word]:
			return nil
		}
	}
	if len(before)+len(after) != 2 {
		return nil
	}
	for _, m := range months {
		dates = append(dates, strings.Join(slices.Concat(before, []string{m.String()}, after), " "))
	}
	return dates
}

func yearless(s string) string {
	if len(inEnglish(s)) == 0 && len(inEnglish(s+" 2000")) == 1 {
		return fmt.Sprintf("the year is missing, got %q", s)
	}
	return ""
}

func severalDates(s string, meanings []string) string {
	var days, write []string
	for _, m := range meanings {
		date := order.Notation(m)
		day, err := time.Parse(time.DateOnly, date)
		if err != nil {
			return fmt.Sprintf("is no day of the calendar, got %q", s)
		}
		days, write = append(days, day.Format("2 January")), append(write, date)
	}
	return fmt.Sprintf("%q is %s, because the month has two meanings; write %s", s, strings.Join(days, " or "), strings.Join(write, " or "))
}
