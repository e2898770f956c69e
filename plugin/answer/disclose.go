package answer

import (
	"encoding/json"
	"strings"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// defaultLanguage is the language of our own sentence, and of a justification
// of which nobody says it: "j" and "o" must not go without "l".
const defaultLanguage = "en"

// edeOverhead is what an EDE option takes besides its text: option code and
// length (RFC 6891, section 6.1.2) and INFO-CODE (RFC 8914, section 2).
const edeOverhead = 4 + 2

// notice is what the user may learn of an answer.
type notice struct {
	order *ruleset.Order
	kind  order.ResponseKind // the form that the answer has
	// structured: the client asked for structured errors.
	structured bool
}

// signals reports whether the query's OPT asks for structured DNS errors: by
// the option sde, whose data says nothing, or in the older way of the draft,
// which Chromium uses, by an EDE option that has INFO-CODE 0 and no text.
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

// explain adds the Extended DNS Error to m's OPT, with as much text as size
// leaves room for: all, else a structured text without its prose, else the bare
// code, else no option. The answer itself matters more than its explanation: in
// a message that is too long, the server's writer would drop the SOA, and a
// denial without one is asked again and again.
//
// room is what is left. Compression, which takes a table to measure, makes more of
// it and is thought of only when there is too little.
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
	// The OPT comes last and its owner is the root, so an option adds its own
	// length, whatever is compressed.
	room -= edeOverhead
	if len(s) > room && !m.Compress {
		m.Compress = true
		room = size - m.Len() - edeOverhead
	}
	if room < 0 {
		return
	}
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

// code is the INFO-CODE: Censored, for somebody other than the operator
// required the block (RFC 8914, section 4.17), or Blocked for the operator's
// own (4.16). An answer with forged addresses is a Forged Answer (4.5) whoever
// wanted it, but a client that signals structured errors must never be told
// so: it can show more than that, and discards the text that comes with it
// (draft-ietf-dnsop-structured-dns-error-27, section 5.2).
func (n notice) code() uint16 {
	switch {
	case n.kind == order.Redirect && !n.structured:
		return dns.ExtendedErrorCodeForgedAnswer
	case n.order.Terms.Authority.Kind == order.KindOperator:
		return dns.ExtendedErrorCodeBlocked
	}
	return dns.ExtendedErrorCodeCensored
}

// sentence says in one line of English whose order it is.
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

// object is the structured error of draft-ietf-dnsop-structured-dns-error-27,
// section 4.1, with the field fdbs of draft-ietf-dnsop-filtering-transparency-00
// (before August 2026 draft-nottingham-public-resolver-errors). The order of its fields is that of the JSON. There is no "s": section 5.2 forbids
// sub-errors with Censored, and none fits an order.
type object struct {
	Contact       []string `json:"c,omitempty"`
	Justification string   `json:"j,omitempty"`
	Organization  string   `json:"o,omitempty"`
	Language      string   `json:"l,omitempty"`
	Databases     []entry  `json:"fdbs,omitempty"`
}

// entry is a Filtering Database Entry: where the order's public record is.
type entry struct {
	DB string `json:"db"`
	ID string `json:"id"`
}

// object collects what the order and the operator say.
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

	// There is one "l" for both texts. That of the justification wins, since a
	// name reads much the same in any language.
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
		// A client discards an object that has neither "c" nor "j" (section
		// 5.3, step 5).
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

// fit returns what of o takes at most room octets, when all of it does not: it goes
// without the prose, "j" and "o" and the "l" that goes with them (section 5.2
// asks for that order); where no contact is left, our short sentence stands for
// the justification, since a client discards an object that has neither. Last,
// database entries alone are worth sending: they are what clients of the second
// draft look for. Else it is nothing.
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

// json returns o as minified I-JSON (RFC 7493). Only what JSON itself demands
// is escaped: "\u0026" for "&" takes six octets where one will do.
func (o object) json() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(o) != nil { // cannot be: strings only
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// contactable reports whether uri may stand in "c": only the schemes of the
// draft's registry (section 11.3) may. A web page is none of them on purpose,
// or any resolver could put its link before the user.
func contactable(uri string) bool {
	scheme, rest, _ := strings.Cut(uri, ":")
	return rest != "" && (strings.EqualFold(scheme, "mailto") || strings.EqualFold(scheme, "tel"))
}

// text returns s as one line for the client's display: valid UTF-8 without control
// characters (RFC 5198, section 2), noncharacters (RFC 7493, section 2.1), bidirectional
// marks and zero-width characters. Order files may break lines, and their text may come
// from other people.
func text(s string) string {
	if plain(s) {
		return s
	}
	return printable.Clean(s)
}

// plain reports whether text has nothing to do: ASCII, in words one space apart.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}
