package order

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with an order file.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 when the problem is the whole file's
	Order        string // the order's id, empty outside an order
	Field        string // dotted path inside the order or file, may be empty
	Msg          string // what is wrong, lower case
	Got          string // the offending value, meaningful when HasGot
	HasGot       bool
	Warning      bool // worth saying, but the file may go into force
	// Sealed marks a problem in an order that is, or in doubt may be, sealed:
	// the ordinary log gets Redacted, only the operator's tool gets Error.
	Sealed bool
}

// maxGot bounds the value that a message repeats.
const maxGot = 120

// Error formats the problem as path:line:column: order "id": field: message,
// got "value". Parts that are absent are left out.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.where())
	if p.Order != "" {
		fmt.Fprintf(&b, "order %q: ", p.Order)
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Msg)
	if p.HasGot {
		got := p.Got
		if len(got) > maxGot {
			got = got[:maxGot] + "..."
		}
		fmt.Fprintf(&b, ", got %q", got)
	}
	return b.String()
}

// Redacted is Error without what a sealed order must not tell: it keeps the
// place and the field, which lead the operator to the rest. For other problems
// it is Error.
func (p Problem) Redacted() string {
	if !p.Sealed {
		return p.Error()
	}
	return p.where() + "sealed order: " + p.Field + ": problem not shown here; run blocklistctl check"
}

func (p Problem) where() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File + ": "
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: ", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
}

// Problems are the problems of one or more files.
type Problems []Problem

// Sort orders the problems by file, line and column.
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

// Error lists every problem, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
