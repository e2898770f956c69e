package order

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

// use says where a field may stand.
type use uint8

const (
	filled use = 1 << iota // may come from the authority or the file's defaults
	onLift                 // allowed on a lift
	term                   // lives in Terms
)

// field is one key of an order.
type field struct {
	key    string
	use    use
	decode func(p *parser, n *yaml.Node, f string, o *draft)
}

// draft is an order being put together, with what its later steps need to know.
type draft struct {
	Order
	ownTerms bool // Terms is this order's own and may be written
	// servedDate: served is a bare date, from which no minutes can be counted.
	servedDate bool
	deadlineAt *yaml.Node
	sideAt     *yaml.Node
	forceAt    map[string]*yaml.Node
	// doubt: it cannot be told whether the order is sealed.
	doubt bool
}

// fields are the keys of an order in their canonical order, which fmt writes.
// It is filled in by init, since the decoders refer to tables that refer back.
var fields []field

var fieldByKey = map[string]*field{}

func init() {
	fields = []field{
		{"id", onLift, func(p *parser, n *yaml.Node, f string, o *draft) {}}, // read first, by orderID
		{"action", onLift, func(p *parser, n *yaml.Node, f string, o *draft) {}},
		{"lifts", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Lifts = p.texts(n, f) }},
		{"authority", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) {
			if n.Kind == yaml.MappingNode { // a handle was resolved before
				o.Authority = p.authority(n, f)
			}
		}},
		{"references", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.References = p.texts(n, f) }},
		{"basis", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Basis = p.text(n, f) }},
		{"category", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Category = p.text(n, f) }},
		{"subject", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Subject = p.text(n, f) }},
		{"note", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Note = p.text(n, f) }},
		{"issued", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Issued = p.time(n, f, startOfDay) }},
		{"served", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) {
			o.Served, o.servedDate = p.timeOrDate(n, f, startOfDay)
		}},
		{"deadline", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) {
			o.Deadline, o.DeadlineAfter = p.deadline(n, f)
			o.deadlineAt = n
		}},
		{"from", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.From = p.time(n, f, startOfDay) }},
		{"until", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Until = p.time(n, f, endOfDay) }},
		{"windows", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Windows = p.windows(n, f) }},
		{"review", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Review = p.time(n, f, endOfDay) }},
		{"status", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Status = p.status(n, f) }},
		{"scope", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Scope = p.scope(n, f) }},
		{"exempt", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) {
			// Never append in place: the list may be the authority's.
			o.Exempt = slices.Concat(o.Exempt, p.exempt(n, f))
		}},
		{"targets", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { p.targets(n, f, o) }},
		{"targets_from", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { p.targetsFrom(n, f, o) }},
		{"except", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Except = p.names(n, f) }},
		{"force", filled, func(p *parser, n *yaml.Node, f string, o *draft) { p.force(n, f, o) }},
		{"response", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Response = p.response(n, f) }},
		{"ttl", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.TTL = p.ttl(n, f) }},
		{"disclosure", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) {
			before := len(p.problems)
			o.Disclosure = choice(&p.decoder, n, f, []string{"full", "schedule", "code", "none"}, Full, Schedule, Code, None)
			o.doubt = o.doubt || len(p.problems) > before
		}},
		{"justification", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Justification = p.text(n, f) }},
		{"language", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Language = p.language(n, f) }},
		{"organization", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Organization = p.text(n, f) }},
		{"contact", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Contact = p.contact(n, f) }},
		{"url", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.URL = p.httpsURL(n, f) }},
		{"filtering_databases", filled, func(p *parser, n *yaml.Node, f string, o *draft) { o.FilteringDatabases = p.databases(n, f) }},
		{"document", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Document = p.document(n, f) }},
		{"report_to", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.ReportTo = p.text(n, f) }},
	}
	for i := range fields {
		fieldByKey[fields[i].key] = &fields[i]
	}
}

func (p *parser) authority(n *yaml.Node, f string) (a Authority) {
	p.object(n, f, map[string]func(*yaml.Node, string){
		"name": func(n *yaml.Node, f string) { a.Name = strings.Join(strings.Fields(p.text(n, f)), " ") },
		"country": func(n *yaml.Node, f string) {
			a.Country = p.country(n, f)
		},
		"kind": func(n *yaml.Node, f string) {
			a.Kind = choice(&p.decoder, n, f, []string{"court", "regulator", "law", "operator"}, KindCourt, KindRegulator, KindLaw, KindOperator)
		},
	})
	if a.Name == "" {
		p.fault(n, join(f, "name"), "is required")
	}
	return a
}

func (p *parser) country(n *yaml.Node, f string) Country {
	c, ok := ParseCountry(p.text(n, f))
	if !ok {
		p.bad(n, f, "must be an ISO 3166-1 alpha-2 country code or EU")
	}
	return c
}

func (p *parser) status(n *yaml.Node, f string) Status {
	return choice(&p.decoder, n, f, []string{"active", "shadow", "draft", "suspended"}, Active, Shadow, Draft, Suspended)
}

func (p *parser) windows(n *yaml.Node, f string) (ws []Window) {
	for i, item := range p.list(n, f) {
		w := Window{NoTime, NoTime}
		p.object(item, index(f, i), map[string]func(*yaml.Node, string){
			"from":  func(n *yaml.Node, f string) { w.From = p.time(n, f, startOfDay) },
			"until": func(n *yaml.Node, f string) { w.Until = p.time(n, f, endOfDay) },
		})
		if w == (Window{NoTime, NoTime}) {
			p.fault(item, index(f, i), "needs from, until or both")
		}
		p.interval(item, index(f, i), w.From, w.Until)
		ws = append(ws, w)
	}
	if len(n.Content) == 0 && n.Kind == yaml.SequenceNode {
		p.fault(n, f, "is empty: the order would never be in force; leave it out")
	}
	return ws
}

// interval checks that something lies between from and until.
func (p *parser) interval(n *yaml.Node, f string, from, until Time) {
	if from != NoTime && until != NoTime && until <= from {
		p.add(Problem{Line: n.Line, Column: n.Column, Field: join(f, "until"),
			Msg: "must be later than from, " + from.String(), Got: until.String(), HasGot: true})
	}
}

// deadline is a time, or a duration that is counted from served later on.
func (p *parser) deadline(n *yaml.Node, f string) (Time, time.Duration) {
	s := p.text(n, f)
	if d, err := parseDuration(s); err == nil && d > 0 {
		return NoTime, d
	}
	t, _, err := parseTime(s, p.loc, endOfDay)
	if err != nil {
		p.bad(n, f, "must be a time, or a duration after served such as 30m or 7d")
		return NoTime, 0
	}
	return FromTime(t), 0
}

func (p *parser) scope(n *yaml.Node, f string) *Scope {
	if n.Kind == yaml.ScalarNode && n.Value == "global" {
		return &Scope{Global: true}
	}
	if n.Kind != yaml.MappingNode {
		p.bad(n, f, `must be "global", or a mapping with countries or clients`)
		return &Scope{}
	}
	s := &Scope{}
	before := len(p.problems)
	p.object(n, f, map[string]func(*yaml.Node, string){
		"countries": func(n *yaml.Node, f string) {
			for i, item := range p.list(n, f) {
				if c := p.country(item, index(f, i)); c != "" && !slices.Contains(s.Countries, c) {
					s.Countries = append(s.Countries, c)
				}
			}
		},
		"clients": func(n *yaml.Node, f string) { s.Clients = p.prefixes(n, f) },
	})
	if len(s.Countries)+len(s.Clients) == 0 && len(p.problems) == before {
		p.fault(n, f, `reaches nobody; name countries or clients, or write "global"`)
	}
	return s
}

// prefixes decodes a list of networks.
func (p *parser) prefixes(n *yaml.Node, f string) (out []netip.Prefix) {
	for i, item := range p.list(n, f) {
		if x, ok := p.prefix(item, index(f, i)); ok && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// prefix decodes a network in CIDR form or one address.
func (p *parser) prefix(n *yaml.Node, f string) (netip.Prefix, bool) {
	x, why := ParsePrefix(p.text(n, f))
	if why != "" {
		p.bad(n, f, "%s", why)
	}
	return x, why == ""
}

// ParsePrefix reads an address or a CIDR network, strictly; why says what is
// wrong with it, or is empty. Host bits would leave open whether the address
// or the network was meant, so they are refused.
func ParsePrefix(s string) (x netip.Prefix, why string) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return x, "must not have a zone"
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
		return x, "has host bits set; write " + x.Masked().String() + ", or the address alone"
	}
	return x, ""
}

func (p *parser) exempt(n *yaml.Node, f string) (out []Exempt) {
	for i, item := range p.list(n, f) {
		f := index(f, i)
		e := Exempt{Until: NoTime}
		if item.Kind == yaml.ScalarNode {
			if x, ok := p.prefix(item, f); ok {
				e.Clients = []netip.Prefix{x}
			}
		} else {
			seen := false
			p.object(item, f, map[string]func(*yaml.Node, string){
				"clients": func(n *yaml.Node, f string) {
					seen = true
					if n.Kind != yaml.ScalarNode {
						e.Clients = p.prefixes(n, f)
					} else if x, ok := p.prefix(n, f); ok {
						e.Clients = []netip.Prefix{x}
					}
				},
				"until":     func(n *yaml.Node, f string) { e.Until = p.time(n, f, endOfDay) },
				"reference": func(n *yaml.Node, f string) { e.Reference = p.text(n, f) },
			})
			if !seen {
				p.fault(item, join(f, "clients"), "is required")
			}
		}
		if len(e.Clients) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func (p *parser) response(n *yaml.Node, f string) (r Response) {
	if n.Kind != yaml.MappingNode {
		r.Kind = choice(&p.decoder, n, f, []string{"nxdomain", "nodata", "refused", "{redirect: [address]}"}, NXDOMAIN, NODATA, Refused, ResponseUnset)
		return r
	}
	p.object(n, f, map[string]func(*yaml.Node, string){
		"redirect": func(n *yaml.Node, f string) {
			r.Kind = Redirect
			for i, item := range p.list(n, f) {
				a, err := netip.ParseAddr(p.text(item, index(f, i)))
				if err != nil || a.Zone() != "" || a.Is4In6() || a.IsMulticast() {
					p.bad(item, index(f, i), "must be an IPv4 or IPv6 address")
				} else if !slices.Contains(r.Addresses, a) {
					r.Addresses = append(r.Addresses, a)
				}
			}
			if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
				p.fault(n, f, "needs at least one address")
			}
		},
	})
	if r.Kind == ResponseUnset {
		p.fault(n, f, "must be nxdomain, nodata, refused or {redirect: [address]}")
	}
	return r
}

func (p *parser) language(n *yaml.Node, f string) string {
	s := p.text(n, f)
	if _, err := language.Parse(s); err != nil {
		p.bad(n, f, "must be a BCP 47 language tag such as en or uk")
	}
	return s
}

func (p *parser) contact(n *yaml.Node, f string) []string {
	uris := p.texts(n, f)
	for i, u := range uris {
		if u != "" && !ContactURI(u) {
			p.bad(n.Content[i], index(f, i), "must be a mailto: or tel: URI")
		}
	}
	return uris
}

// ContactURI reports whether u may stand as a contact in a structured DNS
// error: a mailto: or tel: URI with something behind the scheme.
func ContactURI(u string) bool {
	parsed, err := url.Parse(u)
	return err == nil && (parsed.Scheme == "mailto" || parsed.Scheme == "tel") && parsed.Opaque != ""
}

func (p *parser) httpsURL(n *yaml.Node, f string) string {
	s := p.text(n, f)
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
		p.bad(n, f, "must be an https URL")
	}
	return s
}

func (p *parser) databases(n *yaml.Node, f string) (out []FilteringDatabase) {
	for i, item := range p.list(n, f) {
		var db FilteringDatabase
		p.object(item, index(f, i), map[string]func(*yaml.Node, string){
			"db": func(n *yaml.Node, f string) { db.DB = p.text(n, f) },
			"id": func(n *yaml.Node, f string) { db.ID = p.text(n, f) },
		})
		if db.DB == "" || db.ID == "" {
			p.fault(item, index(f, i), "needs both db and id")
		}
		out = append(out, db)
	}
	return out
}

func (p *parser) document(n *yaml.Node, f string) *Document {
	doc := &Document{}
	p.object(n, f, map[string]func(*yaml.Node, string){
		"sha256":      func(n *yaml.Node, f string) { doc.SHA256 = p.sha256(n, f) },
		"verified_by": func(n *yaml.Node, f string) { doc.VerifiedBy = p.text(n, f) },
		"approved_by": func(n *yaml.Node, f string) { doc.ApprovedBy = p.text(n, f) },
		"note":        func(n *yaml.Node, f string) { doc.Note = p.text(n, f) },
	})
	return doc
}

// idPattern is what an order's id looks like.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,128}$`)
