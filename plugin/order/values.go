package order

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

func (p *parser) lifts(n *yaml.Node, f string, o *draft) {
	once := distinct[string]{}
	for i, item := range p.list(n, f) {
		id := p.text(item, index(f, i))
		switch {
		case id == "":
		case !isID(id) || id == o.ID:
			p.bad(item, index(f, i), "must be the id of another order")
		case once.add(id):
			o.Lifts = append(o.Lifts, id)
		}
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.fault(n, f, "is empty; leave it out to lift the authority's earlier orders")
	}
}

var authorityTable = table[Authority]{
	{"name", func(p *parser, n *yaml.Node, f string, a *Authority) {
		a.Name = strings.Join(strings.Fields(p.text(n, f)), " ")
	}},
	{"country", func(p *parser, n *yaml.Node, f string, a *Authority) { a.Country = p.country(n, f) }},
	{"kind", func(p *parser, n *yaml.Node, f string, a *Authority) {
		a.Kind = choice(&p.decoder, n, f, authorityKindWords)
	}},
}

func (p *parser) authority(n *yaml.Node, f string) (a Authority) {
	if n.Kind != yaml.MappingNode {
		p.bad(n, f, "must be a handle of authorities, or a mapping with name, country and kind")
		return a
	}
	object(p, n, f, authorityTable, &a)
	if lookup(n, "name") == nil {
		p.fault(n, join(f, "name"), "is required; write the name of the court or agency")
	}
	return a
}

func (p *parser) country(n *yaml.Node, f string) Country {
	s := p.text(n, f)
	c, ok := ParseCountry(s)
	if !ok && s != "" {
		p.badCountry(n, f, s, "")
	}
	return c
}

func (p *parser) status(n *yaml.Node, f string) Status {
	return choice(&p.decoder, n, f, statusWords)
}

var windowTable = table[Window]{
	{"from", func(p *parser, n *yaml.Node, f string, w *Window) { w.From = p.time(n, f, startOfDay) }},
	{"until", func(p *parser, n *yaml.Node, f string, w *Window) { w.Until = p.time(n, f, endOfDay) }},
}

func (p *parser) windows(n *yaml.Node, f string) (ws []Window) {
	for i, item := range p.list(n, f) {
		w, before := Window{NoTime, NoTime}, len(p.problems)
		object(p, item, index(f, i), windowTable, &w)
		if w == (Window{NoTime, NoTime}) && len(p.problems) == before {
			p.fault(item, index(f, i), "a window needs from, until or both")
		}
		p.interval(item, index(f, i), w.From, w.Until)
		ws = append(ws, w)
	}
	if len(n.Content) == 0 && n.Kind == yaml.SequenceNode {
		p.fault(n, f, "is empty: the order would never be in force; leave it out")
	}
	return ws
}

func (p *parser) interval(n *yaml.Node, f string, from, until Time) {
	if from != NoTime && until != NoTime && until <= from {
		start, end := localText(from, p.loc, startOfDay), localText(until, p.loc, endOfDay)
		if at := lookup(n, "from"); at != nil {
			start = Clip(at.Value)
		}
		if at := lookup(n, "until"); at != nil {
			n, end = at, at.Value
		}
		p.add(Problem{Line: n.Line, Column: n.Column, Field: join(f, "until"),
			Msg: "must be later than from, which is " + start, Got: end, HasGot: true})
	}
}

func (p *parser) deadline(n *yaml.Node, f string) (Time, time.Duration) {
	s := p.text(n, f)
	if s == "" {
		return NoTime, 0
	}
	if d, err := parseDuration(s); err == nil && d > 0 && d%time.Second == 0 {
		return NoTime, d
	}
	t, _, err := parseTime(s, p.loc, endOfDay)
	switch {
	case errors.Is(err, errTime):
		advice := timeAdvice(s)
		if advice == "" {
			advice = durationAdvice("deadline", s)
		}
		p.bad(n, f, "must be a date, a time, or whole seconds, minutes, hours or days after served, such as 30m or 7d%s", advice)
	case err != nil:
		p.bad(n, f, "%v", err)
	default:
		return FromTime(t), 0
	}
	return NoTime, 0
}

var scopeTable = table[Scope]{
	{"countries", func(p *parser, n *yaml.Node, f string, s *Scope) {
		s.Countries, s.WithTerritories = p.scopeCountries(n, f)
	}},
	{"clients", func(p *parser, n *yaml.Node, f string, s *Scope) { s.Clients = p.prefixes(n, f) }},
}

func (p *parser) scope(n *yaml.Node, f string) *Scope {
	if n.Kind == yaml.ScalarNode && n.Value == "global" {
		return &Scope{Global: true}
	}
	if n.Kind != yaml.MappingNode {
		p.bad(n, f, `must be "global", or a mapping with countries or clients%s`, scopeAdvice(n))
		return &Scope{}
	}
	s := &Scope{}
	before := len(p.problems)
	object(p, n, f, scopeTable, s)
	if len(s.Countries)+len(s.Clients) == 0 && len(p.problems) == before {
		p.fault(n, f, `reaches no client; write countries or clients`)
	}
	return s
}

func (p *parser) prefixes(n *yaml.Node, f string) (out []netip.Prefix) {
	once := distinct[netip.Prefix]{}
	for i, item := range p.list(n, f) {
		if x, ok := p.prefix(item, index(f, i)); ok && once.add(x) {
			out = append(out, x)
		}
	}
	return out
}

func (p *parser) prefix(n *yaml.Node, f string) (netip.Prefix, bool) {
	s := p.text(n, f)
	x, why := ParsePrefix(s)
	if why != "" && s != "" {
		p.bad(n, f, "%s", why)
	}
	return x, why == ""
}

// ParsePrefix parses an address or a network in CIDR notation. It refuses host bits, as in
// 192.0.2.1/24. The second result is the reason for a refusal.
func ParsePrefix(s string) (x netip.Prefix, why string) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return x, `has a zone, which begins with "%"; write the address without the zone`
		}
		if a.Is4In6() {
			return x, "is an IPv4-mapped IPv6 address; write the IPv4 address"
		}
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	x, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return x, "must be an IP address or a network such as 192.0.2.0/24"
	case x.Addr().Is4In6():
		return x, "is an IPv4-mapped IPv6 network; write the IPv4 network"
	case x.Masked() != x:
		return x, "is an address with the length of a network; write " + x.Masked().String() + " for the network, or the address alone"
	}
	return x, ""
}

var exemptTable = table[Exempt]{
	{"clients", func(p *parser, n *yaml.Node, f string, e *Exempt) {
		if n.Kind == yaml.ScalarNode {
			e.Clients = p.onePrefix(n, f)
			return
		}
		e.Clients = p.prefixes(n, f)
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			p.fault(n, f, "is empty; write at least one network")
		}
	}},
	{"until", func(p *parser, n *yaml.Node, f string, e *Exempt) { e.Until = p.time(n, f, endOfDay) }},
	{"reference", func(p *parser, n *yaml.Node, f string, e *Exempt) { e.Reference = p.text(n, f) }},
}

func (p *parser) exempt(n *yaml.Node, f string) (out []Exempt) {
	for i, item := range p.list(n, f) {
		e := Exempt{Until: NoTime}
		if item.Kind == yaml.ScalarNode {
			e.Clients = p.onePrefix(item, index(f, i))
		} else {
			object(p, item, index(f, i), exemptTable, &e)
			if item.Kind == yaml.MappingNode && lookup(item, "clients") == nil {
				p.fault(item, join(index(f, i), "clients"), "is required; write the networks of the clients")
			}
		}
		if len(e.Clients) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// onePrefix decodes one network into a list.
func (p *parser) onePrefix(n *yaml.Node, f string) []netip.Prefix {
	if x, ok := p.prefix(n, f); ok {
		return []netip.Prefix{x}
	}
	return nil
}

var responseTable = table[Response]{
	{"redirect", func(p *parser, n *yaml.Node, f string, r *Response) {
		r.Kind = Redirect
		if len(n.Content) > maxRedirect {
			p.fault(n, f, "has more than %d addresses", maxRedirect)
			return
		}
		for i, item := range p.list(n, f) {
			s := p.text(item, index(f, i))
			a, ok := ParseRedirect(s)
			switch {
			case s == "":
			case !ok:
				p.bad(item, index(f, i), "must be an IPv4 or IPv6 address")
			case !slices.Contains(r.Addresses, a):
				r.Addresses = append(r.Addresses, a)
			}
		}
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			p.fault(n, f, "needs at least one address")
		}
	}},
}

// redirectForm shows in messages how to write a redirect.
const redirectForm = "{redirect: [address]}"

func (p *parser) response(n *yaml.Node, f string) (r Response) {
	if n.Kind != yaml.MappingNode {
		r.Kind = oneOf(&p.decoder, n, f, responseWords, responsesWithoutAddresses(), redirectForm)
		return r
	}
	object(p, n, f, responseTable, &r)
	if len(n.Content) == 0 {
		p.fault(n, f, "must be %s", ResponseForms(redirectForm))
	}
	return r
}

func (p *parser) language(n *yaml.Node, f string) string {
	s := p.text(n, f)
	if s != "" && !LanguageTag(s) {
		p.bad(n, f, "must be a language tag of BCP 47, such as en or uk")
	}
	return s
}

// LanguageTag reports whether s is a BCP 47 language tag. It refuses "_" in place of "-".
func LanguageTag(s string) bool {
	_, err := language.Parse(s)
	return err == nil && !strings.Contains(s, "_")
}

func (p *parser) contact(n *yaml.Node, f string) (uris []string) {
	for i, item := range p.list(n, f) {
		switch u := p.text(item, index(f, i)); {
		case u == "":
		case !ContactURI(u):
			p.bad(item, index(f, i), "must be a mailto: or tel: URI%s", contactAdvice(u))
		default:
			uris = append(uris, u)
		}
	}
	return uris
}

// ContactURI reports whether u is a mailto: or tel: URI.
func ContactURI(u string) bool {
	parsed, err := url.Parse(u)
	return err == nil && (parsed.Scheme == "mailto" || parsed.Scheme == "tel") && parsed.Opaque != ""
}

func (p *parser) httpsURL(n *yaml.Node, f string) string {
	s := p.text(n, f)
	if u, err := url.Parse(s); s != "" && (err != nil || u.Scheme != "https" || u.Hostname() == "") {
		p.bad(n, f, "must be a URL that begins with https://")
	}
	return s
}

var databaseTable = table[FilteringDatabase]{
	{"db", func(p *parser, n *yaml.Node, f string, db *FilteringDatabase) { db.DB = p.text(n, f) }},
	{"id", func(p *parser, n *yaml.Node, f string, db *FilteringDatabase) { db.ID = p.text(n, f) }},
}

func (p *parser) databases(n *yaml.Node, f string) (out []FilteringDatabase) {
	for i, item := range p.list(n, f) {
		var db FilteringDatabase
		object(p, item, index(f, i), databaseTable, &db)
		if item.Kind == yaml.MappingNode && (lookup(item, "db") == nil || lookup(item, "id") == nil) {
			p.fault(item, index(f, i), "needs both db and id")
		}
		out = append(out, db)
	}
	return out
}

var documentTable = table[Document]{
	{"sha256", func(p *parser, n *yaml.Node, f string, d *Document) { d.SHA256 = p.sha256(n, f) }},
	{"verified_by", func(p *parser, n *yaml.Node, f string, d *Document) { d.VerifiedBy = p.text(n, f) }},
	{"approved_by", func(p *parser, n *yaml.Node, f string, d *Document) { d.ApprovedBy = p.text(n, f) }},
	{"note", func(p *parser, n *yaml.Node, f string, d *Document) { d.Note = p.text(n, f) }},
}

func (p *parser) document(n *yaml.Node, f string) *Document {
	doc := &Document{}
	object(p, n, f, documentTable, doc)
	return doc
}

// isID reports whether s is a valid order id.
func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; !digit(c) && !('a' <= c|0x20 && c|0x20 <= 'z') && strings.IndexByte("._:/-", c) < 0 {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 128
}

func writtenPrefix(x netip.Prefix) string {
	if x.IsSingleIP() {
		return x.Addr().String()
	}
	return x.String()
}
