// Package importer converts the lists that authorities publish into orders. [Domains] works in
// three steps:
//   - Refuse a file that is no plain list (read.go, format.go, table.go).
//   - Find page headers and broken names (paste.go, wrap.go).
//   - Clean each line (line.go, words.go, name.go, page.go).
//
// The importer never guesses. A [Form] is text with several meanings. For example, "*.example.com"
// may or may not include example.com. The importer refuses a Form until the caller decides.
package importer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Form is a kind of text with several meanings, for example a name with a port. The value of a
// Form is also the name of an option. The option decides between the meanings.
type Form string

// These are the forms, with an example of each.
const (
	Mask         Form = "mask"          // *.example.com
	Paths        Form = "paths"         // https://example.com/page
	Ports        Form = "ports"         // example.com:8080
	Addresses    Form = "addresses"     // 192.0.2.1 or 192.0.2.0/24
	AddressURLs  Form = "address-urls"  // https://192.0.2.1/page
	TextAfter    Form = "text-after"    // example.com (a mirror)
	AddressAfter Form = "address-after" // example.com (192.0.2.1)
	Several      Form = "several"       // example.com example.net
	Hyphen       Form = "hyphen"        // a line that ends in a hyphen or dot, and the line after it
	Suffix       Form = "allow-suffix"  // a public suffix: com, co.uk
	Charset      Form = "charset"       // the character set of the file; not the form of a single line
)

// Skip is the decision to leave out all lines with a Form. It is not allowed for Hyphen.
const Skip = "skip"

var choices = map[Form][]string{
	Mask:         {"subtree", "below"},
	Paths:        {"url", "host", "name"},
	Ports:        {"name"},
	Addresses:    {"network", "none", "dns"},
	AddressURLs:  {"url", "network", "none", "dns"},
	TextAfter:    {"drop", "note"},
	AddressAfter: {"drop", "note", "network", "none", "dns"},
	Several:      {"split"},
	Hyphen:       {"join", "drop", "separate", "refuse"},
}

// Choices returns the words that decide the form f.
func Choices(f Form) []string {
	if f == Hyphen {
		return slices.Clone(choices[f])
	}
	return append(slices.Clone(choices[f]), Skip)
}

// Options contains the options of an import.
type Options struct {
	// Charset is utf-8, cp1250 or cp1251. Empty means utf-8.
	Charset string
	// Decide contains the caller's decisions. The keys are the forms. Choices returns the allowed
	// values.
	Decide map[Form]string
	Lines  map[int]string
	Typed  map[int]string
	// AllowSuffix accepts public suffixes. A block of a public suffix also blocks the domains of
	// other people.
	AllowSuffix bool
	// Plain turns off the checks for other file formats. Each line is then read as a name.
	Plain bool
}

// Check returns an error for invalid options.
func (o *Options) Check() error {
	for f, word := range o.Decide {
		if !slices.Contains(Choices(f), word) {
			return fmt.Errorf("%s must be one of %s, got %q", f, strings.Join(Choices(f), ", "), word)
		}
	}
	for line, word := range o.Lines {
		if !slices.Contains(Choices(Hyphen), word) {
			return fmt.Errorf("line %d: %s must be one of %s, got %q", line, Hyphen, strings.Join(Choices(Hyphen), ", "), word)
		}
	}
	_, err := decoderFor(o.Charset)
	return err
}

func (o *Options) hyphen(i int) string {
	if word, ok := o.Lines[i+1]; ok {
		return word
	}
	return o.Decide[Hyphen]
}

// A Note is the report on one line.
type Note struct {
	Line   int
	Raw    string // the line as it was read, shortened if it is very long
	Joined []Rest
	// Targets lists the targets of the line, as in an order file.
	Targets []string
	// Did lists the changes to the line in order.
	Did []string
	// Warnings lists reasons to check an accepted line.
	Warnings []string
	// Refused is the reason for no target, or empty.
	Refused string
	Needs   Form
	After   int
	Skipped bool
	// The kind of a line that needs no name, for example "a page number". Empty for other lines.
	Passed string
	// The number of an earlier line with the same target. 0 means none.
	Same int
}

// A Rest is a further line of a name that is split over several lines.
type Rest struct {
	Line int
	Raw  string // the line as it was read, shortened if it is very long
}

// A Result is the result of an import.
type Result struct {
	Targets []order.Target
	// Notes lists the notes in the order of the lines. Most lines have no note.
	Notes []Note
	// Lines is the number of all lines. Passed is the number of lines that need no name, for
	// example page numbers and headings.
	Lines, Blank, Comments, Passed int
	// Duplicates counts repeated targets. Refused and Skipped count lines.
	Duplicates, Refused, Skipped int
	// CRLF reports whether a line ends in CR LF. BOM reports whether the file has a byte order
	// mark.
	CRLF, BOM bool
}

// ErrEmpty is the error for a list without targets. A failed download can leave such a list.
var ErrEmpty = errors.New("has no target; an empty list does not make an order")

const maxLine = 4096

const maxRaw = 200

// Domains parses a plain list of names. Blank lines and # comments are allowed. Domains returns a
// [*FormatError] for another format. For a list without targets, Domains returns the result and
// ErrEmpty.
func Domains(r io.Reader, opt Options) (*Result, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	decode, _ := decoderFor(opt.Charset) // Check has already refused an unknown charset
	data, err := readAll(r)
	if err != nil {
		return nil, err
	}
	if !opt.Plain {
		if bad := foreignBytes(data, opt.Charset); bad != nil {
			return nil, bad
		}
	}
	im := &imports{opt: opt, names: map[dname.Name]int{}, seen: map[string]int{}}
	lines, err := im.split(data, decode)
	if err != nil {
		return nil, err
	}
	pageLines(lines)
	if !opt.Plain {
		if bad := foreignLines(lines); bad != nil {
			return nil, bad
		}
	}
	broken(lines, opt.hyphen, opt.Typed)
	removed(lines, opt.hyphen)
	numbered(lines)
	im.out.Targets = make([]order.Target, 0, len(lines))
	for i := range lines {
		im.line(i+1, &lines[i])
	}
	out := im.out // a pointer to im.out would keep the memory of im
	if len(out.Targets) == 0 {
		return &out, ErrEmpty
	}
	return &out, nil
}

// imports is the state of one import.
type imports struct {
	opt   Options
	out   Result
	names map[dname.Name]int
	seen  map[string]int
}

func (im *imports) line(number int, l *line) {
	n := Note{Line: number, Raw: shorten(l.raw), Joined: l.rest()}
	if f := l.found; f != nil {
		n.Refused, n.Needs, n.After, n.Passed = f.refused, f.needs, f.after, f.passed
		if f.did != "" {
			n.Did = append(n.Did, f.did)
		}
		if f.warning != "" {
			n.Warnings = append(n.Warnings, f.warning)
		}
	}
	var targets []order.Target
	if l.open() {
		c := cleaner{opt: im.opt, note: &n}
		switch targets = c.line(l.source()); {
		case c.comment:
			im.out.Comments++
			return
		case c.blank:
			im.out.Blank++
			return
		}
	}
	im.take(&n, targets)
}

func (im *imports) take(n *Note, targets []order.Target) {
	switch {
	case n.Passed != "":
		im.out.Passed++
	case n.Refused == "":
	case n.Skipped:
		im.out.Skipped++
	default:
		im.out.Refused++
	}
	for _, t := range targets {
		if first := im.first(&t, n.Line); first > 0 {
			im.out.Duplicates++
			n.Did, n.Same = append(n.Did, repeated), first
			continue
		}
		t.Line, t.Column = n.Line, 1
		im.out.Targets = append(im.out.Targets, t)
	}
	if n.Refused != "" || n.Passed != "" || len(n.Did) > 0 || len(n.Warnings) > 0 {
		for _, t := range targets {
			n.Targets = append(n.Targets, t.String())
		}
		im.out.Notes = append(im.out.Notes, *n)
	}
}

// first returns the first line with the target. It returns 0 if the given line is the first line.
func (im *imports) first(t *order.Target, line int) int {
	if t.Kind == order.TargetName && t.Match == order.Subtree && t.Attr == nil {
		first := im.names[t.Name]
		if first == 0 {
			im.names[t.Name] = line
		}
		return first
	}
	key := t.String() // targets with different pages or notes are different targets
	if t.Attr != nil {
		key += "\x00" + t.Attr.URL + "\x00" + t.Attr.Note
	}
	first := im.seen[key]
	if first == 0 {
		im.seen[key] = line
	}
	return first
}

const repeated = "merged with an earlier line with the same target"

// shorten returns s, cut to maxRaw bytes.
func shorten(s string) string {
	if len(s) <= maxRaw {
		return s
	}
	return strings.ToValidUTF8(s[:maxRaw], "") + "..."
}
