package diff

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

// fieldTexts contains all fields of an order except the targets. Equal values have equal texts. A
// missing field has an empty text.
var fieldTexts = []struct {
	name string
	text func(o *order.Order) string
}{
	{"action", func(o *order.Order) string { return o.Action.String() }},
	{"lifts", func(o *order.Order) string { return strings.Join(o.Lifts, ", ") }},
	{"authority", func(o *order.Order) string { return Authority(o.Authority) }},
	{"references", func(o *order.Order) string { return strings.Join(o.References, ", ") }},
	{"basis", func(o *order.Order) string { return o.Basis }},
	{"category", func(o *order.Order) string { return o.Category }},
	{"subject", func(o *order.Order) string { return o.Subject }},
	{"note", func(o *order.Order) string { return o.Note }},
	{"claimant", func(o *order.Order) string { return o.Claimant }},
	{"redress", func(o *order.Order) string { return o.Redress }},
	{"issued", func(o *order.Order) string { return o.Issued.String() }},
	{"served", func(o *order.Order) string { return o.Served.String() }},
	{"acknowledged", func(o *order.Order) string { return o.Acknowledged.String() }},
	{"reported", func(o *order.Order) string { return o.Reported.String() }},
	{"deadline", func(o *order.Order) string { return o.Deadline.String() }},
	{"from", func(o *order.Order) string { return o.From.String() }},
	{"until", func(o *order.Order) string { return o.Until.String() }},
	{"windows", func(o *order.Order) string { return windows(o.Windows) }},
	{"review", func(o *order.Order) string { return o.Review.String() }},
	{"status", func(o *order.Order) string { return o.Status.String() }},
	{"scope", func(o *order.Order) string { return Scope(o.Scope) }},
	{"exempt", exempt},
	{"stated_count", func(o *order.Order) string {
		if o.StatedCount == 0 {
			return ""
		}
		return strconv.Itoa(o.StatedCount)
	}},
	{"except", func(o *order.Order) string { return join(o.Except) }},
	{"force", func(o *order.Order) string {
		var parts []string
		for _, f := range o.Force {
			parts = append(parts, f.Target+": "+f.Reason)
		}
		return strings.Join(parts, ", ")
	}},
	{"response", func(o *order.Order) string { return o.Response.String() }},
	{"ttl", func(o *order.Order) string {
		if o.TTL < 0 {
			return ""
		}
		return o.TTL.String()
	}},
	{"disclosure", func(o *order.Order) string { return o.Disclosure.String() }},
	{"justification", func(o *order.Order) string { return o.Justification }},
	{"language", func(o *order.Order) string { return o.Language }},
	{"organization", func(o *order.Order) string { return o.Organization }},
	{"contact", func(o *order.Order) string { return strings.Join(o.Contact, ", ") }},
	{"url", func(o *order.Order) string { return o.URL }},
	{"filtering_databases", func(o *order.Order) string {
		var parts []string
		for _, f := range o.FilteringDatabases {
			parts = append(parts, f.DB+" "+f.ID)
		}
		return strings.Join(parts, ", ")
	}},
	{"document", func(o *order.Order) string {
		if o.Document == nil {
			return ""
		}
		d := o.Document
		return fmt.Sprintf("sha256 %s, verified_by %q, approved_by %q, note %q", d.SHA256, d.VerifiedBy, d.ApprovedBy, d.Note)
	}},
	{"report_to", func(o *order.Order) string { return o.ReportTo }},
}

// Texts yields the name and the text of each field that the order has, except the targets. Times
// are in UTC.
func Texts(o *order.Order) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range fieldTexts {
			if text := f.text(o); text != "" && !yield(f.name, text) {
				return
			}
		}
	}
}

func fields(was, is *order.Order) (out []Field) {
	for _, f := range fieldTexts {
		if a, b := f.text(was), f.text(is); a != b {
			out = append(out, Field{f.name, a, b})
		}
	}
	return out
}

// Authority returns an authority as short text.
func Authority(a order.Authority) string {
	s := a.Name
	if a.Country != "" {
		s += ", " + string(a.Country)
	}
	if a.Kind != order.KindUnstated {
		s += ", " + a.Kind.String()
	}
	return s
}

// Scope returns a scope as short text.
func Scope(s *order.Scope) string {
	switch {
	case s == nil:
		return ""
	case s.Global:
		return "global"
	}
	var parts []string
	parts = append(parts, s.CountryTexts()...)
	for _, c := range s.Clients {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, ", ")
}

func exempt(o *order.Order) string {
	var parts []string
	for _, e := range o.Exempt {
		s := join(e.Clients)
		if e.Until != order.NoTime {
			s += " until " + e.Until.String()
		}
		if e.Reference != "" {
			s += " (" + e.Reference + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}
