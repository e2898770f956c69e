package answer

import (
	"encoding/json"
	"strings"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// defaultLanguage is the language of the package's own sentence, and of a justification
// without a language. The field "l" must accompany "j" and "o".
const defaultLanguage = "en"

// edeOverhead is the size of an EDE option without its text, in octets: option code and length
// (RFC 6891, section 6.1.2) and INFO-CODE (RFC 8914, section 2).
const edeOverhead = 4 + 2

// A notice is the information about an answer that the user may see.
type notice struct {
	order *ruleset.Order
	kind  order.ResponseKind // form of the answer
	// structured is true if the client asked for structured errors.
	structured bool
}

// signals reports whether the OPT of the query asks for structured DNS errors. There are two
// ways to ask. The first is the option sde, with any data. The second is the older way of the
// draft, which Chromium uses: an EDE option with INFO-CODE 0 and without text.
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

// explain adds the Extended DNS Error to the OPT of m. The text is the longest that fits into
// size: the full text, a structured text without its prose, the code without text, or no
// option at all. The answer is more important than the explanation: the writer of the server
// would remove the SOA from a message that is too long, and clients repeat a query after a
// denial without an SOA.
//
// room is the space left, in octets. Compression may make more room, but it needs a table, so
// explain tries compression only if the room is too small.
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
	// The OPT is the last record and its owner is the root. An option therefore adds exactly
	// its own length, with or without compression.
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

// code returns the INFO-CODE (RFC 8914). For redirect addresses it is Forged Answer (section
// 4.5). For other answers it is Blocked if the operator made the order (section 4.16), and
// Censored if an authority made it (section 4.17). A client that asked for structured errors
// never gets Forged Answer, because it would discard the text
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

// sentence returns one line of English with the reference and the authority of the order.
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

// An object is the structured error of draft-ietf-dnsop-structured-dns-error-27, section 4.1.
// The field fdbs is that of draft-ietf-dnsop-filtering-transparency-00 (before August 2026
// draft-nottingham-public-resolver-errors). The JSON has the fields in this order. There is no
// field "s": section 5.2 forbids sub-errors with Censored, and no sub-error describes an
// order.
type object struct {
	Contact       []string `json:"c,omitempty"`
	Justification string   `json:"j,omitempty"`
	Organization  string   `json:"o,omitempty"`
	Language      string   `json:"l,omitempty"`
	Databases     []entry  `json:"fdbs,omitempty"`
}

// An entry is a Filtering Database Entry. It identifies the public record of the order.
type entry struct {
	DB string `json:"db"`
	ID string `json:"id"`
}

// object returns the structured error with the texts of the order and of the operator.
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

	// There is only one "l" for both texts. The language of the justification wins, because a
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

// fit returns a shorter JSON text of o with at most room octets, or "" if none is useful. The
// fields "j", "o" and "l" are removed first, as section 5.2 requires. If o has no contacts,
// the short sentence becomes the justification, because clients discard an object with neither
// contacts nor a justification. If the sentence does not fit, the database entries are sent
// alone, because clients of the second draft look for them.
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

// json returns o as minified I-JSON (RFC 7493). It escapes only characters that JSON requires
// to be escaped: "\u0026" for "&" would need six octets instead of one.
func (o object) json() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(o) != nil { // cannot fail, because all fields are strings
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// contactable reports whether uri is allowed in "c". Only the schemes in the registry of the
// draft are allowed (section 11.3). The registry has no web pages on purpose, because
// otherwise any resolver could show users its link.
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

// plain reports whether text can return s unchanged: s is ASCII, and its words are separated
// by single spaces.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}
