package chain

import "testing"

// orders is the order file in most tests.
const orders = `version: 1
defaults: {authority: {name: Court}, references: ["7"], scope: global}
orders:
- {id: nxdomain, targets: [blocked.example]}
- {id: nodata, response: nodata, targets: [nodata.example]}
- {id: refused, response: refused, targets: [refused.example]}
- {id: page, response: {redirect: [192.0.2.99, "2001:db8::99"]}, targets: [page.example]}
- {id: only, response: {redirect: [192.0.2.99]}, targets: [only.example]}
- {id: exact, targets: [{name: exact.example, match: exact}]}
- {id: sealed, disclosure: none, targets: [sealed.example]}
- {id: long, references: ["` + longReference + `"], targets: [long.example]}
- {id: ending, until: $SOON, targets: [ending.example]}
- {id: starting, from: $SOON, targets: [starting.example]}
- {id: shadow, status: shadow, targets: [shadow.example]}
- {id: localhost, targets: [localhost, page.localhost]}
`

const longReference = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" +
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" +
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" +
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

const (
	censored = "; EDE 16 Blocked by order 7 of Court"
	forged   = "; EDE 4 Blocked by order 7 of Court"
)

type step struct {
	ask, want, count, upstream string
}

var passing = []string{
	"ok.example A",
	"ok.example A +noedns",
	"OK.eXample A +do +cd",
	"ok.example AAAA",
	"ok.example HTTPS",
	"alias.example A",
	"many.example MX",
	"notblocked.example A",
	"blocked.example.com A",
	"big.example TXT +bufsize=512 +do",
	"example SOA",
	"ok.example A +subnet=198.51.100.0/24",
	`www\.blocked.example A`,
}

type row struct {
	name   string
	blocks []string // the server blocks; a block is for "." unless its text begins with another zone
	files  map[string]string
	bind   string // the listen address; empty means 127.0.0.1
	steps  []step
	passes []string // more queries that must pass
	wire   func(testing.TB, []byte) []byte
}

func (r row) run(t *testing.T) {
	if r.bind == "" {
		r.bind = "127.0.0.1"
	}
	with, without := pair(t, "", r.bind, r.blocks, r.files)
	up.take()
	for _, st := range r.steps {
		before := counted(t)
		if got := brief(unpack(t, overUDP(with, st.ask))); got != st.want {
			t.Errorf("%s\n got %s\nwant %s", st.ask, got, st.want)
		}
		if got := counted(t).since(before); got != st.count {
			t.Errorf("%s: counted %q, want %q", st.ask, got, st.count)
		}
		if got := up.take(); got != st.upstream {
			t.Errorf("%s: the upstream was asked %q, want %q", st.ask, got, st.upstream)
		}
	}
	ask := overUDP
	if r.wire != nil {
		ask = func(s *server, q string) []byte { return r.wire(t, overUDP(s, q)) }
	}
	for _, q := range append(r.passes, passing...) {
		same(t, with, without, q, ask)
	}
}

const plain = `
blocklist $ORDERS
cache {
    keepttl
}
forward . $UPSTREAM
`

var blocked = step{"www.blocked.example A", "NXDOMAIN rd ra; SOA blocked.example. 30" + censored, "1 nxdomain", ""}

func TestPlugins(t *testing.T) {
	for _, r := range []row{
		{
			name:   "cache and forward alone",
			blocks: []string{plain},
			steps: []step{
				blocked,
				blocked, // the answer does not come from a cache, so it is counted again
				{"wWw.bLocked.example AAAA +noedns", "NXDOMAIN rd ra; SOA bLocked.example. 30; no OPT", "1 nxdomain", ""},
				{"blocked.example A +do +cd", "NXDOMAIN rd ra cd; SOA blocked.example. 30; do" + censored, "1 nxdomain", ""},
				{"nodata.example A", "NOERROR rd ra; SOA nodata.example. 30" + censored, "1 nodata", ""},
				{"refused.example A", "REFUSED rd ra" + censored, "1 refused", ""},
				{"page.example A", "NOERROR rd ra; page.example. 30 A 192.0.2.99" + forged, "1 redirect", ""},
				{"page.example AAAA", "NOERROR rd ra; page.example. 30 AAAA 2001:db8::99" + forged, "1 redirect", ""},
				{"page.example HTTPS", "NOERROR rd ra; SOA page.example. 30" + censored, "1 nodata", ""},
				{"exact.example A", "NOERROR rd ra; SOA exact.example. 30" + censored, "1 nodata", ""},
				{"a.sealed.example A", "NXDOMAIN rd ra; SOA a.sealed.example. 30", "1 nxdomain", ""},
			},
			passes: []string{"blocked.example DS", "exact.example DNSKEY", "below.exact.example A"},
		},
		{
			name: "NOTIFY, with a cache that has the name for a client that is exempt",
			files: map[string]string{"orders.yaml": `version: 1
defaults: {authority: {name: Court}, references: ["7"], scope: global}
orders:
- {id: exempt, targets: [blocked.example], exempt: [127.0.0.3]}
- {id: page, response: {redirect: [192.0.2.99]}, targets: [page.example]}
`},
			blocks: []string{plain},
			steps: []step{
				{"blocked.example A +from=127.0.0.3", "NOERROR rd ra; blocked.example. 300 A 192.0.2.66", "", "blocked.example. A"},
				{"to-blocked.example A +from=127.0.0.3", "NOERROR rd ra; to-blocked.example. 300 CNAME www.blocked.example.; www.blocked.example. 300 A 192.0.2.66", "", "to-blocked.example. A"},
				{"blocked.example A +opcode=NOTIFY", "REFUSED rd ra" + censored, "1 refused", ""},
				{"blocked.example SOA +opcode=NOTIFY", "REFUSED rd ra" + censored, "1 refused", ""},
				{"to-blocked.example A +opcode=NOTIFY", "REFUSED rd ra" + censored, "1 refused", "to-blocked.example. A"},
				{"page.example A +opcode=NOTIFY +noedns", "REFUSED rd ra; no OPT", "1 refused", ""},
				{"blocked.example A +opcode=NOTIFY +from=127.0.0.3", "NOERROR ra; blocked.example. 300 A 192.0.2.66", "", "blocked.example. A"},
				{"blocked.example A", "NXDOMAIN rd ra; SOA blocked.example. 30" + censored, "1 nxdomain", ""},
			},
			passes: []string{"ok.example A +opcode=NOTIFY", "example SOA +opcode=NOTIFY"},
		},
		{
			name: "NOTIFY, with plugins that answer by themselves",
			blocks: []string{`
blocklist $ORDERS
template IN A blocked.example {
    answer "{{ .Name }} 60 IN A 192.0.2.66"
}
hosts {
    192.0.2.66 page.example
    fallthrough
}
forward . $UPSTREAM
`},
			steps: []step{
				{"www.blocked.example A +opcode=NOTIFY", "REFUSED rd ra" + censored, "1 refused", ""},
				{"page.example A +opcode=NOTIFY", "REFUSED rd ra" + censored, "1 refused", ""},
				blocked,
			},
			passes: []string{"ok.example A +opcode=NOTIFY"},
		},
		{
			name: "acl refuses strangers before they are told about orders",
			blocks: []string{`
acl {
    allow net 127.0.0.1
    block
}` + plain},
			steps: []step{
				{"www.blocked.example A +from=127.0.0.2", "REFUSED rd; do; EDE 15", "", ""},
				{"ok.example A +from=127.0.0.2", "REFUSED rd; do; EDE 15", "", ""},
				blocked,
			},
			passes: []string{"ok.example A +from=127.0.0.2"},
		},
		{
			name: "rewrite name",
			blocks: []string{`
rewrite name exact www.blocked.example ok.example
rewrite name exact asked.example www.blocked.example
rewrite name suffix .elsewhere.example .example answer auto` + plain},
			steps: []step{
				{"www.blocked.example A", "NOERROR rd ra; www.blocked.example. 300 A 192.0.2.80", "", "ok.example. A"},
				{"asked.example A", "NXDOMAIN rd ra; SOA blocked.example. 30" + censored, "1 nxdomain", ""},
				{"page.elsewhere.example A", "NOERROR rd ra; page.elsewhere.example. 30 A 192.0.2.99" + forged, "1 redirect", ""},
				{"www.blocked.elsewhere.example A", "NXDOMAIN rd ra; SOA blocked.elsewhere.example. 30" + censored, "1 nxdomain", ""},
			},
			passes: []string{"www.blocked.example A", "alias.elsewhere.example A"},
		},
		{
			name: "rewrite ttl and type",
			blocks: []string{`
rewrite continue ttl suffix example. 60-90
rewrite continue type HINFO A` + plain},
			steps: []step{
				{"www.blocked.example A", "NXDOMAIN rd ra; SOA blocked.example. 60" + censored, "1 nxdomain", ""},
				{"page.example HINFO", "NOERROR rd ra; page.example. 60 A 192.0.2.99" + forged, "1 redirect", ""},
			},
			passes: []string{"ok.example HINFO"},
		},
		{
			// dns64 sends a second query only if the first answer is not NXDOMAIN.
			name: "dns64 asks twice",
			bind: "::1",
			blocks: []string{`
dns64` + plain},
			steps: []step{
				{"www.blocked.example AAAA", "NXDOMAIN rd ra; SOA blocked.example. 30" + censored, "1 nxdomain", ""},
				{"nodata.example AAAA", "NOERROR rd; SOA nodata.example. 30" + censored, "2 nodata", ""},
				{"refused.example AAAA", "REFUSED rd" + censored, "2 refused", ""},
				{"page.example AAAA", "NOERROR rd ra; page.example. 30 AAAA 2001:db8::99" + forged, "1 redirect", ""},
				{"page.example A", "NOERROR rd ra; page.example. 30 A 192.0.2.99" + forged, "1 redirect", ""},
				// Clients reach the redirect's IPv4 address through NAT64.
				{"only.example AAAA", "NOERROR rd; only.example. 30 AAAA 64:ff9b::c000:263" + forged, "1 nodata, 1 redirect", ""},
			},
		},
		{
			name: "siit asks twice",
			blocks: []string{`
siit` + plain},
			steps: []step{
				blocked,
				{"nodata.example A", "NOERROR rd ra; SOA nodata.example. 30" + censored, "2 nodata", ""},
				{"refused.example A", "REFUSED rd ra" + censored, "2 refused", ""},
				{"page.example A", "NOERROR rd ra; page.example. 30 A 192.0.2.99" + forged, "1 redirect", ""},
			},
		},
		{
			name: "views have orders of their own",
			files: map[string]string{"inside.yaml": `version: 1
orders:
- {id: inside, authority: {name: House, kind: operator}, scope: global, targets: [inside.example, blocked.example]}
`},
			blocks: []string{`
view inside {
    expr incidr(client_ip(), '127.0.0.2/32')
}
blocklist $DIR/inside.yaml
cache {
    keepttl
}
forward . $UPSTREAM
`, plain},
			steps: []step{
				blocked,
				{"www.blocked.example A +from=127.0.0.2", "NXDOMAIN rd ra; SOA blocked.example. 30; EDE 15 Blocked by order of House", "1 nxdomain in view inside", ""},
				{"www.inside.example A +from=127.0.0.2", "NXDOMAIN rd ra; SOA inside.example. 30; EDE 15 Blocked by order of House", "1 nxdomain in view inside", ""},
				{"www.inside.example A", "NXDOMAIN rd ra; SOA example. 300", "", "www.inside.example. A"},
			},
			passes: []string{"page.example A +from=127.0.0.2", "inside.example A"},
		},
		{
			name: "hosts",
			files: map[string]string{"hosts": `192.0.2.10 house.example
192.0.2.11 www.blocked.example
`},
			blocks: []string{`
blocklist $ORDERS
hosts $DIR/hosts {
    fallthrough
}
forward . $UPSTREAM`},
			steps: []step{
				blocked,
				{"house.example A", "NOERROR aa rd; house.example. 3600 A 192.0.2.10", "", ""},
				{"house.example AAAA", "NOERROR aa rd", "", ""},
			},
			passes: []string{"house.example A", "10.2.0.192.in-addr.arpa PTR"},
		},
		{
			name: "template",
			blocks: []string{`
blocklist $ORDERS
template IN A house.example blocked.example {
    answer "{{ .Name }} 60 IN A 192.0.2.10"
    ederror 21 "made up"
}
forward . $UPSTREAM`},
			steps: []step{
				blocked,
				{"a.house.example A", "NOERROR aa rd; a.house.example. 60 A 192.0.2.10; do; EDE 21 made up", "", ""},
			},
			passes: []string{"a.house.example A +do"},
		},
		{
			name: "resinfo above template",
			blocks: []string{`
blocklist $ORDERS {
    resinfo dns.example.net https://www.example.net/dns
}
template IN SVCB resolver.arpa {
    match ^_dns[.]resolver[.]arpa[.]$
    answer "{{ .Name }} 300 IN SVCB 1 dns.example.net. alpn=dot port=853"
    fallthrough
}
template IN ANY resolver.arpa {
    rcode NOERROR
    authority "resolver.arpa. 300 IN SOA . . 1 3600 600 86400 300"
}
forward . $UPSTREAM`},
			steps: []step{
				blocked,
				{"resolver.arpa RESINFO", `NOERROR aa rd ra; resolver.arpa. 3600 RESINFO "exterr=4,15-16" "infourl=https://www.example.net/dns"`, "", ""},
				{"dns.example.net RESINFO +do", `NOERROR aa rd ra; dns.example.net. 3600 RESINFO "exterr=4,15-16" "infourl=https://www.example.net/dns"; do`, "", ""},
				{"_dns.resolver.arpa SVCB", `NOERROR aa rd; _dns.resolver.arpa. 300 SVCB 1 dns.example.net. alpn="dot" port="853"`, "", ""},
				{"_dns.resolver.arpa A", "NOERROR aa rd; SOA resolver.arpa. 300", "", ""},
				{"resolver.arpa A", "NOERROR aa rd; SOA resolver.arpa. 300", "", ""},
			},
			passes: []string{"ok.example RESINFO", "www.resolver.arpa RESINFO", "dns.example.net TXT"},
		},
		{
			name: "file, in a block for all names and in one of its own",
			files: map[string]string{"house.yaml": `version: 1
orders:
- {id: house, authority: {name: House, kind: operator}, scope: global, targets: [blocked.house.example, blocked.home.example]}
`, "zone": `
@                      300 SOA   ns host 1 3600 600 86400 60
@                      300 NS    ns
ns                     300 A     192.0.2.10
www                    300 CNAME ns
blocked                300 A     192.0.2.11
*.wild                 300 TXT   x
`},
			blocks: []string{`
blocklist $DIR/house.yaml
file $DIR/zone house.example
forward . $UPSTREAM`, `home.example:
blocklist $DIR/house.yaml
file $DIR/zone`},
			steps: []step{
				{"blocked.house.example A", "NXDOMAIN rd ra; SOA blocked.house.example. 30; EDE 15 Blocked by order of House", "1 nxdomain", ""},
				{"blocked.home.example A", "NXDOMAIN rd ra; SOA blocked.home.example. 30; EDE 15 Blocked by order of House", "1 nxdomain in zone home.example.", ""},
				{"www.home.example A", "NOERROR aa rd; www.home.example. 300 CNAME ns.home.example.; ns.home.example. 300 A 192.0.2.10; NS home.example. 300", "", ""},
			},
			passes: []string{"www.house.example A", "home.example SOA", "a.wild.home.example TXT", "no.house.example A +do"},
		},
		{
			name: "loadbalance shuffles redirects only",
			blocks: []string{`
loadbalance` + plain},
			steps: []step{
				blocked,
				{"page.example A", "NOERROR rd ra; page.example. 30 A 192.0.2.99" + forged, "1 redirect", ""},
			},
		},
		{
			name: "minimal and header stand below",
			blocks: []string{`
blocklist $ORDERS
cache {
    keepttl
}
header {
    response set aa
    response clear ra
}
minimal
forward . $UPSTREAM`},
			steps: []step{
				blocked,
				{"ok.example A", "NOERROR aa rd; ok.example. 300 A 192.0.2.80", "", "ok.example. A"},
			},
		},
		{
			name: "nsid",
			blocks: []string{`
nsid node-7` + plain},
			steps: []step{
				{"www.blocked.example A +nsid", blocked.want + "; NSID node-7", "1 nxdomain", ""},
				{"a.sealed.example A +nsid", "NXDOMAIN rd ra; SOA a.sealed.example. 30; NSID node-7", "1 nxdomain", ""},
				{"long.example A +bufsize=512", "NXDOMAIN rd ra; SOA long.example. 30; EDE 16 Blocked by order " + longReference + " of Court", "1 nxdomain", ""},
				{"long.example A +nsid +bufsize=512", "NXDOMAIN rd ra; SOA long.example. 30; EDE 16; NSID node-7", "1 nxdomain", ""},
				blocked,
			},
			passes: []string{"ok.example A +nsid", "nope.example A +nsid +do", "big.example TXT +nsid +bufsize=512"},
		},
		{
			name: "bufsize",
			blocks: []string{`
bufsize 512
nsid a-node-with-a-very-long-name.of.some.site` + plain},
			steps: []step{
				blocked,
				{"long.example A +nsid", "NXDOMAIN rd ra; SOA long.example. 30; EDE 16; NSID a-node-with-a-very-long-name.of.some.site", "1 nxdomain", ""},
			},
			passes: []string{"big.example TXT"},
		},
		{
			name: "local, any and chaos answer before",
			blocks: []string{`
local
any
chaos CoreDNS nobody` + plain},
			steps: []step{
				blocked,
				{"localhost A", "NOERROR rd; localhost. 604800 A 127.0.0.1", "", ""},
				{"page.localhost A", "NOERROR rd; page.localhost. 604800 A 127.0.0.1", "", ""},
				{"localhost.blocked.example A", "NOERROR rd; localhost.blocked.example. 604800 A 127.0.0.1", "", ""},
				{"www.blocked.example ANY", `NOERROR rd; www.blocked.example. 8482 HINFO "ANY obsoleted" "See RFC 8482"`, "", ""},
				// Class ANY includes IN.
				{"www.blocked.example A +class=ANY", blocked.want, "1 nxdomain", ""},
				{"page.example A +class=ANY", "NOERROR rd ra; page.example. 30 A 192.0.2.99" + forged, "1 redirect", ""},
				{"version.bind TXT +class=CH", `NOERROR rd; version.bind. 0 CH TXT "CoreDNS"`, "", ""},
			},
			passes: []string{"ok.example ANY", "ok.example A +class=ANY", "www.blocked.example A +class=CH", "www.blocked.example A +class=HS", "version.bind TXT +class=CH"},
		},
		{
			// Without the plugins chaos and forward, CoreDNS itself refuses classes other than IN.
			name: "class ANY is refused",
			blocks: []string{`
blocklist $ORDERS
template IN A . {
    answer "{{ .Name }} 60 IN A 192.0.2.10"
}`},
			steps:  []step{{"www.blocked.example A +class=ANY", "REFUSED rd", "", ""}, blocked},
			passes: []string{"ok.example A +class=ANY"},
		},
		{
			name:  "autopath",
			files: map[string]string{"resolv.conf": "search house.example office.example\nnameserver 127.0.0.1\n"},
			blocks: []string{`
autopath house.example $DIR/resolv.conf` + plain},
			steps: []step{
				{"www.blocked.example.house.example A", "NXDOMAIN rd ra; SOA example. 300", "1 nxdomain", "www.blocked.example.house.example. A, www.blocked.example.office.example. A"},
				{"page.example.house.example A", "NOERROR rd ra; page.example.house.example. 30 CNAME page.example.; page.example. 30 A 192.0.2.99" + forged, "1 redirect", "page.example.house.example. A, page.example.office.example. A"},
				blocked,
			},
			passes: []string{"no.house.example A"},
		},
		{
			name: "errors, log, ready and prometheus look on",
			blocks: []string{`
errors
log
ready 127.0.0.1:0
prometheus 127.0.0.1:0` + plain},
			steps: []step{blocked, {"refused.example A", "REFUSED rd ra" + censored, "1 refused", ""}},
		},
	} {
		t.Run(r.name, r.run)
	}
}
