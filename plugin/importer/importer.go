// Package importer reads the lists that authorities really publish and turns
// them into orders. It is pure: a reader and options in, an order and an account
// of every line out; the same bytes give the same result.
//
// Real lists are untidy. What has one meaning only is cleaned and said: blanks,
// schemes, trailing dots. What a list leaves open (does "*.example.com" include
// example.com?) is a [Form] that the caller must decide; until then such a line
// is refused and names the option. Nothing is repaired by guessing.
package importer

import (
	"bufio"
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
}

// Choices returns the words that decide a form.
func Choices(f Form) []string { return append(slices.Clone(choices[f]), Skip) }

// Options say how a list is read.
type Options struct {
	// Charset is utf-8 (also when empty), cp1250 or cp1251.
	Charset string
	// Decide holds the decided forms.
	Decide map[Form]string
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
}

// Result is what became of a list.
type Result struct {
	Targets []order.Target
	// Notes are of the lines of which there is something to say, in their order.
	Notes []Note
	// Lines is the number of lines; Blank and Comments are those that hold
	// nothing.
	Lines, Blank, Comments int
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

// maxLine bounds one line; what is longer is no list of names.
const maxLine = 4096

// maxRaw bounds the part of a line that a note repeats.
const maxRaw = 200

// Domains reads a plain list of names, one a line, blank lines and # comments.
// The error is about the options or the reading; what is wrong with lines
// stands in the notes. A result without targets comes with ErrEmpty.
func Domains(r io.Reader, opt Options) (*Result, error) {
	for f, word := range opt.Decide {
		if !slices.Contains(Choices(f), word) {
			return nil, fmt.Errorf("%s must be one of %s, got %q", f, strings.Join(Choices(f), ", "), word)
		}
	}
	decode, err := decoderFor(opt.Charset)
	if err != nil {
		return nil, err
	}
	im := &imports{opt: opt, decode: decode, seen: map[string]int{}}
	br := bufio.NewReaderSize(r, maxLine+2)
	for line := 1; ; line++ {
		raw, err := br.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		text := string(raw)
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of the line is not looked at
			_, err = br.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err != nil && text == "" {
			break
		}
		im.line(line, text, long)
		if err != nil {
			break
		}
	}
	if len(im.out.Targets) == 0 {
		return &im.out, ErrEmpty
	}
	return &im.out, nil
}

// imports is the state of one import.
type imports struct {
	opt    Options
	decode func(string) (string, bool)
	out    Result
	seen   map[string]int // a target as written -> the line that gave it first
}

// line takes one line, its end included.
func (im *imports) line(number int, text string, long bool) {
	im.out.Lines++
	if number == 1 {
		var bom bool
		if text, bom = strings.CutPrefix(text, "\uFEFF"); bom {
			im.out.BOM = true
		}
	}
	text = strings.TrimSuffix(text, "\n")
	var cr bool
	if text, cr = strings.CutSuffix(text, "\r"); cr {
		im.out.CRLF = true
	}
	n := Note{Line: number, Raw: shorten(text)}
	var targets []order.Target
	if long {
		n.Refused = fmt.Sprintf("the line is longer than %d octets", maxLine)
	} else if s, ok := im.decode(text); !ok {
		n.Refused, n.Needs = "the line is not in the list's character set", Charset
	} else {
		n.Raw = shorten(s)
		c := cleaner{decide: im.opt.Decide, note: &n}
		switch targets = c.line(s); {
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

// take books what a line gave.
func (im *imports) take(n *Note, targets []order.Target) {
	switch {
	case n.Refused == "":
	case n.Skipped:
		im.out.Skipped++
	default:
		im.out.Refused++
	}
	for _, t := range targets {
		text := targetText(&t)
		n.Targets = append(n.Targets, text)
		key := text // what differs in its note is not the same
		if t.Attr != nil {
			key += "\x00" + t.Attr.Note
		}
		if first, dup := im.seen[key]; dup {
			im.out.Duplicates++
			n.Did = append(n.Did, fmt.Sprintf("merged with line %d, which says the same", first))
			continue
		}
		im.seen[key] = n.Line
		t.Line, t.Column = n.Line, 1
		im.out.Targets = append(im.out.Targets, t)
	}
	if n.Refused != "" || len(n.Did) > 0 || len(n.Warnings) > 0 {
		im.out.Notes = append(im.out.Notes, *n)
	}
}

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
