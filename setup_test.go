package blocklist

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/store"
)

func controller(input string) *caddy.Controller {
	c := caddy.NewTestController("dns", input)
	c.Next()
	return c
}

const keyOne = "RWR3H1tCY5PduSDPHLU/kF6VvTXcfum0kcJ+cIS1c+XlACHfbH3w2KDd"

func TestParseVerify(t *testing.T) {
	dir := t.TempDir()
	two, err := os.ReadFile("plugin/signature/testdata/two.pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "2"), two, 0o600); err != nil {
		t.Fatal(err)
	}
	key := strings.Split(string(two), "\n")[1]
	for _, tc := range []struct{ values, want string }{
		{keyOne, "1 " + keyOne},
		{"2 " + keyOne + " ./2", "2 " + keyOne + " " + key},
		{"1 ./2", "1 " + key},
		{filepath.Join(dir, "2") + " " + keyOne, "1 " + key + " " + keyOne},
	} {
		var cfg config
		if err := parse(controller("blocklist x.yaml {\nstate kept\nverify "+tc.values+"\nrequire approval\n}"), dir, &cfg); err != nil {
			t.Errorf("%s: %v", tc.values, err)
			continue
		}
		if got := cfg.store.Verify.String(); got != tc.want || !cfg.store.Demands.Signed || !cfg.store.Demands.Approved {
			t.Errorf("%s: got %s, %+v, want %s", tc.values, got, cfg.store.Demands, tc.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct{ input, want string }{
		{"blocklist http://lists.example/a.yaml", "Testfile:1 - Error during parsing: ORDERS are files, and the server fetches no URL; fetch the list with a timer or a cron job, for example: curl --fail --silent --show-error --output names.txt.new 'http://lists.example/a.yaml' && mv names.txt.new names.txt, and write names.txt in place of the URL"},
		{"blocklist", "Testfile:1 - Error during parsing: blocklist needs at least one order file, directory or glob, such as: blocklist orders.yaml"},
		{"blocklist x.yaml {\nfoo bar\n}", "Testfile:2 - Error during parsing: unknown property 'foo'"},
		{"blocklist x.yaml {\nttl 1s\nttl 2s\n}", "Testfile:3 - Error during parsing: property 'ttl' is given twice"},
		{"blocklist x.yaml {\nttl\n}", "Testfile:2 - Error during parsing: ttl needs a value"},
		{"blocklist x.yaml {\nttl 1s 2s\n}", "Testfile:2 - Error during parsing: ttl takes one value, got '1s 2s'; put a value with blanks in double quotes"},
		{"blocklist x.yaml {\nttl 2h\n}", "Testfile:2 - Error during parsing: ttl must be a duration from 0s to 1h0m0s, such as 30s, got '2h'"},
		{"blocklist x.yaml {\nttl 30\n}", "Testfile:2 - Error during parsing: ttl needs a unit; write 30s for seconds, got '30'"},
		{"blocklist x.yaml {\nttl 1.5s\n}", "Testfile:2 - Error during parsing: ttl must be a multiple of 1s, got '1.5s'"},
		{"blocklist x.yaml {\nttl -1s\n}", "Testfile:2 - Error during parsing: ttl must be a duration from 0s to 1h0m0s, such as 30s, got '-1s'"},
		{"blocklist x.yaml {\npoll 1us\n}", "Testfile:2 - Error during parsing: poll must be a duration from 10ms to 1h0m0s, such as 30s, got '1us'"},
		{"blocklist x.yaml {\nresponse drop\n}", "Testfile:2 - Error during parsing: response must be nxdomain, nodata, refused or redirect, got 'drop'"},
		{"blocklist x.yaml {\nresponse nxdomain 192.0.2.1\n}", "Testfile:2 - Error during parsing: response nxdomain takes no other value, got '192.0.2.1'"},
		{"blocklist x.yaml {\nresponse redirect\n}", "Testfile:2 - Error during parsing: response redirect needs at least one address, such as: response redirect 192.0.2.1"},
		{"blocklist x.yaml {\nresponse redirect www.example\n}", "Testfile:2 - Error during parsing: response redirect needs IPv4 or IPv6 addresses, got 'www.example'"},
		{"blocklist x.yaml {\ncontact https://example.org\n}", "Testfile:2 - Error during parsing: contact must be URIs that begin with mailto: or tel:, such as mailto:abuse@example.net, got 'https://example.org'"},
		{"blocklist x.yaml {\nlanguage en_US\n}", "Testfile:2 - Error during parsing: language must be a language tag of BCP 47, such as en or uk, got 'en_US'"},
		{"blocklist x.yaml {\nsde_option 15\n}", "Testfile:2 - Error during parsing: sde_option must be an EDNS option code from 20 to 65535, got '15'"},
		{"blocklist x.yaml {\nsde_option 65536\n}", "Testfile:2 - Error during parsing: sde_option must be an EDNS option code from 20 to 65535, got '65536'"},
		{"blocklist x.yaml {\ncountry IT\n}", "Testfile:2 - Error during parsing: country IT needs at least one network, such as: country IT 192.0.2.0/24"},
		{"blocklist x.yaml {\ncountry XX 192.0.2.0/24\n}", "Testfile:2 - Error during parsing: country must be a country code of two letters, such as IT, got 'XX'"},
		{"blocklist x.yaml {\ncountry EU 192.0.2.0/24\n}", "Testfile:2 - Error during parsing: country must be one country, such as IT, and EU is a group of countries, got 'EU'"},
		{"blocklist x.yaml {\ncountry IT 192.0.2.1/24\n}", "Testfile:2 - Error during parsing: country IT: the network is an address with the length of a network; write 192.0.2.0/24 for the network, or the address alone, got '192.0.2.1/24'"},
		{"blocklist x.yaml {\ncountry IT 192.0.2.0/24\ncountry CH 192.0.2.0/24\n}", "Testfile:3 - Error during parsing: country CH: the network 192.0.2.0/24 is also a network of country IT; remove one of the two"},
		{"blocklist x.yaml {\nhome Italy\n}", "Testfile:2 - Error during parsing: home must be a country code of two letters, such as IT, got 'Italy'"},
		{"blocklist x.yaml {\nmax_shrink 50\n}", "Testfile:2 - Error during parsing: max_shrink is a percentage; write 50%, got '50'"},
		{"blocklist x.yaml {\nmax_shrink 101%\n}", "Testfile:2 - Error during parsing: max_shrink must be a percentage from 0% to 100%, got '101%'"},
		{"blocklist x.yaml {\nanswers all\n}", "Testfile:2 - Error during parsing: answers must be off, names or addresses, got 'all'"},
		{"blocklist x.yaml {\nanswers\n}", "Testfile:2 - Error during parsing: answers needs a value"},
		{"blocklist x.yaml {\nanswers addresses 192.0.2.0/24\n}", "Testfile:2 - Error during parsing: answers addresses: a NAT64 prefix is an IPv6 network of 32, 40, 48, 56, 64 or 96 bits, got '192.0.2.0/24'"},
		{"blocklist x.yaml {\nanswers addresses 2001:db8::/32 2001:db8:64::/95\n}", "Testfile:2 - Error during parsing: answers addresses: a NAT64 prefix is an IPv6 network of 32, 40, 48, 56, 64 or 96 bits, got '2001:db8:64::/95'"},
		{"blocklist x.yaml {\nanswers addresses 2001:db8:64::\n}", "Testfile:2 - Error during parsing: answers addresses: a NAT64 prefix is an IPv6 network of 32, 40, 48, 56, 64 or 96 bits, got '2001:db8:64::'"},
		{"blocklist x.yaml {\nanswers addresses 2001:db8:64::1/96\n}", "Testfile:2 - Error during parsing: answers addresses: the NAT64 prefix is an address with the length of a network; write 2001:db8:64::/96 for the network, or the address alone, got '2001:db8:64::1/96'"},
		{"blocklist x.yaml {\nanswers addresses 2001:db8:0:0:100::/96\n}", "Testfile:2 - Error during parsing: answers addresses: the bits 64 to 71 of a NAT64 prefix must be zero (RFC 6052), got '2001:db8:0:0:100::/96'"},
		{"blocklist x.yaml {\nanswers names 2001:db8:64::/96\n}", "Testfile:2 - Error during parsing: answers takes one value, got 'names 2001:db8:64::/96'; put a value with blanks in double quotes"},
		{"blocklist x.yaml {\necs_from 192.0.2.1/24\n}", "Testfile:2 - Error during parsing: ecs_from: the network is an address with the length of a network; write 192.0.2.0/24 for the network, or the address alone, got '192.0.2.1/24'"},
		{"blocklist x.yaml {\necs_from 0.0.0.0/0\n}", "Testfile:2 - Error during parsing: ecs_from: the network is wider than /8; name only your own forwarders, because a peer that is trusted chooses the country of its clients, got '0.0.0.0/0'"},
		{"blocklist x.yaml {\necs_from 10.0.0.0/8 128.0.0.0/7\n}", "Testfile:2 - Error during parsing: ecs_from: the network is wider than /8; name only your own forwarders, because a peer that is trusted chooses the country of its clients, got '128.0.0.0/7'"},
		{"blocklist x.yaml {\necs_from 2001::/16 ::/0\n}", "Testfile:2 - Error during parsing: ecs_from: the network is wider than /16; name only your own forwarders, because a peer that is trusted chooses the country of its clients, got '::/0'"},
		{"blocklist x.yaml {\necs_from 2000::/15\n}", "Testfile:2 - Error during parsing: ecs_from: the network is wider than /16; name only your own forwarders, because a peer that is trusted chooses the country of its clients, got '2000::/15'"},
		{"blocklist x.yaml {\nshadow yes\n}", "Testfile:2 - Error during parsing: shadow takes no value, got 'yes'"},
		{"blocklist x.yaml {\nshadow\nshadow\n}", "Testfile:3 - Error during parsing: property 'shadow' is given twice"},
		{"blocklist x.yaml {\nstatus\n}", "Testfile:2 - Error during parsing: status needs a value"},
		{"blocklist x.yaml {\nstatus :9253\n}", "Testfile:2 - Error during parsing: status needs a host, such as 127.0.0.1:9253, or 0.0.0.0:9253 for all IPv4 addresses, got ':9253'"},
		{"blocklist x.yaml {\nstatus 9253\n}", "Testfile:2 - Error during parsing: status needs an address with a host and a port, such as 127.0.0.1:9253, got '9253'"},
		{"blocklist x.yaml {\nstatus 127.0.0.1\n}", "Testfile:2 - Error during parsing: status needs an address with a host and a port, such as 127.0.0.1:9253, got '127.0.0.1'"},
		{"blocklist x.yaml {\nstatus 127.0.0.1:http\n}", "Testfile:2 - Error during parsing: status needs an address with a host and a port, such as 127.0.0.1:9253, got '127.0.0.1:http'"},
		{"blocklist x.yaml {\nstatus ::1:9253\n}", "Testfile:2 - Error during parsing: status needs an address with a host and a port, such as 127.0.0.1:9253, got '::1:9253'"},
		{"blocklist x.yaml {\nstatus 127.0.0.1:9253 web.yaml x\n}", "Testfile:2 - Error during parsing: status takes an address and the path of a web configuration, got 'x' too"},
		{"blocklist x.yaml {\nstatus 127.0.0.1:1\nstatus 127.0.0.1:2\n}", "Testfile:3 - Error during parsing: property 'status' is given twice"},
		{"blocklist x.yaml {\nstate a b\n}", "Testfile:2 - Error during parsing: state takes one value, got 'a b'; put a value with blanks in double quotes"},
		{"blocklist x.yaml {\nstate /\n}", "Testfile:2 - Error during parsing: state must be a directory of its own, such as /var/lib/blocklist, got '/'"},
		{"blocklist x.yaml {\nverify\n}", "Testfile:2 - Error during parsing: verify needs a value"},
		{"blocklist x.yaml {\nverify 2\n}", "Testfile:2 - Error during parsing: verify 2 needs at least one public key after the number; write the path of a key file with this name as ./2"},
		{"blocklist x.yaml {\nverify 0 " + keyOne + "\n}", "Testfile:2 - Error during parsing: verify: the number of keys that must sign must be at least 1, got 0"},
		{"blocklist x.yaml {\nverify 2 " + keyOne + "\n}", "Testfile:2 - Error during parsing: verify: 2 different keys must sign, but the number of keys is 1"},
		{"blocklist x.yaml {\nverify " + keyOne + " plugin/signature/testdata/one.pub\n}", "Testfile:2 - Error during parsing: verify: the key B9DD9363425B1F77 is given twice"},
		{"blocklist x.yaml {\nverify plugin/signature/testdata/one.key\n}", "Testfile:2 - Error during parsing: verify: the key file is a minisign secret key; write the public key here, and keep the secret key away from servers, got 'plugin/signature/testdata/one.key'"},
		{"blocklist x.yaml {\nverify /none/a.pub\n}", "Testfile:2 - Error during parsing: verify: there is no file /none/a.pub, and the text is not a minisign public key, which has 56 characters of base64 and begins with RW, got '/none/a.pub'"},
		{"blocklist x.yaml {\nverify plugin\n}", "Testfile:2 - Error during parsing: verify: the key file is not a regular file, got 'plugin'"},
		{"blocklist x.yaml {\nverify " + keyOne + "\n}", "Testfile:3 - Error during parsing: verify requires state, because a restart without a state directory forgets the serials of the order files; add: state DIR"},
		{"blocklist /a/x.yaml /b/x.yaml {\nstate kept\nverify " + keyOne + "\n}", "Testfile:4 - Error during parsing: verify: the order files /a/x.yaml and /b/x.yaml have the same base name, so their signatures are interchangeable; rename one of them and sign it again"},
		{"blocklist x.yaml {\nrequire\n}", "Testfile:2 - Error during parsing: require needs a value"},
		{"blocklist x.yaml {\nrequire signatures\n}", "Testfile:2 - Error during parsing: require must be approval, got 'signatures'"},
		{"blocklist x.yaml {\nrequire approval approval\n}", "Testfile:2 - Error during parsing: require takes one value, got 'approval approval'; put a value with blanks in double quotes"},
		{"blocklist x.yaml {\njournal\n}", "Testfile:2 - Error during parsing: journal needs a value"},
		{"blocklist x.yaml {\njournal /\n}", "Testfile:2 - Error during parsing: journal must be a directory of its own, such as /var/lib/blocklist/journal, got '/'"},
		{"blocklist x.yaml {\njournal dir a b\n}", "Testfile:2 - Error during parsing: journal takes a directory and a name, got 'dir a b'"},
		{"blocklist x.yaml {\njournal dir https://a.example\n}", "Testfile:2 - Error during parsing: journal: the name of a journal is a URL without scheme, blanks and plus signs, such as dns.example.net/journal/node1, got \"https://a.example\""},
		{"blocklist x.yaml {\nresinfo\n}", "Testfile:2 - Error during parsing: resinfo needs a value"},
		{"blocklist x.yaml {\nresinfo http://dns.example\n}", "Testfile:2 - Error during parsing: resinfo: the URL must begin with https:// and contain a host, such as https://dns.example.net/about, got 'http://dns.example'"},
		{"blocklist x.yaml {\nresinfo https:///about\n}", "Testfile:2 - Error during parsing: resinfo: the URL must begin with https:// and contain a host, such as https://dns.example.net/about, got 'https:///about'"},
		{"blocklist x.yaml {\nresinfo \"https://dns.example/a b\"\n}", "Testfile:2 - Error during parsing: resinfo: the URL must begin with https:// and contain a host, such as https://dns.example.net/about, got 'https://dns.example/a b'"},
		{"blocklist x.yaml {\nresinfo https://user:word@dns.example/\n}", "Testfile:2 - Error during parsing: resinfo: the URL must begin with https:// and contain a host, such as https://dns.example.net/about, got 'https://user:word@dns.example/'"},
		{"blocklist x.yaml {\nresinfo https://a.example https://b.example\n}", "Testfile:2 - Error during parsing: resinfo takes one URL, got 'https://a.example' and 'https://b.example'"},
		{"blocklist x.yaml {\nresinfo https://dns.example/" + strings.Repeat("a", 235) + "\n}", "Testfile:3 - Error during parsing: resinfo: the key infourl has 263 octets, and a string of a record has at most 255"},
		{"blocklist x.yaml {\nresinfo 22-21\n}", "Testfile:2 - Error during parsing: resinfo takes names of this resolver, an https:// URL, and codes of extended DNS errors from 0 to 65535, such as 22 or 22-23, got '22-21'"},
		{"blocklist x.yaml {\nresinfo 65536\n}", "Testfile:2 - Error during parsing: resinfo takes names of this resolver, an https:// URL, and codes of extended DNS errors from 0 to 65535, such as 22 or 22-23, got '65536'"},
		{"blocklist x.yaml {\nresinfo *.dns.example\n}", "Testfile:2 - Error during parsing: resinfo takes names of this resolver, an https:// URL, and codes of extended DNS errors from 0 to 65535, such as 22 or 22-23, got '*.dns.example'"},
		{"blocklist x.yaml {\nresinfo dns.example\nshadow\n}", "Testfile:4 - Error during parsing: resinfo: the record would be empty, because with shadow no answer has an extended DNS error; write a URL or a code"},
	} {
		var cfg config
		err := parse(controller(tc.input), "", &cfg)
		if err == nil || err.Error() != tc.want {
			t.Errorf("%q\n got %v\nwant %s", tc.input, err, tc.want)
		}
	}
}

func TestParse(t *testing.T) {
	var cfg config
	err := parse(controller(`blocklist a.yaml /abs/b.json dir/ *.jsonl {
		response redirect 192.0.2.1 2001:db8::1
		ttl 5m
		organization "An ISP"
		contact mailto:abuse@isp.example tel:+39-02-1234
		language it
		sde_option 65001
		country it 192.0.2.0/24 2001:db8::/32
		country ch 198.51.100.7
		home FR
		max_shrink 10%
		poll 250ms
	}`), "/root/of/it", &cfg)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/root/of/it/a.yaml", "/abs/b.json", "/root/of/it/dir/", "/root/of/it/*.jsonl"}; !slices.Equal(cfg.store.Patterns, want) {
		t.Errorf("patterns %q, want %q", cfg.store.Patterns, want)
	}
	r := cfg.store.Rules.Response
	if r.Kind != order.Redirect || len(r.Addresses) != 2 || r.Addresses[0] != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("response %+v", r)
	}
	a := cfg.answer
	if a.TTL != 5*time.Minute || a.Organization != "An ISP" || len(a.Contact) != 2 || a.Language != "it" || a.SDEOption != 65001 {
		t.Errorf("answer %+v", a)
	}
	for addr, want := range map[string]order.Country{"192.0.2.200": "IT", "2001:db8::5": "IT", "198.51.100.7": "CH"} {
		if got, _ := cfg.places.Nets.Lookup(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is in %q, want %q", addr, got, want)
		}
	}
	if cfg.places.Home != "FR" || cfg.store.MaxShrink != 10 || cfg.store.Poll != 250*time.Millisecond {
		t.Errorf("%+v", cfg.store)
	}
}

// TestParseDefaults checks the settings of a directive without properties.
func TestParseDefaults(t *testing.T) {
	var cfg config
	if err := parse(controller("blocklist orders.yaml"), "", &cfg); err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(cfg.store.Patterns[0]) {
		t.Errorf("pattern %q is not absolute", cfg.store.Patterns[0])
	}
	if cfg.answer.TTL != 30*time.Second || cfg.store.MaxShrink != 50 || cfg.store.Poll != time.Second ||
		cfg.store.Rules.Response.Kind != order.NXDOMAIN || cfg.answer.SDEOption != 0 || cfg.places.Home != "" {
		t.Errorf("%+v", cfg.store)
	}
}

func TestSetupOnce(t *testing.T) {
	err := setup(caddy.NewTestController("dns", "blocklist a.yaml\nblocklist b.yaml"))
	if err == nil || err.Error() != "plugin/blocklist: this plugin can only be used once per Server Block" {
		t.Errorf("got %v", err)
	}
}

func TestWarnings(t *testing.T) {
	for _, tc := range []struct {
		properties string
		rewrites   bool
		want       []string // the beginnings of the warnings
	}{
		{},
		{properties: "response refused", want: []string{"response refused is best effort"}},
		{rewrites: true, want: []string{"the plugin rewrite is above blocklist"}},
	} {
		b := &block{}
		if err := parse(controller("blocklist x.yaml {\n"+tc.properties+"\n}"), "", &b.config); err != nil {
			t.Fatal(err)
		}
		got := b.warnings(tc.rewrites)
		if !slices.EqualFunc(got, tc.want, strings.HasPrefix) {
			t.Errorf("%+v: got %q", tc, got)
		}
	}
}

func TestClaimState(t *testing.T) {
	options := func(properties string) store.Options {
		t.Helper()
		var cfg config
		if err := parse(controller("blocklist x.yaml {\n"+properties+"\n}"), "/root", &cfg); err != nil {
			t.Fatal(err)
		}
		return cfg.store
	}
	const want = "Corefile:9: state /root/kept: the server block with the directive at Corefile:2 uses the same directory with other settings; give each its own directory, or give both equal settings"
	for _, tc := range []struct{ first, second, want string }{
		{"state kept", "state kept", ""},
		{"state kept", "state /root/kept/", ""},
		{"state kept", "state kept\npoll 2s", want},
		{"state kept\nshadow", "state kept", want},
		{"state kept", "state other\npoll 2s", ""},
		{"journal kept a", "journal kept b", strings.Replace(want, "state", "journal", 1)},
		{"journal kept", "journal kept", ""},
		{"state kept", "journal kept", "Corefile:9: journal /root/kept: the directory is also the state of the directive at Corefile:2; give each its own directory"},
		{"ttl 1s", "poll 2s", ""},
	} {
		i, got := &instance{}, ""
		err := claimState(&i.claims, options(tc.first), "Corefile:2")
		if err == nil {
			err = claimState(&i.claims, options(tc.second), "Corefile:9")
		}
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%q and %q: %q, want %q", tc.first, tc.second, got, tc.want)
		}
	}
}
