package main

import (
	"net/netip"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// who is the client that a command judges for.
type who struct {
	Client  string `placeholder:"IP" help:"The client's address. Without it, a client that is in no network."`
	Country string `placeholder:"CC" help:"The client's country. Without it, a client whose country is unknown."`
}

func (w *who) client() (c ruleset.Client, err error) {
	if w.Client != "" {
		if c.Addr, err = netip.ParseAddr(w.Client); err != nil {
			return c, misuse("--client must be an IP address, got %q", w.Client)
		}
		c.Addr = c.Addr.Unmap().WithZone("")
	}
	if w.Country != "" {
		cc, ok := order.ParseCountry(w.Country)
		if !ok || cc == order.EU {
			return c, misuse("--country must be an ISO 3166-1 alpha-2 code, got %q", w.Country)
		}
		c.Country = cc
	}
	return c, nil
}

func (w *who) String() string {
	switch {
	case w.Client != "" && w.Country != "":
		return "client " + w.Client + " in " + strings.ToUpper(w.Country)
	case w.Client != "":
		return "client " + w.Client
	case w.Country != "":
		return "a client in " + strings.ToUpper(w.Country)
	}
	return "any client"
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

// terms are the Corefile's properties that an answer depends on.
type terms struct {
	Response     string        `default:"nxdomain" placeholder:"KIND" help:"Corefile's response: nxdomain, nodata, refused, or addresses to redirect to, parted by commas."`
	TTL          time.Duration `name:"ttl" default:"30s" help:"Corefile's ttl."`
	Organization string        `placeholder:"NAME" help:"Corefile's organization."`
	Contact      []string      `placeholder:"URI" help:"Corefile's contact."`
	Language     string        `default:"en" help:"Corefile's language."`
	SDEOption    uint16        `name:"sde-option" placeholder:"CODE" help:"Corefile's sde_option."`
}

func (t *terms) response() (r order.Response, err error) {
	kinds := map[string]order.ResponseKind{"nxdomain": order.NXDOMAIN, "nodata": order.NODATA, "refused": order.Refused}
	if r.Kind = kinds[t.Response]; r.Kind != order.ResponseUnset {
		return r, nil
	}
	r.Kind = order.Redirect
	for s := range strings.SplitSeq(t.Response, ",") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" || a.Is4In6() || a.IsMulticast() {
			return r, misuse("--response must be nxdomain, nodata, refused or addresses, got %q", t.Response)
		}
		r.Addresses = append(r.Addresses, a)
	}
	return r, nil
}

func (t *terms) config() (*answer.Config, error) {
	if t.TTL < 0 || t.TTL > order.MaxTTL {
		return nil, misuse("--ttl must be from 0s to %s, got %q", order.MaxTTL, t.TTL)
	}
	for _, u := range t.Contact {
		if !order.ContactURI(u) {
			return nil, misuse("--contact must be a mailto: or tel: URI, got %q", u)
		}
	}
	return &answer.Config{TTL: t.TTL, Organization: t.Organization, Contact: t.Contact, Language: t.Language, SDEOption: t.SDEOption}, nil
}
