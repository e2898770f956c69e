package order

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Problem is one error or warning about an order file.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 if the problem is about the whole file
	Order        string // the id of the order, empty outside an order
	Field        string // dotted path inside the order or file, may be empty
	Msg          string // the message, in lower case
	Got          string // the bad value, meaningful if HasGot
	HasGot       bool
	Warning      bool // the file may still go into force
	// Sealed is set if the problem is in an order that is or may be sealed. The ordinary log
	// must use Redacted; only the operator's tool may use Error.
	Sealed bool
	// public is the message for the ordinary log if Msg contains words of a file that could
	// not be read, else empty. A problem in a side list always has it.
	public string
	// outside is set if the problem is outside an order, in the header or the syntax of a file.
	// Nothing is known of the disclosure there, and the file may be no order file at all.
	outside bool
	// Lift is set if the problem is Sealed only because it is in a lift without disclosure,
	// which is as secret as the orders that it lifts.
	Lift bool
	// owner is the position at which an order names the side list that the problem is in.
	// Redacted uses it because the name of the list may reveal a sealed order.
	owner place
}

// A place is a position in an order file.
type place struct {
	file      string
	line, col int
}

// maxGot is the largest number of bytes of a value that a message repeats.
const maxGot = 120

// Error formats the problem as: path:line:column: order "id": field: message, got "value".
// Absent parts are left out.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.where())
	if p.Order != "" {
		fmt.Fprintf(&b, "order %q: ", clip(p.Order))
	}
	if p.Field != "" {
		b.WriteString(printable.Line(clip(p.Field)) + ": ")
	}
	b.WriteString(printable.Line(p.Msg))
	if p.HasGot {
		fmt.Fprintf(&b, ", got %q", clip(p.Got))
	}
	return b.String()
}

// Clip returns s shortened for a message. The result does not keep s in memory.
func Clip(s string) string { return strings.Clone(clip(s)) }

// clip returns s shortened for a message.
func clip(s string) string {
	if len(s) <= maxGot {
		return s
	}
	n := maxGot
	for n > maxGot-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

// Redacted returns the text for the ordinary log. If the problem is Sealed, the text contains
// only the position and the field, with which the operator can find the problem. Otherwise, it
// is the text of Error, with the public message if there is one. The text of a problem outside
// an order has no value and no key of the file in it.
func (p Problem) Redacted() string {
	if !p.Sealed {
		if p.outside {
			p.Field, p.HasGot = knownField(p.Field), false
		}
		if p.public != "" {
			p.Msg = p.public
		}
		return p.Error()
	}
	at := place{p.File, p.Line, p.Column}
	if p.owner.file != "" {
		at = p.owner
	}
	out := at.String() + "sealed order: "
	if p.Lift {
		out = at.String() + "lift, perhaps of a sealed order: "
	}
	if f := knownField(p.Field); f != "" {
		out += f + ": "
	}
	return out + "problem not shown here; run blocklistctl check"
}

// SideReason returns what is wrong with a line of a side list, without words of the line.
func (p Problem) SideReason() string { return p.public }

// InSide reports whether the problem is in a side list.
func (p Problem) InSide() bool { return p.owner.file != "" }

var fieldPart = regexp.MustCompile(`^(\w+)(?:\[\d+\])?$`)

// knownField cuts the path of a field before the first key that is not in the schema, because
// the key may be a name at the wrong place.
func knownField(field string) string {
	end := 0
	for part := range strings.SplitSeq(field, ".") {
		m := fieldPart.FindStringSubmatch(part)
		if m == nil || !schemaWords[m[1]] {
			break
		}
		end += len(part) + 1
	}
	return field[:max(end-1, 0)]
}

func (p Problem) where() string { return place{p.File, p.Line, p.Column}.String() }

func (p place) String() string {
	file := printable.Line(p.file)
	switch {
	case p.file == "":
		return ""
	case p.line == 0:
		return file + ": "
	case p.col == 0:
		return fmt.Sprintf("%s:%d: ", file, p.line)
	}
	return fmt.Sprintf("%s:%d:%d: ", file, p.line, p.col)
}

// Problems are the problems of one or more files.
type Problems []Problem

// Sort sorts the problems by file, line and column.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Errors returns the problems that are not warnings.
func (ps Problems) Errors() Problems { return ps.filter(false) }

// Warnings returns the problems that are warnings.
func (ps Problems) Warnings() Problems { return ps.filter(true) }

func (ps Problems) filter(warning bool) Problems {
	var out Problems
	for _, p := range ps {
		if p.Warning == warning {
			out = append(out, p)
		}
	}
	return out
}

// Error returns the text of all problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
