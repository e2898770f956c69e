// Package importer reads the lists that authorities publish and turns them into orders.
// The package is pure: it gets a reader and options, and returns targets and an account
// of every line. The same bytes give the same result.
//
// [Domains] first looks at what the file is (read.go, format.go, table.go). A file in
// another format is refused whole, because such a file also has names that must not be
// blocked. Then Domains looks at lines that belong together (paste.go, wrap.go), and at
// last cleans each line (line.go, name.go). What has one meaning only is cleaned and
// reported. What a list leaves open (does "*.example.com" include example.com?) is a
// [Form] that the caller must decide; until then such a line is refused and its note
// names the option. Nothing is repaired by guessing.
package importer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Form is a form of line whose meaning a plain list leaves open. Its text is
// the name of the option that decides it.
type Form string

// The forms.
const (
	Mask         Form = "mask"          // *.example.com
	Paths        Form = "paths"         // https://example.com/page
	Ports        Form = "ports"         // example.com:8080
	Addresses    Form = "addresses"     // 192.0.2.1 or 192.0.2.0/24
	TextAfter    Form = "text-after"    // example.com (a mirror)
	AddressAfter Form = "address-after" // example.com (192.0.2.1)
	Several      Form = "several"       // example.com example.net
	Hyphen       Form = "hyphen"        // a line that breaks off, and the line that follows
	Suffix       Form = "allow-suffix"  // com, co.uk: a public suffix
	Charset      Form = "charset"       // not a form of line: how the bytes are read
)

// Skip is a choice for every form: the line is left out, and said to be.
const Skip = "skip"

// choices are what a form may be decided to mean, besides Skip.
var choices = map[Form][]string{
	Mask:         {"subtree", "below"},
	Paths:        {"url", "host", "name"},
	Ports:        {"name"},
	Addresses:    {"network", "none", "dns"},
	TextAfter:    {"drop", "note"},
	AddressAfter: {"drop", "note", "network", "none", "dns"},
	Several:      {"split"},
	Hyphen:       {"join", "separate", "refuse"},
}

// Choices returns the words that decide a form.
func Choices(f Form) []string {
	if f == Hyphen {
		return slices.Clone(choices[f]) // refused lines are skipped by the caller, as all refused lines are
	}
	return append(slices.Clone(choices[f]), Skip)
}

// Options say how a list is read.
type Options struct {
	// Charset is utf-8 (also when empty), cp1250 or cp1251.
	Charset string
	// Decide has the words for the decided forms.
	Decide map[Form]string
	// AllowSuffix takes public suffixes, which stand above the names of many people.
	AllowSuffix bool
	// Plain reads each line as a name, whatever format the file seems to have.
	Plain bool
}

// Check returns the error of options that make no sense.
func (o *Options) Check() error {
	for f, word := range o.Decide {
		if !slices.Contains(Choices(f), word) {
			return fmt.Errorf("%s must be one of %s, got %q", f, strings.Join(Choices(f), ", "), word)
		}
	}
	_, err := decoderFor(o.Charset)
	return err
}

// Note is what is to be said of one line.
type Note struct {
	Line int
	Raw  string // the line as it was read, shortened when it is very long
	// Targets are what the line gave, as the order file writes them.
	Targets []string
	// Did is what was cleaned, in the order in which it was done.
	Did []string
	// Warnings are what the line gave although somebody should look at it.
	Warnings []string
	// Refused says why the line gave nothing, empty when it gave something.
	Refused string
	// Needs is the form whose decision would have let the line in.
	Needs Form
	// Skipped says that the line was left out because the caller decided so.
	Skipped bool
	// Passed says what a line is that has no name and needs none, such as a page number.
	Passed string
	// Same is the line that gave a target of this line before, 0 when all are new.
	Same int
}

// Result is what became of a list.
type Result struct {
	Targets []order.Target
	// Notes are of the lines of which there is something to say, in their order.
	Notes []Note
	// Lines is the number of lines. Blank and Comments are the lines without text,
	// Passed the lines that are page numbers, headers and the like.
	Lines, Blank, Comments, Passed int
	// Duplicates counts targets that an earlier line had given, Refused the
	// lines that gave nothing and were not left out by decision, Skipped those
	// that were.
	Duplicates, Refused, Skipped int
	// CRLF and BOM say how the list was written.
	CRLF, BOM bool
}

// ErrEmpty: a list without a single target. Downloads fail, and a list that has
// shrunk to nothing for an hour must not lift an order.
var ErrEmpty = errors.New("holds no target: an empty download is not an order")

// maxLine bounds one line; a longer line is no list of names.
const maxLine = 4096

// maxRaw bounds the part of a line that a note repeats.
const maxRaw = 200

// Domains reads a plain list of names, one a line, with blank lines and # comments. A
// file in another format gives a [*FormatError], unless the options say Plain. Other
// errors are about the options, the size or the reading; the notes say what is wrong
// with lines. A result without targets comes with ErrEmpty.
func Domains(r io.Reader, opt Options) (*Result, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	decode, _ := decoderFor(opt.Charset) // checked
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
	broken(lines, opt.Decide[Hyphen])
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
	seen map[string]int // a target as written -> the line that gave it first
}

// line reads one line and puts what became of the line into the result.
func (im *imports) line(number int, l *line) {
	n := Note{Line: number, Raw: shorten(l.raw)}
	if f := l.found; f != nil {
		n.Refused, n.Needs, n.Passed = f.refused, f.needs, f.passed
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
		switch targets = c.line(l.raw); {
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

// take counts what a line gave.
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
		text := targetText(&t)
		n.Targets = append(n.Targets, text)
		key := text // targets with different notes are different
		if t.Attr != nil {
			key += "\x00" + t.Attr.Note
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

// repeated is what is said of a line whose target an earlier line gave.
const repeated = "merged with an earlier line that says the same"

// targetText is the target in one word, equal for equal targets.
func targetText(t *order.Target) string {
	switch {
	case t.Kind == order.TargetAddress && t.Attr.Address.IsSingleIP():
		return t.Attr.Address.Addr().String()
	case t.Kind == order.TargetAddress:
		return t.Attr.Address.String()
	case t.Attr != nil && t.Attr.URL != "":
		return t.Attr.URL
	case t.Match == order.Below:
		return "*." + t.Name.String()
	}
	return t.Name.String()
}

func shorten(s string) string {
	if len(s) <= maxRaw {
		return s
	}
	return strings.ToValidUTF8(s[:maxRaw], "") + "..."
}
