package main

import (
	"cmp"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// who is the client that a command judges for.
type who struct {
	Client  string `placeholder:"IP" help:"The client's address. With --corefile, the Corefile's country and home place the client."`
	Country string `placeholder:"CC" help:"The client's country."`
}

// asking is a client, and what is known of the client.
type asking struct {
	ruleset.Client
	// anyCountry and anyAddress: the client may have any country or address that is not
	// known here. The fields of Client are then those of a client in no scope.
	anyCountry, anyAddress bool
	// fromPlaces: the Corefile's country and home say in which country the client is.
	fromPlaces bool
	// text names the client in a sentence.
	text string
}

// client returns the client of the flags, placed as s places its clients.
func (w *who) client(s *server) (a asking, err error) {
	if w.Client != "" {
		if a.Addr, err = netip.ParseAddr(w.Client); err != nil {
			return a, misuse("--client must be an IP address, got %q", w.Client)
		}
		a.Addr = a.Addr.Unmap().WithZone("")
	}
	a.anyAddress = !a.Addr.IsValid()
	switch {
	case w.Country != "":
		cc, ok := order.ParseCountry(w.Country)
		if !ok || cc == order.EU {
			return a, misuse("--country must be an ISO 3166-1 alpha-2 code, got %q", w.Country)
		}
		a.Country = cc
	case s.block == nil:
		a.anyCountry = true
	default:
		a.Country, a.anyCountry = s.place(a.Addr)
		a.fromPlaces = true
	}
	switch in := countryText(a.Country); {
	case !a.anyAddress:
		a.text = "client " + a.Addr.String() + in
	case a.fromPlaces && s.Places.Any:
		a.text = "a client outside the country networks of the Corefile," + in
	default:
		a.text = "a client" + in
	}
	return a, nil
}

// place returns the country in which the server places a client. It reports whether the
// country is not known, since the geoip database, which is not read here, decides. An
// invalid address means a client in no network of the Corefile.
func (s *server) place(a netip.Addr) (cc order.Country, unknown bool) {
	where := netip.Prefix{}
	if a.IsValid() {
		where = netip.PrefixFrom(a, a.BitLen())
	}
	cc = s.Places.Country(where, func() string { unknown = s.block.GeoIP; return "" })
	if unknown {
		return "", true
	}
	return cc, false
}

// countryText says in which country a client is.
func countryText(cc order.Country) string {
	if cc == "" {
		return " of unknown country"
	}
	return " in " + string(cc)
}

// askedName reads a name to be asked about.
func askedName(what, s string) (dname.Name, error) {
	if _, err := netip.ParseAddr(strings.TrimSuffix(s, ".")); err == nil {
		return dname.Name{}, misuse("%s is an IP address: only names can be asked about yet, got %q", what, s)
	}
	name, err := dname.Parse(s)
	if err != nil {
		return name, misuse("%s %v, got %q", what, err, s)
	}
	return name, nil
}

// askedHost is askedName, and takes a URL too, of which askedHost reads the host.
func askedHost(what, s string) (dname.Name, error) {
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		return askedName(what, u.Hostname())
	}
	return askedName(what, s)
}

// nameAndOrders parts the arguments into the name and ORDERS. The name comes first, unless
// only the last argument does not look like an order file.
func nameAndOrders(args []string) (name string, orders []string) {
	last := len(args) - 1
	if last > 0 && likeOrders(args[0]) && !likeOrders(args[last]) {
		return args[last], args[:last]
	}
	return args[0], args[1:]
}

// likeOrders reports whether an argument is a file or directory that is there, a glob, or
// has the ending of an order file.
func likeOrders(arg string) bool {
	if strings.Contains(arg, "://") {
		return false
	}
	_, err := os.Stat(arg)
	return err == nil || strings.ContainsAny(arg, "*?[") || slices.Contains(order.Extensions, order.Ext(arg))
}

// terms are the Corefile's properties that an answer depends on. Each is unset by default.
type terms struct {
	Response     string         `placeholder:"KIND" help:"The Corefile's response: ${responses} to redirect to, separated by commas; by default nxdomain."`
	TTL          *time.Duration `name:"ttl" placeholder:"DURATION" help:"Corefile's ttl (default 30s)."`
	Organization string         `placeholder:"NAME" help:"Corefile's organization."`
	Contact      []string       `placeholder:"URI" help:"Corefile's contact."`
	Language     string         `placeholder:"TAG" help:"Corefile's language (default en)."`
	SDEOption    uint16         `name:"sde-option" placeholder:"CODE" help:"Corefile's sde_option."`
}

// apply puts the terms into the settings of a server. With a Corefile, the Corefile alone
// says what they are.
func (t *terms) apply(s *server) error {
	if s.block != nil {
		if t.Response != "" || t.TTL != nil || t.Organization != "" || t.Contact != nil || t.Language != "" || t.SDEOption != 0 {
			return misuse("--response, --ttl, --organization, --contact, --language and --sde-option exclude --corefile: the Corefile has them")
		}
		return nil
	}
	response, err := t.response()
	if err != nil {
		return err
	}
	s.Store.Rules.Response = response
	if t.TTL != nil {
		if *t.TTL < 0 || *t.TTL > order.MaxTTL {
			return misuse("--ttl must be from 0s to %s, got %q", order.MaxTTL, *t.TTL)
		}
		s.Answer.TTL = *t.TTL
	}
	for _, u := range t.Contact {
		if !order.ContactURI(u) {
			return misuse("--contact must be a mailto: or tel: URI, got %q", u)
		}
	}
	s.Answer = answer.Config{TTL: s.Answer.TTL, Organization: t.Organization, Contact: t.Contact,
		Language: or(t.Language, s.Answer.Language), SDEOption: t.SDEOption}
	return nil
}

func (t *terms) response() (r order.Response, err error) {
	if r.Kind, _ = order.ParseResponseKind(cmp.Or(t.Response, order.NXDOMAIN.String())); r.Kind != order.ResponseUnset && r.Kind != order.Redirect {
		return r, nil
	}
	r.Kind = order.Redirect
	for s := range strings.SplitSeq(t.Response, ",") {
		a, ok := order.ParseRedirect(s)
		if !ok {
			return r, misuse("--response must be %s, got %q", order.ResponseForms("addresses"), t.Response)
		}
		r.Addresses = append(r.Addresses, a)
	}
	return r, nil
}
