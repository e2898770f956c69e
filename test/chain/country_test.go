package chain

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/coredns/coredns/plugin/geoip"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// On Linux, a query can come from every address in 127.0.0.0/8. The network 127.0.9.0/24 has no
// country.
const (
	italian, french, swiss = "127.0.1.1", "127.0.2.1", "127.0.3.1"
	nowhere, unknown       = "127.0.4.1", "127.0.9.1"
)

func geoDB(t *testing.T, dir string) {
	t.Helper()
	asn := mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint64(64496)}
	for file, kind := range map[string]string{"city": "GeoLite2-City", "country": "GeoLite2-Country", "asn": "GeoLite2-ASN"} {
		db, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
		if err != nil {
			t.Fatal(err)
		}
		insert := func(network string, data mmdbtype.Map) {
			if _, x, err := net.ParseCIDR(network); err != nil || db.Insert(x, data) != nil {
				t.Fatal(network, err)
			}
		}
		for network, cc := range map[string]mmdbtype.String{
			"127.0.1.0/24": "IT", "127.0.2.0/24": "FR", "127.0.3.0/24": "CH",
			"2001:db8:1::/48": "IT", "2001:db8:2::/48": "FR",
		} {
			data := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": cc}}
			if file == "asn" {
				data = asn
			}
			insert(network, data)
		}
		data := mmdbtype.Map{"continent": mmdbtype.Map{"code": mmdbtype.String("EU")}}
		if file == "asn" {
			data = asn
		}
		insert("127.0.4.0/24", data)
		f, err := os.Create(filepath.Join(dir, file+".mmdb"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.WriteTo(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func startPlaced(t *testing.T, orders, plugins string) *server {
	t.Helper()
	geo := t.TempDir()
	geoDB(t, geo)
	return start(t, "", "127.0.0.1", []string{strings.ReplaceAll(plugins, "$GEO", geo) + `
		cache {
			keepttl
		}
		file $DIR/cdn.zone cdn.net {
			reload 0
		}
		template IN A to example {
			answer "{{ .Name }} 60 IN A 192.0.2.80"
		}
		template IN ANY to example {
			rcode NOERROR
		}`}, map[string]string{
		"orders.yaml": orders,
		// Most of these names lead to ordered names.
		"cdn.zone": "$ORIGIN cdn.net.\n@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns.cdn.net.\n" +
			"leads 60 CNAME more\nmore 60 CNAME kickasstorrents.to.\nstays 60 CNAME free.example.\nvia 60 CNAME all.example.\n",
	})
}

func (s *server) from(client, name, subnet string) *dns.Msg {
	s.t.Helper()
	text := name + " A +from=" + client
	if subnet != "" {
		text += " +subnet=" + subnet
	}
	return unpack(s.t, overUDP(s, text))
}

func exampleOrders(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../orders.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(text), "\nauthorities:", "\ndefaults: {exempt: [127.0.1.77, \"2001:db8:1::77\"]}\nauthorities:", 1)
}

// Answers in the form of the function brief.
const (
	milan = "NXDOMAIN rd ra; SOA kickasstorrents.to. 30; EDE 16 Blocked by order of Court of Milan"
	free  = "NOERROR aa rd; leads.cdn.net. 60 CNAME more.cdn.net.; more.cdn.net. 60 CNAME kickasstorrents.to.; kickasstorrents.to. 60 A 192.0.2.80; NS cdn.net. 60"
	stays = "NOERROR aa rd; stays.cdn.net. 60 CNAME free.example.; free.example. 60 A 192.0.2.80; NS cdn.net. 60"
)

// passes returns the answer for a name that passes.
func passes(name string) string { return "NOERROR aa rd; " + name + " 60 A 192.0.2.80" }

func TestMilan(t *testing.T) {
	for _, tc := range []struct {
		name, geoip, properties string
		blocked                 []string
		passed                  []string
	}{
		{name: "geoip", geoip: "geoip $GEO/city.mmdb",
			blocked: []string{italian}, passed: []string{french, swiss, nowhere, unknown, "127.0.1.77"}},
		{name: "database of countries", geoip: "geoip $GEO/country.mmdb",
			blocked: []string{italian}, passed: []string{french, unknown, "127.0.1.77"}},
		{name: "geoip, home", geoip: "geoip $GEO/city.mmdb", properties: "home IT",
			blocked: []string{italian, nowhere, unknown}, passed: []string{french, "127.0.1.77"}},
		{name: "geoip, abroad", geoip: "geoip $GEO/city.mmdb", properties: "home FR",
			blocked: []string{italian}, passed: []string{french, nowhere, unknown, "127.0.1.77"}},
		{name: "own networks know better", geoip: "geoip $GEO/city.mmdb", properties: "country FR 127.0.1.0/28\ncountry IT 127.0.2.1 127.0.9.0/24",
			blocked: []string{french, unknown, "127.0.1.20"}, passed: []string{italian, "127.0.2.2", nowhere, "127.0.1.77"}},
		{name: "own networks alone", properties: "country IT 127.0.1.0/24",
			blocked: []string{italian}, passed: []string{french, unknown, "127.0.1.77"}},
		{name: "home alone", properties: "home IT",
			blocked: []string{italian, french, unknown}, passed: []string{"127.0.1.77"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startPlaced(t, exampleOrders(t), "metadata\n"+tc.geoip+"\nblocklist $DIR/orders.yaml {\n"+tc.properties+"\n}")
			for range 2 {
				for _, client := range tc.blocked {
					if got := brief(s.from(client, "kickasstorrents.to.", "")); got != milan {
						t.Errorf("%s: got %s", client, got)
					}
				}
				for _, client := range tc.passed {
					if got := brief(s.from(client, "kickasstorrents.to.", "")); got != passes("kickasstorrents.to.") {
						t.Errorf("%s: got %s", client, got)
					}
				}
			}
		})
	}
}

func TestMilanThroughCache(t *testing.T) {
	const blocked = "NOERROR rd ra; SOA leads.cdn.net. 30; EDE 16 Blocked by order of Court of Milan"
	for _, clients := range [][]string{{italian, french, italian, french}, {french, italian, french, italian}} {
		// The file plugin keeps an alias chain that ends in NODATA. It drops a chain that
		// ends in NXDOMAIN.
		for _, response := range []string{"nxdomain", "nodata"} {
			t.Run(clients[0]+" first, "+response, func(t *testing.T) {
				s := startPlaced(t, exampleOrders(t), "metadata\ngeoip $GEO/city.mmdb\nblocklist $DIR/orders.yaml {\nresponse "+response+"\n}")
				for i, client := range clients {
					want := map[string]string{italian: blocked, french: free}[client]
					if got := brief(s.from(client, "leads.cdn.net.", "")); got != want {
						t.Errorf("%s, query %d\n got %s\nwant %s", client, i+1, got, want)
					}
				}
			})
		}
	}
}

func TestEuropeanUnion(t *testing.T) {
	s := startPlaced(t, "version: 1\norders:\n- {id: eu, scope: {countries: [EU]}, authority: {name: Council, country: EU}, targets: [eu.example]}\n",
		"metadata\ngeoip $GEO/city.mmdb\nblocklist $DIR/orders.yaml")
	for client, want := range map[string]int{italian: dns.RcodeNameError, french: dns.RcodeNameError, swiss: 0, nowhere: 0, unknown: 0} {
		if got := s.from(client, "eu.example.", "").Rcode; got != want {
			t.Errorf("%s: got %s, want %s", client, dns.RcodeToString[got], dns.RcodeToString[want])
		}
	}
}

func TestNoCountry(t *testing.T) {
	const orders = `version: 1
defaults: {authority: {name: A}}
orders:
- {id: italy, scope: {countries: [IT]}, targets: [italy.example]}
- {id: either, scope: {countries: [IT], clients: [127.0.2.0/24]}, targets: [either.example]}
- {id: all, scope: global, targets: [all.example]}
`
	for _, tc := range []struct {
		name, plugins, properties string
		held                      bool
	}{
		{name: "nothing", held: true},
		{name: "metadata without geoip", plugins: "metadata", held: true},
		{name: "geoip without metadata", plugins: "geoip $GEO/city.mmdb", held: true},
		{name: "geoip without countries", plugins: "metadata\ngeoip $GEO/asn.mmdb", held: true},
		{name: "geoip", plugins: "metadata\ngeoip $GEO/city.mmdb"},
		{name: "home", properties: "home IT"},
		{name: "country", properties: "country IT 127.0.1.0/24"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := logged(t)
			s := startPlaced(t, orders, tc.plugins+"\nblocklist $DIR/orders.yaml {\n"+tc.properties+"\n}")
			states := map[string]float64{"held": 0, "in_force": 3}
			want := map[string]int{"italy.example.": dns.RcodeNameError, "either.example.": dns.RcodeNameError, "all.example.": dns.RcodeNameError}
			if tc.held {
				states = map[string]float64{"held": 1, "in_force": 2}
				want = map[string]int{"italy.example.": 0, "either.example.": 0, "all.example.": dns.RcodeNameError}
			}
			for name, rcode := range want {
				if got := s.from(italian, name, "").Rcode; got != rcode {
					t.Errorf("%s: got %s, want %s", name, dns.RcodeToString[got], dns.RcodeToString[rcode])
				}
			}
			if got := s.from("127.0.2.1", "either.example.", "").Rcode; got != dns.RcodeNameError {
				t.Errorf("a client that the order names: got %s", dns.RcodeToString[got])
			}
			for state, n := range states {
				if got := orderGauge(t, state); got != n {
					t.Errorf("%v orders are %s, want %v", got, state, n)
				}
			}
			if got := strings.Contains(log.String(), "the country of clients is not known"); got != tc.held {
				t.Errorf("the log has the warning: %v\n%s", got, log.String())
			}
		})
	}
}

func orderGauge(t *testing.T, state string) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "coredns_blocklist_orders" && m.GetLabel()[0].GetValue() == state {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no gauge of orders that are %s", state)
	return 0
}
