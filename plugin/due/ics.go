package due

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// WriteICS writes the dates of the report as a calendar (RFC 5545). Items without a date are
// missing. The sections unreached, incomplete, not_acknowledged and not_reported are missing too.
//
// The UID of an event stays the same if the date changes, so calendars replace the event. An event
// with a time of day has an alarm an hour before.
func (r *Report) WriteICS(w io.Writer) error {
	var b strings.Builder
	property := func(name, value string) { fold(&b, name+":"+value) }
	property("BEGIN", "VCALENDAR")
	property("VERSION", "2.0")
	property("PRODID", "-//dns-orders//blocklistctl due//EN")
	property("CALSCALE", "GREGORIAN")
	property("METHOD", "PUBLISH")
	property("X-WR-CALNAME", "DNS blocking orders")
	for _, s := range r.Sections {
		if s.kind == notAcknowledged || s.kind == notReported || s.kind == unreached || s.kind == incomplete {
			continue
		}
		for _, it := range s.Items {
			if it.Date != "" {
				r.event(property, s, it)
			}
		}
	}
	property("END", "VCALENDAR")
	_, err := io.WriteString(w, b.String())
	return err
}

const (
	icsTime = "20060102T150405Z"
	icsDate = "20060102"
)

func (r *Report) event(property func(name, value string), s *Section, it *Item) {
	sum := sha256.Sum256([]byte(it.key))
	property("BEGIN", "VEVENT")
	property("UID", hex.EncodeToString(sum[:16])+"@blocklist")
	property("DTSTAMP", r.stamp.UTC().Format(icsTime))
	day, whole := wholeDay(it.at, it.zone, it.end)
	switch {
	case it.until > it.at:
		whole = false
		property("DTSTART", it.at.Time().Format(icsTime))
		property("DTEND", it.until.Time().Format(icsTime))
	case whole:
		property("DTSTART;VALUE=DATE", day.Format(icsDate))
		property("DTEND;VALUE=DATE", day.AddDate(0, 0, 1).Format(icsDate))
	default:
		property("DTSTART", it.at.Time().Format(icsTime))
		property("DTEND", it.at.Time().Add(15*time.Minute).Format(icsTime))
	}
	summary := s.Title + ": " + cmp.Or(it.Order, it.File)
	property("SUMMARY", escape(printable.Line(summary)))
	var lines []string
	for _, text := range []string{it.Why, it.Target, it.About(), it.Command} {
		if text != "" {
			lines = append(lines, printable.Line(text))
		}
	}
	property("DESCRIPTION", escape(strings.Join(lines, "\n")))
	property("CATEGORIES", escape(s.Title))
	property("TRANSP", "TRANSPARENT")
	if !whole {
		property("BEGIN", "VALARM")
		property("ACTION", "DISPLAY")
		property("TRIGGER", "-PT1H")
		property("DESCRIPTION", escape(printable.Line(summary)))
		property("END", "VALARM")
	}
	property("END", "VEVENT")
}

// escape escapes a TEXT value (RFC 5545, section 3.3.11).
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
}

// maxLine is the maximum length of a line in octets, without the line break (RFC 5545, section
// 3.1).
const maxLine = 75

// fold never breaks a line inside a character.
func fold(b *strings.Builder, s string) {
	room := maxLine
	for _, r := range s {
		if n := utf8.RuneLen(r); n > room {
			fmt.Fprint(b, "\r\n ")
			room = maxLine - 1 - n
		} else {
			room -= n
		}
		b.WriteRune(r)
	}
	b.WriteString("\r\n")
}
