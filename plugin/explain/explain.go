// Package explain explains why a name is blocked or passes. blocklistctl explains its order files,
// and a server explains its orders in force. A server has only compiled orders, so its explanations
// have fewer facts.
package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Facts contains the orders of an explanation.
type Facts struct {
	Set *ruleset.Set
	// Whole returns the parsed order with an id. The result is nil if only the compiled order
	// exists.
	Whole func(id string) *order.Order
	// Hidden reports whether the id and the targets of the order must stay secret.
	Hidden func(*ruleset.Order) bool
	// Sealed is true if the explanation may show the targets of sealed (secret) orders.
	Sealed bool
	// Zone returns the time zone of an order file. The parameter is the path of the file.
	Zone func(path string) *time.Location
	// AllZone is the time zone of all order files. Nil means unknown.
	AllZone      *time.Location
	Now          order.Time
	Past, Future bool
	Journal      *Journal
}

// A Journal describes the orders in force on a server at a past time.
type Journal struct {
	Stopped bool     // the server did not run at that time
	Doubt   bool     // the orders are perhaps not complete, or the server perhaps did not run
	Notes   []string // facts about the source of the orders
	// First returns the start of the interval in which the order was in force. The start may be
	// zero.
	First func(id string) time.Time
	// Held returns the reason why the server held a target. The result is empty if the server did not
	// hold the target.
	Held func(id, target string) string
}

// A Server contains the settings of a server. Block is nil if the Corefile is unknown.
type Server struct {
	*directive.Config
	Block *directive.Block
	// Running is true if a running server makes the explanation. A running server can use the geoip
	// database.
	Running bool
}

// A Client is the client of a query.
type Client struct {
	ruleset.Client
	// AnyCountry is true if the client's country is unknown.
	AnyCountry bool
	// AnyAddress is true if the client's address is unknown.
	AnyAddress bool
	// FromPlaces is true if the country comes from the property country or home of the Corefile.
	FromPlaces bool
}

// NewClient returns a client. The zero address means an unknown address.
func NewClient(addr netip.Addr, country order.Country) Client {
	return Client{Client: ruleset.Client{Addr: addr.Unmap().WithZone(""), Country: country}, AnyAddress: !addr.IsValid()}
}

// Text describes the client, for example "a client in IT".
func (cl *Client) Text(s *directive.Config) string {
	in := " of unknown country"
	if cl.Country != "" {
		in = " in " + string(cl.Country)
	}
	switch {
	case !cl.AnyAddress:
		return "client " + cl.Addr.String() + in
	case cl.FromPlaces && s.Places.Any:
		return "a client outside the country networks of the Corefile," + in
	}
	return "a client" + in
}

// A Query is the query of an explanation.
type Query struct {
	Name dname.Name
	Type uint16
	// EDNS is true for a query with an OPT record. DO asks for DNSSEC records. Structured asks for
	// structured DNS errors.
	EDNS, DO, Structured bool
	Size                 uint16 // the EDNS buffer size in octets
}

// Begin returns an explanation without a verdict. It contains notes about unknown facts.
func Begin(f *Facts, s *Server, q *Query, cl *Client) *Explanation {
	out := &Explanation{Name: q.Name.String(), At: f.Now.String(), Client: cl.Text(s.Config), Type: dns.Type(q.Type).String(),
		Others: []Reason{}, Recorded: []Reason{}, now: f.Now, zone: f.AllZone, past: f.Past && f.Journal == nil, future: f.Future, running: s.Running, journal: f.Journal}
	if s.Block != nil {
		out.Block = s.Block.String()
	}
	out.Notes = notes(s, cl, out)
	return out
}

// Elsewhere completes an explanation without a verdict. The note says why the server block does not
// decide about the name.
func (out *Explanation) Elsewhere(cl *Client, note string) {
	out.Notes = append(out.Notes, note)
	out.forAll(cl, true)
}

// Decide adds the verdict and its reasons to the explanation.
func (out *Explanation) Decide(f *Facts, s *Server, query *Query, cl *Client) {
	x := &explainer{f, cl.Client}
	var q ruleset.QName
	q.SetName(query.Name)
	q.Service = answer.ServiceLabels(&q, query.Type)
	v, reasons := f.Set.Explain(&q, cl.Client, f.Now)
	out.Blocked = v.Blocked() && !s.Store.Shadow
	out.zone = x.textZone(reasons)
	for _, r := range reasons {
		x.heldInPast(r, out)
		switch {
		case r.Why != ruleset.Decides:
			out.Others = append(out.Others, x.reason(r))
		case s.Store.Shadow:
			shadowed := x.reason(r)
			shadowed.Reason, shadowed.Text = "shadow", "in force, but the server block is in shadow: it decides and counts, and changes no answer"
			out.Others = append(out.Others, shadowed)
		default:
			x.decided(r, out)
		}
	}
	if s.Store.Shadow {
		out.forAll(cl, true)
	} else {
		groups, all := x.groups(s, &q, cl, reasons)
		if len(groups) > 1 {
			out.Groups = groups
		}
		out.groupsText = groupsText(groups, all)
		out.some = cl.AnyAddress && cl.AnyCountry && !out.Blocked && slices.ContainsFunc(groups, func(g Group) bool { return g.Blocked })
		out.forAll(cl, all && sameForAll(groups) && (cl.AnyCountry || cl.FromPlaces))
	}
	switch {
	case s.Store.Shadow:
		out.Notes = append(out.Notes, "the server block is in shadow: no order changes an answer")
	case out.Blocked && s.Block != nil && s.Block.Rewrite:
		out.Notes = append(out.Notes, "the rewrite plugin of the server block is above blocklist: a name that it rewrites is decided under the new name")
	case !out.Blocked && !s.AnswersOff:
		out.Notes = append(out.Notes, "the server also decides about names that an answer leads to, for example by CNAME; explain does not look them up")
	}
	if !out.Blocked {
		return
	}
	if out.Passes = answer.Passes(query.Type, v.Subtree); out.Passes {
		return
	}
	size := dns.MinMsgSize
	if query.EDNS {
		size = int(max(query.Size, dns.MinMsgSize))
	}
	m := answer.Build(query.message(), size, v, f.Now.Time(), &s.Answer)
	out.Response, out.Answer = answer.Label(v, query.Type), DigForm(m)
}

func (out *Explanation) forAll(cl *Client, all bool) {
	switch {
	case !all || !cl.AnyAddress || cl.Country != "" && !cl.FromPlaces:
	case out.Blocked:
		out.Client = "every client"
	default:
		out.Client = "any client"
	}
}

func (x *explainer) decided(r ruleset.Reason, out *Explanation) {
	x.dates(r, out)
	out.undated = out.Since+out.NotBefore == ""
	switch {
	case x.Hidden(r.Order):
		out.Since, out.NotBefore, out.Until = "", "", ""
		out.since, out.untilText = "not shown", "not shown"
	case r.After != nil && x.Hidden(r.After):
		out.Since, out.since = "", "not shown"
	}
}

func (x *explainer) dates(r ruleset.Reason, out *Explanation) {
	out.Order, out.Target, out.Until = x.order(r), x.target(r), Until(r.Until)
	zone := x.zone(r.Order)
	if out.untilText = EndOfDay(r.Until, zone); out.untilText == "" {
		out.untilText = "no known end"
	}
	whole := x.Whole(r.Order.ID)
	given := r.Since != order.NoTime && (whole == nil || !out.past || whole.From != order.NoTime || len(whole.Windows) > 0 || r.After != nil)
	if given {
		out.Since, out.since = r.Since.String(), r.Since.StartText(zone)
		if r.After != nil {
			out.since += fmt.Sprintf(", when lift %q ended", x.label(r.After))
		}
		return
	}
	if out.journal != nil {
		if t := out.journal.First(r.Order.ID); !t.IsZero() {
			at := order.Time(t.Unix())
			out.Since, out.since = at.String(), at.StartText(zone)+", when the server first had the order in force"
			return
		}
	}
	if whole == nil {
		out.since = "unknown: the order has no from"
		return
	}
	out.since = "unknown: the order has no from, served or issued"
	if t, field := FirstDate(whole); t != order.NoTime {
		out.NotBefore = t.String()
		out.since = fmt.Sprintf("unknown, because the order has no from; not before %s (%s)", t.StartText(zone), field)
	}
}

func (x *explainer) heldInPast(r ruleset.Reason, out *Explanation) {
	if out.journal == nil || r.Why != ruleset.Decides && r.Why != ruleset.OutOfScope && r.Why != ruleset.ExemptClient {
		return
	}
	if why := out.journal.Held(r.Order.ID, r.Match.Pattern(r.Target)); why != "" {
		out.held = true
		note := fmt.Sprintf("the journal says that the server held order %q and did not enforce the order for this name", x.label(r.Order))
		if !x.Hidden(r.Order) {
			note += ": " + why
		}
		out.Notes = append(out.Notes, note)
	}
}

// notes returns notes about facts that are unknown.
func notes(s *Server, cl *Client, out *Explanation) (notes []string) {
	if out.journal != nil {
		notes = append(notes, out.journal.Notes...)
	}
	if out.past {
		notes = append(notes, "decided by the present order files; at that time the files may have been different")
	}
	if out.future {
		notes = append(notes, "decided by the present order files, which may change before that time")
	}
	if s.Block == nil {
		notes = append(notes, "without --corefile, the settings of the server are unknown, for example country, home and protect")
		return notes
	}
	if s.Block.GeoIP && cl.AnyCountry {
		note := "the geoip plugin of the server block gives the country of clients; explain does not read its database"
		if s.Running {
			note = "the geoip plugin of the server block gives the country of clients, so the country of a client without an address is unknown"
		}
		if s.Places.Home != "" {
			note += fmt.Sprintf("; clients without a country from geoip are in %s (home)", s.Places.Home)
		}
		notes = append(notes, note)
	}
	if cl.Addr.IsValid() && s.ECSFrom.Contains(cl.Addr) {
		notes = append(notes, "the client is in ecs_from: if the query has a client subnet, the subnet gives the country, not the address")
	}
	if s.Block.View {
		notes = append(notes, "the view plugin decides which queries the server block receives; explain does not evaluate its expression")
	}
	return notes
}

// message returns the query as a message.
func (q *Query) message() *dns.Msg {
	m := new(dns.Msg)
	m.RecursionDesired = true
	m.Question = []dns.Question{{Name: q.Name.FQDN(), Qtype: q.Type, Qclass: dns.ClassINET}}
	if q.EDNS {
		m.SetEdns0(max(q.Size, dns.MinMsgSize), q.DO)
		if q.Structured {
			opt := m.IsEdns0()
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{})
		}
	}
	return m
}

// ParseType returns the query type for a name like A or HTTPS. The name may be in upper or lower
// case.
func ParseType(name string) (uint16, bool) {
	t, ok := dns.StringToType[strings.ToUpper(name)]
	return t, ok
}
