package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
)

// This file writes notices for the Lumen database. The Lumen API takes one POST with a JSON object
// for each notice.

// A LumenNotice is the body of one POST to Lumen, without the token.
type LumenNotice struct {
	Notice lumenNotice `json:"notice"`
}

type lumenNotice struct {
	Type          string      `json:"type"` // without a type, Lumen assumes a DMCA notice
	RequestType   string      `json:"request_type,omitempty"`
	Title         string      `json:"title"`
	Subject       string      `json:"subject,omitempty"`
	Body          string      `json:"body"`
	DateSent      string      `json:"date_sent,omitempty"`
	DateReceived  string      `json:"date_received,omitempty"`
	Language      string      `json:"language"`
	ActionTaken   string      `json:"action_taken"`
	Tags          string      `json:"tag_list,omitempty"`
	Jurisdictions string      `json:"jurisdiction_list,omitempty"`
	Regulations   string      `json:"regulation_list,omitempty"`
	URLs          int         `json:"url_count"`
	Works         []lumenWork `json:"works_attributes"`
	Roles         []lumenRole `json:"entity_notice_roles_attributes"`
}

type lumenWork struct {
	Description string     `json:"description"`
	Infringing  []lumenURL `json:"infringing_urls_attributes"`
}

type lumenURL struct {
	URL string `json:"url"`
}

type lumenRole struct {
	Name   string      `json:"name"`
	Entity lumenEntity `json:"entity_attributes"`
}

type lumenEntity struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Country string `json:"country_code,omitempty"`
}

// Lumen returns the notices for the block orders that were received in the period. The recipient is
// the operator. The notes contain the numbers of omitted orders.
//
// The Lumen database is public. Lumen omits sealed orders and orders with secret targets.
func (r *Report) Lumen(recipient string) (notices []LumenNotice, notes []string) {
	left := map[string]int{}
	for x := range r.all() {
		if x.lift || !x.Received {
			continue
		}
		if why := unfit(x); why != "" {
			left[why]++
			continue
		}
		notices = append(notices, LumenNotice{r.lumen(x, recipient)})
	}
	for _, why := range slices.Sorted(maps.Keys(left)) {
		notes = append(notes, fmt.Sprintf("no notice for %s: %s", count(left[why], "order"), why))
	}
	return notices, notes
}

func unfit(x *Row) string {
	switch f := x.f; {
	case x.Sealed:
		return "sealed"
	case f == nil:
		return "the fields of the order are unknown"
	case f.Disclosure != order.Full:
		return "the targets are secret"
	case f.Authority.Kind == order.KindOperator:
		return "the operator's own decision"
	case f.Authority.Kind == order.KindLaw:
		return "a law, and no order of an authority"
	case f.Authority.Kind == order.KindUnstated:
		return "the order file does not say whether the authority is a court or a regulator"
	}
	return ""
}

// lumen returns the notice of an order.
func (r *Report) lumen(x *Row, recipient string) lumenNotice {
	f := x.f
	court := f.Authority.Kind == order.KindCourt
	n := lumenNotice{Type: "GovernmentRequest", RequestType: "Agency", Language: "en", Subject: f.Subject,
		DateSent: day(f.Issued, f.zone), DateReceived: day(f.Served, f.zone), ActionTaken: "Unspecified",
		Tags: list(f.Category), Jurisdictions: string(f.Authority.Country), Regulations: list(f.Basis)}
	role := "sender"
	if court {
		n.Type, n.RequestType, role = "CourtOrder", "", "issuing_court"
	}
	switch x.State {
	case string(journal.InForce):
		n.ActionTaken = "Yes"
	case partly:
		n.ActionTaken = "Partial"
	case unknownState:
	default:
		if n.ActionTaken = "Yes"; x.InForce == 0 {
			n.ActionTaken = "No"
		}
	}
	number := strings.Join(f.References, ", ")
	n.Title = "Order of " + f.Authority.Name + " to block names in the DNS"
	if number != "" {
		n.Title = "Order " + number + " of " + f.Authority.Name + " to block names in the DNS"
	}
	body := []string{n.Title + "."}
	if f.Served != order.NoTime {
		body = append(body, "Served: "+forPeople(f.Served.StartText(f.zone))+".")
	}
	if f.Basis != "" {
		body = append(body, "Legal basis: "+f.Basis+".")
	}
	body = append(body, "Effect: "+r.effectText(x)+".")
	if s := x.stateText(r); s != "" {
		body = append(body, strings.ToUpper(s[:1])+s[1:]+".")
	}
	n.Body = strings.Join(body, " ")
	work := lumenWork{Description: cmp.Or(f.Subject, f.Category, "Blocked in the DNS"), Infringing: lumenURLs(f)}
	n.Works, n.URLs = []lumenWork{work}, len(work.Infringing)
	n.Roles = []lumenRole{
		{"recipient", lumenEntity{recipient, "organization", ""}},
		{role, lumenEntity{f.Authority.Name, "organization", string(f.Authority.Country)}},
	}
	return n
}

// lumenURLs returns the targets of an order as URLs.
func lumenURLs(f *fields) []lumenURL {
	out := []lumenURL{}
	for i := range f.Targets {
		t := &f.Targets[i]
		switch t.Kind {
		case order.TargetURL:
			out = append(out, lumenURL{t.Attr.URL})
		case order.TargetAddress:
			host := t.Pattern()
			if strings.Contains(host, ":") && !strings.Contains(host, "/") {
				host = "[" + host + "]"
			}
			out = append(out, lumenURL{"http://" + host + "/"})
		default:
			out = append(out, lumenURL{"http://" + t.Pattern() + "/"})
		}
	}
	if f.Side != nil {
		for n := range f.Side.Names.All() {
			out = append(out, lumenURL{"http://" + n.String() + "/"})
		}
	}
	return out
}

// Lumen separates list entries by commas.
func list(s string) string { return strings.ReplaceAll(s, ",", ";") }

// day returns the day of a time, or "".
func day(t order.Time, zone *time.Location) string {
	if t == order.NoTime {
		return ""
	}
	return t.Time().In(zone).Format(time.DateOnly)
}
