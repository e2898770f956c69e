package answer

import (
	"encoding/json"
	"strings"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const defaultLanguage = "en"

// edeOverhead is the size in octets of an EDE option without text: code and length (RFC 6891,
// section 6.1.2), and INFO-CODE (RFC 8914, section 2).
const edeOverhead = 4 + 2

type notice struct {
	order      *ruleset.Order
	kind       order.ResponseKind // the form of the answer
	structured bool
}

// Chromium asks for structured DNS errors by an empty EDE option with INFO-CODE 0.
func signals(o *dns.OPT, sde uint16) bool {
	for _, opt := range o.Option {
		if sde != 0 && opt.Option() == sde {
			return true
		}
		if e, ok := opt.(*dns.EDNS0_EDE); ok && e.InfoCode == 0 && e.ExtraText == "" {
			return true
		}
	}
	return false
}

func (e *explained) explain(m *dns.Msg, size, room int, n notice, cfg *Config) {
	terms := n.order.Terms
	if terms.Disclosure == order.None {
		return
	}
	var said object
	var s string
	switch {
	case terms.Disclosure == order.Code:
	case n.structured:
		said = n.object(cfg)
		s = said.json()
	default:
		s = n.sentence()
	}
	room -= edeOverhead
	if len(s) > room && !m.Compress {
		m.Compress = true
		room = size - m.Len() - edeOverhead
	}
	if room < 0 {
		return
	}
	// With a text that is too long, CoreDNS would remove the SOA, and clients would repeat the
	// query.
	if len(s) > room {
		s = ""
		if n.structured {
			s = said.fit(room, n.sentence())
		}
	}
	e.ede = dns.EDNS0_EDE{InfoCode: n.code(), ExtraText: s}
	e.option[0] = &e.ede
	e.opt.Option = e.option[:]
}

// The INFO-CODEs are in RFC 8914, sections 4.5, 4.16 and 4.17. With the code Forged Answer, a
// client would discard the structured error (draft-ietf-dnsop-structured-dns-error-27, section
// 5.2).
func (n notice) code() uint16 {
	switch {
	case n.kind == order.Redirect && !n.structured:
		return dns.ExtendedErrorCodeForgedAnswer
	case n.order.Terms.Authority.Kind == order.KindOperator:
		return dns.ExtendedErrorCodeBlocked
	}
	return dns.ExtendedErrorCodeCensored
}

func (n notice) sentence() string {
	ref, who := text(n.order.Reference), text(n.order.Terms.Authority.Name)
	switch {
	case ref == "" && who == "":
		return "Blocked by order"
	case ref == "":
		return "Blocked by order of " + who
	case who == "":
		return "Blocked by order " + ref
	}
	return "Blocked by order " + ref + " of " + who
}

// An object is the structured error of draft-ietf-dnsop-structured-dns-error-27, section 4.1. The
// field fdbs is from draft-ietf-dnsop-filtering-transparency-00.
type object struct {
	Contact       []string `json:"c,omitempty"`
	Justification string   `json:"j,omitempty"`
	Organization  string   `json:"o,omitempty"`
	Language      string   `json:"l,omitempty"`
	Databases     []entry  `json:"fdbs,omitempty"`
}

type entry struct {
	DB string `json:"db"`
	ID string `json:"id"`
}

func (n notice) object(cfg *Config) object {
	terms := n.order.Terms
	var o object
	contact := terms.Contact
	if len(contact) == 0 {
		contact = cfg.Contact
	}
	for _, uri := range contact {
		if uri = text(uri); contactable(uri) {
			o.Contact = append(o.Contact, uri)
		}
	}
	for _, f := range n.order.FilteringDatabases {
		o.Databases = append(o.Databases, entry{text(f.DB), text(f.ID)})
	}

	o.Language = cfg.Language
	if o.Organization = text(terms.Organization); o.Organization == "" {
		o.Organization = text(cfg.Organization)
	} else if terms.Language != "" {
		o.Language = terms.Language
	}
	o.Justification = text(terms.Justification)
	switch {
	case o.Justification != "":
		if terms.Language != "" {
			o.Language = terms.Language
		}
	case len(o.Contact) == 0:
		// A client discards an object that has neither "c" nor "j" (section 5.3, step 5).
		o.Justification, o.Language = n.sentence(), defaultLanguage
	}
	switch o.Language = text(o.Language); {
	case o.Justification == "" && o.Organization == "":
		o.Language = ""
	case o.Language == "":
		o.Language = defaultLanguage
	}
	return o
}

func (o object) fit(room int, sentence string) string {
	o.Justification, o.Organization, o.Language = "", "", ""
	if len(o.Contact) == 0 {
		short := o
		short.Justification, short.Language = sentence, defaultLanguage
		if s := short.json(); len(s) <= room {
			return s
		}
	}
	if len(o.Contact) == 0 && len(o.Databases) == 0 {
		return ""
	}
	if s := o.json(); len(s) <= room {
		return s
	}
	return ""
}

// The result is minified I-JSON (RFC 7493). Go's default would write "&" as "\u0026".
func (o object) json() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(o) != nil { // never fails, because all fields are strings
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func contactable(uri string) bool {
	scheme, rest, _ := strings.Cut(uri, ":")
	return rest != "" && (strings.EqualFold(scheme, "mailto") || strings.EqualFold(scheme, "tel"))
}

// The result is one line that a client can display safely. It has no control characters (RFC 5198,
// section 2), noncharacters (RFC 7493, section 2.1) or bidirectional marks.
func text(s string) string {
	if plain(s) {
		return s
	}
	return printable.Clean(s)
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}
