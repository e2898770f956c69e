package importer

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/order"
)

type cleaner struct {
	opt            Options
	note           *Note
	blank, comment bool
}

func (c *cleaner) did(format string, args ...any) {
	s := format
	if len(args) > 0 {
		s = fmt.Sprintf(format, args...)
	}
	for _, was := range c.note.Did {
		if was == s {
			return
		}
	}
	c.note.Did = append(c.note.Did, s)
}

func (c *cleaner) refuse(format string, args ...any) {
	if c.note.Refused == "" || c.note.Skipped {
		c.note.Refused, c.note.Needs, c.note.Skipped = fmt.Sprintf(format, args...), "", false
	}
}

func (c *cleaner) refused() bool { return c.note.Refused != "" && !c.note.Skipped }

func (c *cleaner) choice(f Form, what string) (word string, ok bool) {
	word = c.opt.Decide[f]
	switch {
	case c.refused():
	case word == "":
		c.note.Refused, c.note.Needs, c.note.Skipped = what, f, false
	case word == Skip:
		c.note.Refused, c.note.Skipped = what, true
	default:
		return word, true
	}
	return "", false
}

// line cleans a whole line.
func (c *cleaner) line(s string) []order.Target {
	trimmed := c.trim(s)
	switch {
	case trimmed == "":
		c.blank = true
		return nil
	case trimmed[0] == '#':
		c.comment = true
		return nil
	case simple(trimmed), oneWord(trimmed):
		if out := c.piece(trimmed); !c.refused() {
			return out
		}
		return nil
	}
	return c.text(trimmed)
}

func (c *cleaner) text(trimmed string) []order.Target {
	if i := blankHash(trimmed); i >= 0 {
		trimmed = c.trim(trimmed[:i])
		c.did("removed the comment")
	}
	trimmed = c.change(trimmed, marker, "removed the number or bullet")
	trimmed = c.change(trimmed, refanged, "restored dots and schemes, such as [.] and hxxp")
	trimmed = c.change(trimmed, WithoutBelow, "removed the words about the names below: an order always covers these names")
	trimmed = c.change(trimmed, ending, `removed the "and" at the end`)
	head, text := parenthesis(trimmed)
	words := c.columns(c.words(head))
	names, rest := c.split(words)
	if c.refused() {
		return nil
	}
	text = strings.TrimSpace(strings.Join(rest, " ") + " " + text)
	if len(names) > 1 {
		if _, ok := c.choice(Several, "has several names"); !ok {
			return nil
		}
		c.did("split the line into its names")
	}
	var out []order.Target
	for _, w := range names {
		out = append(out, c.piece(w)...)
	}
	if !c.refused() && len(out) > 0 && text != "" {
		out = c.attach(out, text)
	}
	if c.refused() {
		return nil
	}
	if len(out) > 0 && c.note.Skipped { // a part of the line was skipped
		c.note.Warnings = append(c.note.Warnings, "part of the line is left out: "+c.note.Refused)
		c.note.Refused, c.note.Skipped = "", false
	}
	return out
}

func invisible(r rune) bool {
	switch {
	case r == '\u00ad', r == '\ufeff', r == '\u180e',
		'\u200b' <= r && r <= '\u200f', '\u202a' <= r && r <= '\u202e', '\u2060' <= r && r <= '\u2069':
		return true
	}
	return false
}

func (c *cleaner) trim(s string) string {
	out := strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || invisible(r) })
	if out == "" || out == s {
		return out
	}
	cut := strings.Replace(s, out, "", 1)
	switch {
	case strings.ContainsFunc(cut, invisible):
		c.did("removed invisible characters")
	case strings.ContainsRune(cut, '\u00a0'):
		c.did("removed no-break spaces")
	default:
		c.did("removed blanks")
	}
	return out
}

// A # without a blank before it is part of a URL.
func blankHash(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '#' && (s[i-1] == ' ' || s[i-1] == '\t') {
			return i
		}
	}
	return -1
}

func (c *cleaner) change(s string, clean func(string) string, did string) string {
	out := clean(s)
	if out != s {
		c.did("%s", did)
	}
	return out
}

func parenthesis(s string) (head, text string) {
	i := strings.IndexByte(s, '(')
	if i <= 0 || strings.ContainsAny(strings.TrimRight(s[:i], " \t"), "/?") && !strings.ContainsAny(s[i-1:i], " \t") {
		return s, "" // s has no parenthesis, or the parenthesis belongs to the path of a URL
	}
	return strings.TrimRightFunc(s[:i], unicode.IsSpace), strings.Trim(s[i:], "() \t;,.")
}

func (c *cleaner) attach(targets []order.Target, text string) []order.Target {
	var addresses []string
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;()", r) })
	for _, w := range words {
		switch {
		case isAddress(w):
			addresses = append(addresses, w)
		case namelike(w):
			c.refuse("has another name, %q, in the text after the name", w)
			return nil
		}
	}
	form, what := TextAfter, "has text after the name"
	if len(addresses) > 0 {
		form, what = AddressAfter, "has an address after the name"
	}
	word, ok := c.choice(form, what)
	switch {
	case !ok:
		return nil
	case word == "drop":
		c.did("removed the text after the name")
	case word == "note":
		c.did("kept the text after the name as a note")
		for i := range targets {
			a := order.NewAttr()
			if targets[i].Attr != nil {
				*a = *targets[i].Attr
			}
			a.Note = text
			targets[i].Attr = a
		}
	default:
		c.did("read the text after the name as addresses")
		for _, s := range addresses {
			targets = append(targets, addressTarget(s, word))
		}
	}
	return targets
}
