package chain

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestStrangersSubnet(t *testing.T) {
	for _, geoip := range []string{"", "geoip $GEO/city.mmdb", "geoip $GEO/city.mmdb {\nedns-subnet\n}"} {
		for _, properties := range []string{"home IT", "home FR", "country IT 127.0.1.0/24", ""} {
			if geoip == "" && properties == "" {
				continue // nothing would give the country of clients
			}
			t.Run(strings.NewReplacer("$GEO/", "", "\n", " ").Replace(geoip+", "+properties), func(t *testing.T) {
				s := startPlaced(t, exampleOrders(t), "metadata\n"+geoip+"\nblocklist $DIR/orders.yaml {\n"+properties+"\necs_from 127.0.8.1\n}")
				for _, client := range []string{italian, french, nowhere, unknown, "127.0.1.77"} {
					for _, name := range []string{"kickasstorrents.to.", "leads.cdn.net.", "stays.cdn.net."} {
						want := brief(s.from(client, name, ""))
						for _, subnet := range []string{"0.0.0.0/0", "::/0", "127.0.1.0/24", "127.0.2.0/24", "2001:db8:1::/56", "2001:db8:2::/56",
							"203.0.113.0/24", "127.0.1.77/32", "127.0.8.1/32"} {
							if got := brief(s.from(client, name, subnet)); got != want {
								t.Errorf("%s, %s, +subnet=%s\n got %s\nwant %s", client, name, subnet, got, want)
							}
						}
					}
				}
			})
		}
	}
}

// The subnets come from a forwarder in France. For the subnet 0.0.0.0/0, the country of the
// forwarder decides.
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
	blocked := func(name string) string { return "NXDOMAIN rd ra; SOA " + name + " 30; EDE 16 Blocked by order of A" }
	type want struct {
		answer string
		scope  bool // whether the reply contains the subnet, with SCOPE = SOURCE
	}
	for _, geoip := range []string{"geoip $GEO/city.mmdb", "geoip $GEO/city.mmdb {\nedns-subnet\n}", "country"} {
		properties := "ecs_from 127.0.2.53"
		if geoip == "country" {
			geoip, properties = "", properties+"\ncountry IT 127.0.1.0/24 2001:db8:1::/48\ncountry FR 127.0.2.0/24 2001:db8:2::/48"
		}
		t.Run(strings.NewReplacer("$GEO/", "", "\n", " ").Replace(geoip+", "+properties), func(t *testing.T) {
			s := startPlaced(t, orders, "metadata\n"+geoip+"\nblocklist $DIR/orders.yaml {\n"+properties+"\n}")
			for _, tc := range []struct {
				name           string
				italian, other want
			}{
				{"kickasstorrents.to.", want{blocked("kickasstorrents.to."), true}, want{passes("kickasstorrents.to."), true}},
				{"www.kickasstorrents.to.", want{blocked("kickasstorrents.to."), true}, want{passes("www.kickasstorrents.to."), true}},
				{"leads.cdn.net.", want{"NOERROR rd ra; SOA leads.cdn.net. 30; EDE 16 Blocked by order of A", true},
					want{free, true}},
				{"stays.cdn.net.", want{stays, false}, want{stays, false}},
				{"via.cdn.net.", want{blocked("via.cdn.net."), true}, want{"NOERROR rd ra; SOA via.cdn.net. 30; EDE 16 Blocked by order of A", true}},
				{"soon.example.", want{passes("soon.example."), true}, want{passes("soon.example."), true}},
				{"all.example.", want{blocked("all.example."), false}, want{blocked("all.example."), false}},
				{"free.example.", want{passes("free.example."), false}, want{passes("free.example."), false}},
				// Networks in orders apply to the sender's address, not to the subnet.
				{"network.example.", want{passes("network.example."), false}, want{passes("network.example."), false}},
			} {
				for range 2 {
					for _, subnet := range []string{"127.0.2.0/24", "127.0.1.0/24", "2001:db8:2:500::/56", "2001:db8:1:500::/56", "127.0.1.77/32", "203.0.113.0/24",
						"::ffff:127.0.1.0/120", "::ffff:127.0.2.0/120", "0.0.0.0/0", "::/0"} {
						w := tc.other
						if slices.Contains([]string{"127.0.1.0/24", "2001:db8:1:500::/56", "127.0.1.77/32", "::ffff:127.0.1.0/120"}, subnet) {
							w = tc.italian
						}
						answer := w.answer
						if w.scope {
							answer += scope(t, subnet)
						}
						if got := brief(s.from(forwarder, tc.name, subnet)); got != answer {
							t.Errorf("%s for %s\n got %s\nwant %s", tc.name, subnet, got, answer)
						}
					}
				}
			}
			for subnet, answer := range map[string]string{"127.0.2.0/24": passes("lifted.example."), "127.0.1.0/24": blocked("lifted.example."), "0.0.0.0/0": passes("lifted.example.")} {
				answer += scope(t, subnet)
				if got := brief(s.from(forwarder, "lifted.example.", subnet)); got != answer {
					t.Errorf("lifted.example. for %s\n got %s\nwant %s", subnet, got, answer)
				}
			}
			if got, want := brief(s.from(forwarder, "kickasstorrents.to.", "")), passes("kickasstorrents.to."); got != want {
				t.Errorf("the forwarder itself\n got %s\nwant %s", got, want)
			}
		})
	}
	t.Run("names that pass", func(t *testing.T) {
		with, without := pair(t, "", "127.0.0.1", []string{`
blocklist $DIR/scoped.yaml {
    country IT 198.51.100.0/24
    home FR
    ecs_from 127.0.0.1/32
}
forward . $UPSTREAM`}, map[string]string{"scoped.yaml": orders})
		for _, q := range passing {
			same(t, with, without, q, overUDP)
		}
	})
}

func scope(t *testing.T, subnet string) string {
	t.Helper()
	sent := parseQuery(t, "example. A +subnet="+subnet).IsEdns0().Option[0].(*dns.EDNS0_SUBNET)
	return fmt.Sprintf("; ECS %s/%d/%d", sent.Address, sent.SourceNetmask, sent.SourceNetmask)
}
