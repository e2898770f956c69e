// Package importer converts the lists that authorities publish into orders. The result depends
// only on the list and on the options. [Domains] works in three steps:
//
//	refuse  read.go, format.go, table.go        a file that is no plain list
//	find    paste.go, wrap.go                   page headers, names broken over two lines
//	clean   line.go, words.go, name.go, page.go each line
//
// A file that is no plain list may contain names that must not be blocked.
//
// The importer never guesses. A [Form] is text with more than one meaning. For example,
// "*.example.com" may or may not include example.com. A line with a Form is refused until the
// caller decides the meaning.
package importer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Form is a kind of text with several possible meanings, for example a name with a port.
// The value is the name of the option that decides the meaning.
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

// Skip is the word that leaves out each line with a form. Every form except Hyphen has
// this word.
const Skip = "skip"

// choices contains the words that decide each form, except Skip.
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
		// Hyphen does not need Skip. Without a decision, both lines are refused, and the
		// caller can leave out refused lines.
		return slices.Clone(choices[f])
	}
	return append(slices.Clone(choices[f]), Skip)
}

// Options contains the options of an import.
type Options struct {
	// Charset is utf-8, cp1250 or cp1251. Empty means utf-8.
	Charset string
	// Decide contains the word for each form that the caller has decided.
	Decide map[Form]string
	// Lines decides the form Hyphen for single lines, by the number of the second line of
	// a pair. Decide is for all other lines.
	Lines map[int]string
	// Typed contains the text of a person in place of a pair of lines, by the number of the
	// second line. The text may have several names.
	Typed map[int]string
	// AllowSuffix accepts public suffixes. By default, they are refused, because other
	// people may own the names below.
	AllowSuffix bool
	// Plain parses each line as a name, even if the file seems to have another format.
	Plain bool
}

// Check returns an error if the options are not valid.
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

// hyphen returns the word that decides the form Hyphen for the line with the index i.
func (o *Options) hyphen(i int) string {
	if word, ok := o.Lines[i+1]; ok {
		return word
	}
	return o.Decide[Hyphen]
}

// A Note is the report on one line.
type Note struct {
	Line int
	Raw  string // the line as it was read, shortened if it is very long
	// Joined contains the lines that have the rest of the name.
	Joined []Rest
	// Targets are the targets that the line gave, in the form of an order file.
	Targets []string
	// Did lists the changes to the line, in the sequence of the changes.
	Did []string
	// Warnings are reasons to check this line. The line is accepted.
	Warnings []string
	// Refused is the reason why the line gave no target, or empty.
	Refused string
	// Needs is the form that needs a decision, or empty.
	Needs Form
	// After is the number of an earlier line that may begin the name in this line, or 0.
	After int
	// Skipped reports whether the caller's decision left the line out.
	Skipped bool
	// Passed describes a line that needs no name, for example "a page number". For other
	// lines, it is empty.
	Passed string
	// Same is the number of an earlier line with an equal target, or 0.
	Same int
}

// A Rest is a line with the rest of a name in the line before.
type Rest struct {
	Line int
	Raw  string // the line as it was read, shortened if it is very long
}

// A Result contains the targets and the notes of an import.
type Result struct {
	Targets []order.Target
	// Notes contains the notes in the sequence of the lines. Lines without a finding have
	// no note.
	Notes []Note
	// Lines is the number of all lines. Blank, Comments and Passed count lines that need
	// no name. Passed counts, for example, page numbers and headings.
	Lines, Blank, Comments, Passed int
	// Duplicates is the number of targets that an earlier line had already given. Refused
	// and Skipped are numbers of lines.
	Duplicates, Refused, Skipped int
	// CRLF reports whether a line ends in CR LF. BOM reports whether the file begins with
	// a byte order mark.
	CRLF, BOM bool
}

// ErrEmpty is the error for a list without targets, for example after a failed download.
// An order without targets blocks nothing.
var ErrEmpty = errors.New("has no target; an empty list does not make an order")

// maxLine is the largest number of bytes in a line of a list.
const maxLine = 4096

// maxRaw is the largest number of bytes in Note.Raw.
const maxRaw = 200

// Domains parses a plain list of names, blank lines, and comments with #. For another
// format, it returns a [*FormatError]. Without targets, it returns the result and
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
	im := &imports{opt: opt, seen: map[string]int{}}
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
	for i := range lines {
		im.line(i+1, &lines[i])
	}
	if len(im.out.Targets) == 0 {
		return &im.out, ErrEmpty
	}
	return &im.out, nil
}

// imports is the state of one import.
type imports struct {
	opt  Options
	out  Result
	seen map[string]int // maps the text of a target to the first line with the target
}

// line cleans a line and adds it to the result.
func (im *imports) line(number int, l *line) {
	n := Note{Line: number, Raw: shorten(l.raw), Joined: l.rest}
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

// take adds the targets and the note of a line to the result.
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
		text := t.String()
		n.Targets = append(n.Targets, text)
		key := text // targets with different pages or notes are different targets
		if t.Attr != nil {
			key += "\x00" + t.Attr.URL + "\x00" + t.Attr.Note
		}
		if first, dup := im.seen[key]; dup {
			im.out.Duplicates++
			n.Did, n.Same = append(n.Did, repeated), first
			continue
		}
		im.seen[key] = n.Line
		t.Line, t.Column = n.Line, 1
		im.out.Targets = append(im.out.Targets, t)
	}
	if n.Refused != "" || n.Passed != "" || len(n.Did) > 0 || len(n.Warnings) > 0 {
		im.out.Notes = append(im.out.Notes, *n)
	}
}

// repeated is the report about a line with the same target as an earlier line.
const repeated = "merged with an earlier line with the same target"

// shorten returns s, cut to maxRaw bytes.
func shorten(s string) string {
	if len(s) <= maxRaw {
		return s
	}
	return strings.ToValidUTF8(s[:maxRaw], "") + "..."
}
