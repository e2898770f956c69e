package blocklist

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// withSubnet returns a query with an EDNS client subnet.
func withSubnet(name, subnet string) *dns.Msg {
	p := netip.MustParsePrefix(subnet)
	s := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice()}
	if p.Addr().Is6() {
		s.Family = 2
	}
	m := query(name)
	m.IsEdns0().Option = []dns.EDNS0{s}
	return m
}

// subnets returns the client subnets of a reply with their scopes.
func subnets(m *dns.Msg) (out []string) {
	if o := m.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if s, ok := opt.(*dns.EDNS0_SUBNET); ok {
				out = append(out, s.String())
			}
		}
	}
	return out
}

// TestStrangersSubnet checks that a client subnet from an untrusted peer changes nothing. The
// place of the client and the settings of geoip do not matter.
func TestStrangersSubnet(t *testing.T) {
	for _, geoip := range []string{"", "geoip $DIR/city.mmdb", "geoip $DIR/city.mmdb {\nedns-subnet\n}"} {
		for _, properties := range []string{"home IT", "home FR", "country IT 127.0.1.0/24", ""} {
			if geoip == "" && properties == "" {
				continue // no source of countries
			}
			t.Run(strings.NewReplacer("$DIR/", "", "\n", " ").Replace(geoip+", "+properties), func(t *testing.T) {
				s := startPlaced(t, exampleOrders(t), "metadata\n"+geoip+"\nblocklist $DIR/orders.yaml {\n"+properties+"\necs_from 127.0.8.1\n}")
				for _, client := range []string{italian, french, nowhere, unknown, "127.0.1.77"} {
					for _, name := range []string{"kickasstorrents.to.", "leads.cdn.net.", "stays.cdn.net."} {
						want := brief(s.from(client, query(name)))
						for _, subnet := range []string{"0.0.0.0/0", "::/0", "127.0.1.0/24", "127.0.2.0/24", "2001:db8:1::/56", "2001:db8:2::/56",
							"203.0.113.0/24", "127.0.1.77/32", "127.0.8.1/32"} {
							m := s.from(client, withSubnet(name, subnet))
							if got := brief(m); got != want {
								t.Errorf("%s, %s, +subnet=%s\n got %s\nwant %s", client, name, subnet, got, want)
							}
							if echo := subnets(m); echo != nil {
								t.Errorf("%s, %s, +subnet=%s: the reply has the subnet %s", client, name, subnet, echo)
							}
						}
					}
				}
			})
		}
	}
}

// TestTrustedSubnet checks the client subnets that a trusted forwarder sends. The forwarder
// itself is in France. Its own country counts only for queries without a subnet or with a
// subnet of length 0.
func TestTrustedSubnet(t *testing.T) {
	const orders = `version: 1
defaults: {authority: {name: A}}
orders:
- {id: italy, scope: {countries: [IT]}, targets: [kickasstorrents.to, via.cdn.net, {name: soon.example, from: 2098-01-01}]}
- {id: all, scope: global, issued: 2026-01-01, targets: [all.example, lifted.example]}
- {id: lift, action: lift, issued: 2026-01-02, scope: {countries: [FR]}, targets: [lifted.example]}
- {id: network, scope: {clients: [127.0.1.0/24]}, targets: [network.example]}
`
	const forwarder = "127.0.2.53"
	blocked := func(name string) string { return "NXDOMAIN SOA " + name + " 30 EDE Censored Blocked by order of A" }
	type want struct {
		answer string
		scope  bool // the reply has the subnet, with SCOPE = SOURCE
	}
	for _, geoip := range []string{"geoip $DIR/city.mmdb", "geoip $DIR/city.mmdb {\nedns-subnet\n}", "country"} {
		properties := "ecs_from 127.0.2.53"
		if geoip == "country" {
			geoip, properties = "", properties+"\ncountry IT 127.0.1.0/24 2001:db8:1::/48\ncountry FR 127.0.2.0/24 2001:db8:2::/48"
		}
		t.Run(strings.NewReplacer("$DIR/", "", "\n", " ").Replace(geoip+", "+properties), func(t *testing.T) {
			s := startPlaced(t, orders, "metadata\n"+geoip+"\nblocklist $DIR/orders.yaml {\n"+properties+"\n}")
			for _, tc := range []struct {
				name           string
				italian, other want
			}{
				{"kickasstorrents.to.", want{blocked("kickasstorrents.to."), true}, want{passed, true}},
				{"www.kickasstorrents.to.", want{blocked("kickasstorrents.to."), true}, want{passed, true}},
				{"leads.cdn.net.", want{"NOERROR SOA leads.cdn.net. 30 EDE Censored Blocked by order of A", true},
					want{"NOERROR more.cdn.net. kickasstorrents.to. 192.0.2.80 SOA cdn.net. 60", true}},
				{"stays.cdn.net.", want{"NOERROR free.example. 192.0.2.80 SOA cdn.net. 60", false}, want{"NOERROR free.example. 192.0.2.80 SOA cdn.net. 60", false}},
				// This name leads to a name that is blocked for all clients. The name itself
				// is blocked for some clients only.
				{"via.cdn.net.", want{blocked("via.cdn.net."), true}, want{"NOERROR SOA via.cdn.net. 30 EDE Censored Blocked by order of A", true}},
				{"soon.example.", want{passed, true}, want{passed, true}},
				{"all.example.", want{blocked("all.example."), false}, want{blocked("all.example."), false}},
				{"free.example.", want{passed, false}, want{passed, false}},
				// The networks of an order are compared with the peer's address, which is in
				// none of them.
				{"network.example.", want{passed, false}, want{passed, false}},
			} {
				// The second round gets its answers from the cache, and they must be the same.
				for range 2 {
					for _, subnet := range []string{"127.0.2.0/24", "127.0.1.0/24", "2001:db8:2:500::/56", "2001:db8:1:500::/56", "127.0.1.77/32", "203.0.113.0/24",
						"::ffff:127.0.1.0/120", "::ffff:127.0.2.0/120", "0.0.0.0/0", "::/0"} {
						w := tc.other
						if slices.Contains([]string{"127.0.1.0/24", "2001:db8:1:500::/56", "127.0.1.77/32", "::ffff:127.0.1.0/120"}, subnet) {
							w = tc.italian
						}
						q := withSubnet(tc.name, subnet)
						m := s.from(forwarder, q)
						if got := brief(m); got != w.answer {
							t.Errorf("%s for %s\n got %s\nwant %s", tc.name, subnet, got, w.answer)
						}
						var echo []string
						if w.scope {
							sent := q.IsEdns0().Option[0].(*dns.EDNS0_SUBNET)
							sent.SourceScope = sent.SourceNetmask
							echo = []string{sent.String()}
						}
						if got := subnets(m); !slices.Equal(got, echo) {
							t.Errorf("%s for %s: the reply has the subnets %s, want %s", tc.name, subnet, got, echo)
						}
					}
				}
			}
			// The lift is for France only, so the blocking answer is scoped, too.
			for subnet, answer := range map[string]string{"127.0.2.0/24": passed, "127.0.1.0/24": blocked("lifted.example."), "0.0.0.0/0": passed} {
				m := s.from(forwarder, withSubnet("lifted.example.", subnet))
				if got := brief(m); got != answer || len(subnets(m)) != 1 {
					t.Errorf("lifted.example. for %s: got %s, subnets %s", subnet, got, subnets(m))
				}
			}
			// Without a subnet the forwarder is the client, and the reply has no subnet.
			if m := s.from(forwarder, query("kickasstorrents.to.")); brief(m) != passed || subnets(m) != nil {
				t.Errorf("the forwarder itself: got %v", m)
			}
		})
	}
}
