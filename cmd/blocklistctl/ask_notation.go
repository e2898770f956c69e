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

// readAs prints the meaning of a date or a time, unless the answer already has this notation.
func (a *asker) readAs(answer, is string) {
	if strings.Replace(answer, " ", "T", 1) != is {
		a.say("This is read as %s.", is)
	}
}

// timeText returns a date or time in the notation of order files. It accepts the words now,
// today and yesterday, and other notations with only one meaning.
func (x *editing) timeText(s string) string {
	zone := zoneOf(x.file)
	now := x.now.Time().In(zone)
	if strings.EqualFold(s, "now") {
		return now.Format("2006-01-02T15:04:05")
	}
	if m := dayWord.FindStringSubmatch(s); m != nil {
		if strings.EqualFold(m[1], "yesterday") {
			now = now.AddDate(0, 0, -1)
		}
		s = now.Format(time.DateOnly) + m[2]
	}
	if isTime(s) {
		return strings.Replace(s, " ", "T", 1)
	}
	if m := dayAndClock.FindStringSubmatch(s); m != nil {
		s = fmt.Sprintf("%s %02s:%s", m[1], m[2], m[3])
	}
	return cmp.Or(order.Notation(s), s)
}

// dayWord matches "today" or "yesterday", and the time of day after it.
var dayWord = regexp.MustCompile(`(?i)^(today|yesterday)\b(.*)$`)

// dayAndClock matches a date and a time of day, for example "2026-05-01 9.30".
var dayAndClock = regexp.MustCompile(`^(.*\d)[ T,]+(?:at |um |ore |h )?(\d{1,2})[.:h](\d\d)$`)

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

// units matches a duration in words, for example "24 hours".
var units = regexp.MustCompile(`^(\d+)\s*(m|h|d)(?:in|ins|inutes?|rs?|ours?|ays?)?\.?$`)

// duration returns a duration in the notation of order files. It accepts units in words, for
// example "24 hours". The result "ok" is false for any other text.
func duration(s string) (text string, ok bool) {
	if m := units.FindStringSubmatch(strings.ToLower(s)); m != nil {
		return m[1] + m[2], true
	}
	return s, false
}

// deadlineText returns a time or a duration in the notation of order files.
func (x *editing) deadlineText(s string) string {
	if text, ok := duration(s); ok {
		return text
	}
	return x.timeText(s)
}

// timeless returns an error text for a deadline that is a duration, if the receipt has no time
// of day. Otherwise it returns "".
func (x *editing) timeless(deadline, served string) string {
	if _, err := order.ParseDuration(deadline); err == nil && !strings.Contains(served, "T") {
		return "a duration counts from the time of day of the receipt, which is unknown; write the day or the time of the deadline"
	}
	return ""
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
