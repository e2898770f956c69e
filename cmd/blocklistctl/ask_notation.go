package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dns-orders/blocklist/plugin/order"
)

// readAs prints how the tool has understood a date or time. It prints nothing if the answer was
// already in this notation. The text "from" describes the event from which a duration counts.
func (a *asker) readAs(answer, is string, from ...string) {
	if strings.Replace(answer, " ", "T", 1) != is {
		a.say("This is read as %s.", strings.TrimSuffix(is+", "+strings.Join(from, ""), ", "))
	}
}

// timeText returns a date or time in the notation of order files. See readTime.
func (x *editing) timeText(s string) (text, wrong string) {
	return readTime(s, x.now.Time().In(zoneOf(x.file)))
}

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

// usesGerman reports whether the names of authorities in a country are often German.
func usesGerman(country string) bool {
	return slices.Contains([]string{"DE", "AT", "CH", "LI"}, strings.ToUpper(country))
}

var (
	// umlauts writes German letters with two letters, as a German passport does.
	umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue")
	// undivided replaces letters that Unicode does not divide into a letter and an accent.
	undivided = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")
)

// slug returns a text with lower-case letters, digits and hyphens only. If german is true, ü
// becomes ue.
func slug(s string, german bool) string {
	var b strings.Builder
	s = strings.ToLower(norm.NFC.String(s))
	if german {
		s = umlauts.Replace(s)
	}
	for _, r := range plainLetters(undivided.Replace(s)) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String()[:min(b.Len(), 60)], "-")
}

// numberSigns matches a word for "number" before the number of a case, for example "n°" and "Az.".
var numberSigns = regexp.MustCompile(`(?i)(?:^|\s)(?:n\.?\s?[°º]|№|(?:nr|no|num|az|akz|gz)\.:?|n\.\s|(?:nr|az|akz|gz|aktenzeichen|numéro|numero|número|nummer)[:\s])\s*`)

// referenceSlug returns the part of an id for the number of a case.
func referenceSlug(s string, german bool) string {
	if part := slug(numberSigns.ReplaceAllString(norm.NFC.String(s), " "), german); part != "" {
		return part
	}
	return slug(s, german)
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
