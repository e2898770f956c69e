package main

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// explainJSON is what explain writes with --json.
type explainJSON struct {
	Name      string       `json:"name"`
	At        string       `json:"at"`
	Client    string       `json:"client"`
	Block     string       `json:"server_block,omitempty"`
	Type      string       `json:"type"`
	Blocked   bool         `json:"blocked"`
	Groups    []groupJSON  `json:"for_whom,omitempty"`
	Order     *orderJSON   `json:"order,omitempty"`
	Target    string       `json:"target,omitempty"`
	Since     string       `json:"since,omitempty"`
	NotBefore string       `json:"not_before,omitempty"`
	Until     string       `json:"until,omitempty"`
	Passes    bool         `json:"type_passes"`
	Response  string       `json:"response,omitempty"`
	Answer    string       `json:"answer,omitempty"`
	Others    []reasonJSON `json:"others"`
	Recorded  []reasonJSON `json:"recorded"`
	Notes     []string     `json:"notes,omitempty"`

	// The fields below are for the text output only.
	past, future           bool
	whom, since, untilText string
}

type orderJSON struct {
	ID         string   `json:"id"`
	Authority  string   `json:"authority,omitempty"`
	References []string `json:"references,omitempty"`
	File       string   `json:"file,omitempty"`
	Line       int      `json:"line,omitempty"`
}

type reasonJSON struct {
	Order  string `json:"order"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Target string `json:"target,omitempty"`
	Reason string `json:"reason"`
	Text   string `json:"text"`
	By     string `json:"by,omitempty"`
	Begins string `json:"begins,omitempty"`
	Until  string `json:"until,omitempty"`
}

// digForm returns a message in dig's form. Text that is not printable is quoted, since the
// DNS library writes the text of an extended DNS error as it is. An empty text leaves out the
// parentheses that the library writes, as dig leaves them out.
func digForm(m *dns.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				ede.ExtraText = printable.Line(ede.ExtraText)
			}
		}
	}
	lines := strings.Split(m.String(), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "; EDE: ") {
			lines[i] = strings.TrimSuffix(line, ": ()")
		}
	}
	return strings.Join(lines, "\n")
}

func (c *explainCmd) print(e *env, x *explainJSON) {
	w := e.stdout
	verdict := map[bool]string{true: "is blocked", false: "is not blocked"}[x.Blocked]
	switch {
	case x.past:
		verdict = map[bool]string{true: "would be blocked", false: "would not be blocked"}[x.Blocked]
	case x.future:
		verdict = map[bool]string{true: "will be blocked", false: "will not be blocked"}[x.Blocked]
	}
	if x.past && x.Blocked && x.Since+x.NotBefore == "" {
		verdict = "may have been blocked"
	}
	fmt.Fprintf(w, "%s %s for %s at %s\n", x.Name, verdict, x.Client, x.At)
	if x.Block != "" {
		fmt.Fprintf(w, "server block: %s\n", printable.Line(x.Block))
	}
	if x.whom != "" {
		fmt.Fprintf(w, "for whom: %s\n", x.whom)
	}
	if o := x.Order; o != nil {
		about := printable.Line(or(o.Authority, "sealed; --sealed shows which"))
		if len(o.References) > 0 {
			about += "; " + references(o.References)
		}
		fmt.Fprintf(w, "by order %q (%s)%s\n", o.ID, about, placeText(o.File, o.Line))
		fmt.Fprintf(w, "target: %s\n", printable.Line(or(x.Target, "not shown")))
		fmt.Fprintf(w, "since:  %s\n", x.since)
		fmt.Fprintf(w, "until:  %s\n", x.untilText)
	}
	for _, n := range x.Notes {
		fmt.Fprintf(w, "note:   %s\n", printable.Line(n))
	}
	list := func(title string, rs []reasonJSON) {
		if len(rs) > 0 {
			fmt.Fprintf(w, "\n%s:\n", title)
		}
		for _, r := range rs {
			fmt.Fprintf(w, "  order %q%s, target %s: %s\n", r.Order, placeText(r.File, r.Line), printable.Line(or(r.Target, "not shown")), printable.Line(r.Text))
		}
	}
	list("Orders on this name that do not decide", x.Others)
	list("Recorded for this name, not enforced by DNS", x.Recorded)
	switch {
	case x.Passes:
		fmt.Fprintf(w, "\nQueries of type %s pass all the same: a forged denial would break what is below.\n", x.Type)
	case x.Blocked:
		fmt.Fprintf(w, "\n%s", x.Answer)
	}
}

// placeText returns the file and the line of an order, or "" for an unknown file.
func placeText(file string, line int) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf(" at %s:%d", printable.Line(file), line)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// until is a moment, empty for never.
func until(t order.Time) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.String()
}
