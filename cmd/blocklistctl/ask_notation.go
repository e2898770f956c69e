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

func (a *asker) readAs(answer, is string, from ...string) {
	if strings.Replace(answer, " ", "T", 1) != is {
		a.say("This is read as %s.", strings.TrimSuffix(is+", "+strings.Join(from, ""), ", "))
	}
}

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

func usesGerman(country string) bool {
	return slices.Contains([]string{"DE", "AT", "CH", "LI"}, strings.ToUpper(country))
}

var (
	// A German passport writes umlauts with two letters.
	umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue")
	// undivided replaces letters that have no decomposition in Unicode.
	undivided = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")
)

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

// numberSigns matches a word before the number of a case, for example "n°" and "Az.".
var numberSigns = regexp.MustCompile(`(?i)(?:^|\s)(?:n\.?\s?[°º]|№|(?:nr|no|num|az|akz|gz)\.:?|n\.\s|(?:nr|az|akz|gz|aktenzeichen|numéro|numero|número|nummer)[:\s])\s*`)

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
