package due

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const columns = 100

// WriteText writes the report as text.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(first, rest, text string) { wrap(&b, first, rest, text, "") }
	for _, p := range r.Problems {
		line("", "    ", printable.Line(p))
	}
	if n := len(r.Problems); n > 0 {
		line("", "", "These problems come first, because the report lacks the orders of the files with errors.")
		b.WriteByte('\n')
	}
	line("", "    ", fmt.Sprintf("Due on %s, and until the end of %s (%s).", r.Now(), when(r.until, r.zone, true, false), r.ZoneText()))
	line("", "    ", r.Summary())
	for _, n := range r.Notes {
		line("", "    ", "Note: "+printable.Line(n))
	}
	b.WriteByte('\n')
	var none []string
	for _, s := range r.Sections {
		if s.Count == 0 {
			none = append(none, s.Title)
		} else {
			fmt.Fprintf(&b, "%7d  %s\n", s.Count, s.Title)
		}
	}
	if len(none) > 0 {
		line("   none  ", "         ", strings.Join(none, ", "))
	}
	for _, s := range r.Sections {
		if s.Count > 0 {
			r.section(&b, s)
		}
	}
	b.WriteByte('\n')
	line("", "", Note)
	_, err := io.WriteString(w, b.String())
	return err
}

// Note is the last sentence of a page.
const Note = "This report reads order files. The log and the metrics of a server say which version of a file is in force."

// Now returns the time of the report.
func (r *Report) Now() string { return r.now.Time().In(r.zone).Format("Mon 2006-01-02 15:04") }

// ZoneText returns the time zone of the times in the report.
func (r *Report) ZoneText() string {
	if r.several {
		return "UTC; the times of an order are in the time zone of its file"
	}
	return r.zone.String()
}

// Summary returns the numbers of files and orders.
func (r *Report) Summary() string {
	files := count(r.Files-r.secret, "file")
	switch {
	case r.secret > 0 && r.secret == r.Files:
		files = count(r.secret, "file") + " with sealed orders"
	case r.secret > 0:
		files += ", and " + count(r.secret, "more file") + " with sealed orders,"
	}
	s := fmt.Sprintf("%s read, with %s. In force by the files: %s.", files, count(r.Orders, "order"), count(r.InForce, "block order"))
	return s + " " + r.Verdict()
}

// Verdict returns a sentence about missed deadlines and about files with errors.
func (r *Report) Verdict() string {
	if r.behind == 0 && r.late == 0 {
		if len(r.Problems) > 0 {
			return "Files have errors, so it is unknown whether an order is behind or late."
		}
		return "No order is behind or late."
	}
	var parts []string
	if r.behind > 0 {
		parts = append(parts, count(r.behind, "deadline")+" behind")
	}
	if r.late > 0 {
		parts = append(parts, count(r.late, "deadline")+" met late")
	}
	if len(r.Problems) > 0 {
		parts = append(parts, "files have errors")
	}
	last := len(parts) - 1
	if last == 0 {
		return parts[0] + "."
	}
	return strings.Join(parts[:last], ", ") + ", and " + parts[last] + "."
}

// section writes one section.
func (r *Report) section(b *strings.Builder, s *Section) {
	b.WriteByte('\n')
	wrap(b, "", "    ", fmt.Sprintf("%s: %d. %s", s.Title, s.Count, s.Meaning), "")
	same := sameCommand(s.Items)
	for _, it := range s.Items {
		r.lines(b, it)
		if it.Command != "" && same == nil {
			wrap(b, "      $ ", "          ", it.Command, ` \`)
		}
	}
	if n := s.More(); n > 0 {
		fmt.Fprintf(b, "  ... and %d more; --all shows all\n", n)
	}
	if same != nil {
		fmt.Fprintf(b, "  Next, and then the same for the other orders:\n")
		wrap(b, "      $ ", "          ", same.Command, ` \`)
	}
}

func sameCommand(items []*Item) (first *Item) {
	form := func(it *Item) string { return strings.Replace(it.Command+" ", " "+it.Order+" ", " ", 1) }
	n := 0
	for _, it := range items {
		switch {
		case it.Command == "":
			continue
		case first == nil:
			first = it
		case form(it) != form(first):
			return nil
		}
		n++
	}
	if n < 2 {
		return nil
	}
	return first
}

func (r *Report) lines(b *strings.Builder, it *Item) {
	const indent = "      "
	name := printable.Line(cmp.Or(it.Order, it.File))
	if about := it.About(); about != "" {
		name += " (" + about + ")"
	}
	first := fmt.Sprintf("%-20s  %s", cmp.Or(r.Date(it), unknownDate(it)), name)
	if because := r.Because(it); textWidth(first)+textWidth(because)+len("  : ") <= columns {
		wrap(b, "  ", indent, first+": "+because, "")
	} else {
		wrap(b, "  ", indent, first, "")
		wrap(b, indent, indent, because, "")
	}
	if targets := it.Targets(); targets != "" {
		wrap(b, indent, indent, "targets: "+printable.Line(targets), "")
	}
	if len(it.DidYouMean) > 0 {
		wrap(b, indent, indent, "did you mean "+printable.Line(strings.Join(it.DidYouMean, ", "))+"?", "")
	}
}

// Targets returns the targets of the item as text. If the reason for the item contains the targets,
// the text is empty.
func (it *Item) Targets() string {
	if strings.Contains(it.Why, it.Target) {
		return ""
	}
	return it.Target
}

// unknownDate returns the text in place of a date.
func unknownDate(it *Item) string {
	if it.File == "" {
		return "sealed"
	}
	return "no date"
}

// About returns the authority and the references of the order.
func (it *Item) About() string {
	if it.Line == 0 {
		return ""
	}
	s := printable.Line(it.Authority)
	for i, ref := range it.References {
		s += map[bool]string{true: "; ", false: ", "}[i == 0] + printable.Line(ref)
	}
	return s
}

// Because returns a text with the reason for the item. The text also contains the number of days to
// the date.
func (r *Report) Because(it *Item) string {
	rel := r.relative(it)
	switch {
	case it.Why == "":
		return rel
	case rel == "":
		return printable.Line(it.Why)
	}
	return rel + "; " + printable.Line(it.Why)
}

// Date returns the date of an item as text, or "" without a known date.
func (r *Report) Date(it *Item) string {
	s := when(it.at, it.zone, it.end, r.several)
	if it.until > it.at {
		until := when(it.until, it.zone, true, r.several)
		if _, ok := wholeDay(it.until, it.zone, true); ok {
			until += " 24:00"
		}
		if day := s[:min(len(s), len("Mon 2006-01-02"))]; strings.HasPrefix(until, day+" ") {
			until = until[len(day)+1:]
		}
		s += " to " + until
	}
	return s
}

func (r *Report) relative(it *Item) string {
	if s := when(it.at, it.zone, true, false); s == "" {
		return ""
	}
	field, days := it.Field, distance(r.now, it.at, it.zone, it.end)
	switch {
	case field == "windows":
		field = "window"
	case strings.HasPrefix(days, "in ") && (field == "from" || field == "until" || field == "exempt"):
		return days // the reason after these words says that something begins or ends
	case field == "exempt":
		field = "exempt until"
	}
	return field + " " + days
}

func wrap(b *strings.Builder, first, rest, text, cont string) {
	b.WriteString(first)
	used, start := textWidth(first), true
	for i, word := range strings.Split(text, " ") {
		w := textWidth(word)
		if i > 0 && !start && used+1+w > columns-len(cont) {
			b.WriteString(cont + "\n" + rest)
			used, start = textWidth(rest), true
		} else if i > 0 {
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += w
		start = start && word == ""
	}
	b.WriteByte('\n')
}

func textWidth(s string) (n int) {
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
