package directive

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

func TestCorefile(t *testing.T) {
	t.Setenv("BLOCKLIST_TEST_HOME", "it")
	write(t, map[string]string{
		"Corefile": `(shared) {
	blocklist a.yaml dir/ {
		import props
	}
}
.:1053 tls://.:1853 {
	root /srv/dns
	geoip db.mmdb
	metadata
	forward . 192.0.2.1
	import shared
}
example.org {
	whoami
}
`,
		"props": "home {$BLOCKLIST_TEST_HOME}\ncountry fr 192.0.2.0/24\nmax_shrink 7%\nshadow\nprotect ours.txt\n",
	})
	blocks, err := Corefile("Corefile")
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 2 || blocks[0].String() != ".:1053 tls://.:1853" || blocks[1].Config != nil || blocks[1].GeoIP {
		t.Fatalf("%+v", blocks)
	}
	b := blocks[0]
	c := b.Config
	if got := fmt.Sprint(c.Store.Patterns, c.Store.Protect); got != "[/srv/dns/a.yaml /srv/dns/dir/] [/srv/dns/ours.txt]" {
		t.Errorf("paths %s", got)
	}
	if c.Store.MaxShrink != 7 || !c.Store.Shadow || c.Places.Home != "IT" || !b.GeoIP || c.Store.Rules.NoCountry || b.Line != 2 {
		t.Errorf("%+v, %+v", c, b)
	}
	if got := c.Places.Country(netip.MustParsePrefix("192.0.2.9/32"), func() string { return "DE" }); got != "FR" {
		t.Errorf("192.0.2.9 is in %q, want FR", got)
	}
}

func TestPlace(t *testing.T) {
	write(t, map[string]string{"Corefile": ".:53 {\nblocklist a.yaml {\ncountry FR 192.0.2.0/24\ncountry CH 192.0.2.128/25\nhome IT\n}\n}\n"})
	blocks, err := Corefile("Corefile")
	if err != nil {
		t.Fatal(err)
	}
	says := func(s string) func() string { return func() string { return s } }
	for _, tc := range []struct {
		addr  string
		geoip func() string
		want  order.Country
	}{
		{"192.0.2.1/32", nil, "FR"},
		{"192.0.2.1/32", says("DE"), "FR"},
		{"192.0.2.200/32", nil, "CH"},
		{"192.0.2.0/23", nil, "IT"},
		{"198.51.100.1/32", says("DE"), "DE"},
		{"198.51.100.1/32", says("EU"), "IT"},
		{"198.51.100.1/32", says(""), "IT"},
		{"", says("DE"), "DE"},
		{"", nil, "IT"},
	} {
		where, _ := netip.ParsePrefix(tc.addr)
		if got := blocks[0].Config.Places.Country(where, tc.geoip); got != tc.want {
			t.Errorf("%q is in %q, want %q", tc.addr, got, tc.want)
		}
	}
}

func TestCorefileErrors(t *testing.T) {
	for _, tc := range []struct{ corefile, want string }{
		{".:53 {\nblocklist\n}\n", "Corefile:2 - Error during parsing: blocklist needs at least one order file, directory or glob, such as: blocklist orders.yaml"},
		{".:53 {\nimport part\n}\n", "DIR/part:2 - Error during parsing: unknown property 'foo'"},
		{".:53 {\nblocklist a.yaml\nblocklist b.yaml\n}\n", "Corefile:3 - Error during parsing: blocklist can only be used once per server block"},
		{".:53 {\nroot\nblocklist a.yaml\n}\n", "Corefile:2 - Error during parsing: Wrong argument count or unexpected line ending after 'root'"},
		{".:53 {\nblocklist a.yaml\n", "Corefile:2 - Syntax error: Unexpected token 'a.yaml', expecting '}'"},
	} {
		dir := write(t, map[string]string{"Corefile": tc.corefile, "part": "blocklist a.yaml {\nfoo bar\n}\n"})
		_, err := Corefile("Corefile")
		if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != tc.want {
			t.Errorf("%q: got %v, want %s", tc.corefile, err, tc.want)
		}
	}
}

func TestChoose(t *testing.T) {
	write(t, map[string]string{
		"equal":  ".:53 {\nblocklist a.yaml {\ncountry IT 192.0.2.0/24\ncountry FR 10.0.0.0/8 172.16.0.0/12\n}\n}\ntls://.:853 {\nblocklist a.yaml {\ncountry FR 172.16.0.0/12 10.0.0.0/8\ncountry IT 192.0.2.0/24\n}\n}\n",
		"differ": ".:53 {\nblocklist a.yaml\n}\nExample.org {\nblocklist a.yaml {\nhome IT\n}\n}\nwhoami.example:53 {\nwhoami\n}\n",
		"status": ".:53 {\nblocklist a.yaml {\nstatus 127.0.0.1:9253\n}\n}\ntls://.:853 {\nblocklist a.yaml\n}\n",
		"none":   ".:53 {\nwhoami\n}\n",
	})
	for _, tc := range []struct{ file, address, want string }{
		{"equal", "", ".:53"},
		{"equal", "tls://.", "tls://.:853"},
		{"status", "", ".:53"}, // the property status is about the whole process
		{"differ", "", "the blocklist directives of the server blocks differ; choose one of .:53 (differ:2), Example.org (differ:5)"},
		{"differ", ".", ".:53"},
		{"differ", "dns://.:53", ".:53"},
		{"differ", "example.org.:53", "Example.org"},
		{"differ", "whoami.example", "server block whoami.example:53 has no blocklist directive"},
		{"differ", ".:54", "no server block has this address; the blocks with a blocklist directive are .:53 (differ:2), Example.org (differ:5)"},
		{"none", "", "no server block has a blocklist directive"},
	} {
		blocks, err := Corefile(tc.file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Choose(blocks, tc.address)
		got := fmt.Sprint(b)
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s, %q: got %s, want %s", tc.file, tc.address, got, tc.want)
		}
	}
}

func TestServing(t *testing.T) {
	write(t, map[string]string{"Corefile": ".:53 tls://. {\nblocklist a.yaml\n}\nexample.org {\nwhoami\n}\nother.example:54 {\nblocklist a.yaml\n}\n"})
	blocks, err := Corefile("Corefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		block int
		name  string
		want  int
	}{
		{0, "www.example.com", 0},
		{0, "other.example", 0},
		{0, "www.example.org", 0}, // the block example.org does not serve TLS
		{1, "www.example.org", 1},
		{1, "badexample.org", 0},
		{2, "www.other.example", 2},
		{2, "example.com", -1},
	} {
		name, err := dname.Parse(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		var want *Block
		if tc.want >= 0 {
			want = blocks[tc.want]
		}
		if got := Serving(blocks, blocks[tc.block], name); got != want {
			t.Errorf("%s by way of %v: got %v, want %v", tc.name, blocks[tc.block], got, want)
		}
	}
}

func TestPropertyErrors(t *testing.T) {
	for property, want := range map[string]string{
		"ttl 30":                     "ttl needs a unit; write 30s for seconds, got '30'",
		"ttl 2h":                     "ttl must be a duration from 0s to 1h0m0s, such as 30s, got '2h'",
		"ttl 1500ms":                 "ttl must be a multiple of 1s, got '1500ms'",
		"ttl":                        "ttl needs a value",
		"ttl 30 s":                   "ttl takes one value, got '30 s'; put a value with blanks in double quotes",
		"poll 5":                     "poll needs a unit; write 5s for seconds, got '5'",
		"max_shrink 50":              "max_shrink is a percentage; write 50%, got '50'",
		"max_shrink 101%":            "max_shrink must be a percentage from 0% to 100%, got '101%'",
		"home EU":                    "home must be one country, such as IT, and EU is a group of countries, got 'EU'",
		"home Italy":                 "home must be a country code of two letters, such as IT, got 'Italy'",
		"country Italy 192.0.2.0/24": "country must be a country code of two letters, such as IT, got 'Italy'",
		"country IT":                 "country IT needs at least one network, such as: country IT 192.0.2.0/24",
		"country IT 192.0.2.1/24":    "country IT: the network is an address with the length of a network; write 192.0.2.0/24 for the network, or the address alone, got '192.0.2.1/24'",
		"country IT 192.0.2.0/24\ncountry FR 192.0.2.0/24": "country FR: the network 192.0.2.0/24 is also a network of country IT; remove one of the two",
		"max_shink 50%":             "unknown property 'max_shink'; did you mean 'max_shrink'?",
		"colour red":                "unknown property 'colour'",
		"nat64 64:ff9b::/96":        "unknown property 'nat64'; write the prefixes after 'answers addresses'",
		"shadow on":                 "shadow takes no value, got 'on'",
		"organization Example ISP":  "organization takes one value, got 'Example ISP'; put a value with blanks in double quotes",
		"contact abuse@example.net": "contact must be URIs that begin with mailto: or tel:, such as mailto:abuse@example.net, got 'abuse@example.net'",
		"ecs_from 0.0.0.0/0":        "ecs_from: the network is wider than /8; name only your own forwarders, because a peer that is trusted chooses the country of its clients, got '0.0.0.0/0'",
		"response redirect":         "response redirect needs at least one address, such as: response redirect 192.0.2.1",
	} {
		write(t, map[string]string{"Corefile": ".:53 {\nblocklist a.yaml {\n" + property + "\n}\n}\n"})
		_, err := Corefile("Corefile")
		if err == nil || !strings.HasSuffix(err.Error(), "Error during parsing: "+want) {
			t.Errorf("%q:\n got %v\nwant %s", property, err, want)
		}
	}
}
