package explain

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// An Explanation says whether a name is blocked, and why. It is the JSON output of "blocklistctl
// explain" and of a server's path /explain.
type Explanation struct {
	Name      string   `json:"name"`
	At        string   `json:"at"`
	Client    string   `json:"client"`
	Block     string   `json:"server_block,omitempty"`
	Type      string   `json:"type"`
	Blocked   bool     `json:"blocked"`
	Groups    []Group  `json:"for_whom,omitempty"`
	Order     *Order   `json:"order,omitempty"`
	Target    string   `json:"target,omitempty"`
	Since     string   `json:"since,omitempty"`
	NotBefore string   `json:"not_before,omitempty"`
	Until     string   `json:"until,omitempty"`
	Passes    bool     `json:"type_passes"`
	Response  string   `json:"response,omitempty"`
	Answer    string   `json:"answer,omitempty"`
	Others    []Reason `json:"others"`
	Recorded  []Reason `json:"recorded"`
	Notes     []string `json:"notes,omitempty"`

	// These fields are only for the text output.
	now                          order.Time
	zone                         *time.Location // the time zone of the text, or nil for UTC
	past, future, running        bool
	journal                      *Journal
	undated                      bool // the start of the deciding order is unknown
	held                         bool // the journal says that the server held a target
	some                         bool // only some clients are blocked, and no client was given
	groupsText, since, untilText string
}

// An Order is the order that decides the verdict.
type Order struct {
	ID         string   `json:"id"`
	Authority  string   `json:"authority,omitempty"`
	References []string `json:"references,omitempty"`
	File       string   `json:"file,omitempty"`
	Line       int      `json:"line,omitempty"`
}

// A Reason is a target that covers the name but does not decide.
type Reason struct {
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

// DigForm returns a message in the form of dig. Unlike the DNS library, DigForm quotes unprintable
// text of an extended DNS error.
func DigForm(m *dns.Msg) string {
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

// Print writes the explanation as text.
func (x *Explanation) Print(w io.Writer) {
	verdict := map[bool]string{true: "is blocked", false: "is not blocked"}[x.Blocked]
	switch {
	case x.held && x.Blocked:
		verdict = "may not have been blocked"
	case x.journal != nil && (x.journal.Doubt || x.held):
		verdict = map[bool]string{true: "may have been blocked", false: "may not have been blocked"}[x.Blocked]
	case x.journal != nil && !x.journal.Stopped:
		verdict = map[bool]string{true: "was blocked", false: "was not blocked"}[x.Blocked]
	case x.past, x.journal != nil:
		verdict = map[bool]string{true: "would be blocked", false: "would not be blocked"}[x.Blocked]
	case x.future:
		verdict = map[bool]string{true: "will be blocked", false: "will not be blocked"}[x.Blocked]
	}
	if x.past && x.Blocked && x.undated {
		verdict = "may have been blocked"
	}
	if x.some {
		verdict = strings.Replace(verdict, "not ", "", 1) + " for some clients, and not"
	}
	fmt.Fprintf(w, "%s %s for %s at %s\n", x.Name, verdict, x.Client, x.atText())
	if x.Block != "" {
		fmt.Fprintf(w, "server block: %s\n", printable.Line(x.Block))
	}
	if x.groupsText != "" {
		fmt.Fprintf(w, "for whom: %s\n", x.groupsText)
	}
	if o := x.Order; o != nil {
		sealed := "sealed; --sealed shows the order"
		if x.running {
			sealed = "sealed"
		}
		about := printable.Line(cmp.Or(o.Authority, sealed))
		for i, r := range o.References {
			about += [...]string{"; ", ", "}[min(i, 1)] + printable.Line(r)
		}
		fmt.Fprintf(w, "by order %q (%s)%s\n", o.ID, about, PositionText(o.File, o.Line))
		fmt.Fprintf(w, "target: %s\n", printable.Line(cmp.Or(x.Target, "not shown")))
		fmt.Fprintf(w, "since:  %s\n", x.since)
		fmt.Fprintf(w, "until:  %s\n", x.untilText)
	}
	for _, n := range x.Notes {
		fmt.Fprintf(w, "note:   %s\n", printable.Line(n))
	}
	list := func(title string, rs []Reason) {
		if len(rs) > 0 {
			fmt.Fprintf(w, "\n%s:\n", title)
		}
		for _, r := range rs {
			fmt.Fprintf(w, "  order %q%s, target %s: %s\n", r.Order, PositionText(r.File, r.Line), printable.Line(cmp.Or(r.Target, "not shown")), printable.Line(r.Text))
		}
	}
	list("Other orders for this name, which do not decide", x.Others)
	list("Pages on this host, recorded and not enforced by DNS", x.Recorded)
	switch {
	case x.Passes:
		fmt.Fprintf(w, "\nQueries of type %s pass, because a denial would break DNSSEC for names below that are not blocked.\n", x.Type)
	case x.Blocked:
		fmt.Fprintf(w, "\n%s", x.Answer)
	}
}

func (x *Explanation) atText() string {
	if x.zone == nil {
		return x.At
	}
	return x.now.Time().In(x.zone).Format(time.RFC3339)
}

// PositionText returns the position of an order as text, for example " at orders.yaml:7". For an
// unknown file, the text is empty.
func PositionText(file string, line int) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf(" at %s:%d", printable.Line(file), line)
}
