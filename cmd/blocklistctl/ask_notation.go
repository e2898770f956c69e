package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dns-orders/blocklist/plugin/order"
)

// readAs prints the meaning of a date or a time. It prints nothing if the answer is
// already in this notation. The text from says from which event a duration counts.
func (a *asker) readAs(answer, is string, from ...string) {
	if strings.Replace(answer, " ", "T", 1) != is {
		a.say("This is read as %s.", strings.TrimSuffix(is+", "+strings.Join(from, ""), ", "))
	}
}

// timeText returns a date or time in the notation of order files. See readTime.
func (x *editing) timeText(s string) (text, wrong string) {
	return readTime(s, x.now.Time().In(zoneOf(x.file)))
}

// isTime reports whether s is a date or a time in the notation of order files.
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

// slug returns a text with lower-case letters, digits and hyphens only.
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

// durationText returns a duration in the notation of order files.
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
