package order

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Problem is one error or warning about an order file.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 if the problem is about the whole file
	Order        string // the id of the order; empty outside an order
	Field        string // the path of the field with dots; may be empty
	Msg          string // the message, in lower case at the start
	Got          string // the bad value, if HasGot is set
	HasGot       bool
	Warning      bool // the file is still valid
	// Sealed is set if the problem may reveal a sealed order. The ordinary log must then contain
	// Redacted.
	Sealed bool
	// This text replaces Msg in the ordinary log, because Msg may contain words of the file. Every
	// problem in a side list needs this text.
	public  string
	outside bool
	Lift    bool
	Doubt   bool
	owner   place
}

type place struct {
	file      string
	line, col int
}

const maxGot = 120

// Error returns the problem in this form:
//
//	path:line:column: order "id": field: message, got "value"
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
		if !strings.HasSuffix(p.Msg, "?") {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " got %q", clip(p.Got))
	}
	return b.String()
}

// Clip returns a shortened copy of a text for a message.
func Clip(s string) string { return strings.Clone(clip(s)) }

// clip shortens s for a message.
func clip(s string) string { return printable.Clip(s, maxGot) }

// Redacted returns the text of the problem for the ordinary log. It hides the message of a Sealed
// problem. It also hides values and unknown keys outside an order.
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
	return p.Hidden().Error()
}

// Hidden returns a problem at the same place that reveals nothing about its order.
func (p Problem) Hidden() Problem {
	at := place{p.File, p.Line, p.Column}
	if p.owner.file != "" {
		at = p.owner
	}
	out := Problem{File: at.file, Line: at.line, Column: at.col, Field: knownField(p.Field), Warning: p.Warning, Sealed: true,
		Msg: "an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"}
	if p.Lift {
		out.Msg = "a lift of " + out.Msg
	}
	return out
}

// SideReason returns the message about a bad line of a side list. The message contains no words of
// the line.
func (p Problem) SideReason() string { return p.public }

// InSide reports whether the problem is in a side list.
func (p Problem) InSide() bool { return p.owner.file != "" }

var fieldPart = regexp.MustCompile(`^(\w+)(?:\[\d+\])?$`)

// The path is cut before the first unknown key, because an unknown key may be a secret name.
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

// Problems contains the problems of one or more files.
type Problems []Problem

// Sort sorts the problems by file, line and column.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Errors returns the problems that are not warnings.
func (ps Problems) Errors() Problems { return ps.filter(false) }

// Warnings returns the problems that are only warnings.
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

// Error returns the problems, one on each line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
