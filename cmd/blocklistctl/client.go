package main

import (
	"cmp"
	"net/netip"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/order"
)

type clientFlags struct {
	Client  string `placeholder:"IP" help:"The address of the client. With --corefile, it also gives the country of the client."`
	Country string `placeholder:"CC" help:"The country of the client."`
}

func (w *clientFlags) client(s *server) (a explain.Client, err error) {
	var addr netip.Addr
	if w.Client != "" {
		if addr, err = netip.ParseAddr(w.Client); err != nil {
			return a, misuse("--client must be an IP address, got %q", w.Client)
		}
	}
	a = explain.NewClient(addr, "")
	switch {
	case w.Country != "":
		if a.Country, err = clientCountry(w.Country); err != nil {
			return a, err
		}
	case s.block == nil:
		a.AnyCountry = true
	default:
		a.Country, a.AnyCountry = s.place(a.Addr)
		a.FromPlaces = true
	}
	return a, nil
}

func clientCountry(s string) (order.Country, error) {
	cc := order.CountryNamed(s)
	if cc == "" || cc == order.EU {
		return "", misuse("--country must be a country, or its code of two letters (ISO 3166-1 alpha-2), got %q", s)
	}
	return cc, nil
}

// The second result is true if a server would ask the geoip plugin for the country.
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

// These flags replace properties of a Corefile, for example --ttl.
type terms struct {
	Response     string         `placeholder:"KIND" help:"The response property: ${responses} to redirect to, separated by commas (default nxdomain)."`
	TTL          *time.Duration `name:"ttl" placeholder:"DURATION" help:"The ttl property (default 30s)."`
	Organization string         `placeholder:"NAME" help:"The organization property."`
	Contact      []string       `placeholder:"URI" help:"The contact property."`
	Language     string         `placeholder:"TAG" help:"The language property (default en)."`
	SDEOption    uint16         `name:"sde-option" placeholder:"CODE" help:"The sde_option property."`
}

// With a Corefile, these flags are an error.
func (t *terms) apply(s *server) error {
	if s.block != nil {
		if t.given() {
			return misuse("--response, --ttl, --organization, --contact, --language and --sde-option cannot be used with --corefile, because the Corefile has these settings")
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
		Language: cmp.Or(t.Language, s.Answer.Language), SDEOption: t.SDEOption}
	return nil
}

// given reports whether any of the flags is set.
func (t *terms) given() bool {
	return t.Response != "" || t.TTL != nil || t.Organization != "" || t.Contact != nil || t.Language != "" || t.SDEOption != 0
}

// response parses --response.
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
