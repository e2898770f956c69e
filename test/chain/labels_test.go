package chain

import (
	"regexp"
	"testing"

	"github.com/miekg/dns"
)

func TestLabels(t *testing.T) {
	out := logged(t)
	files := map[string]string{"zone": house, "orders.yaml": `version: 1
defaults: {authority: {name: Court}, references: ["7"], scope: global}
orders:
- {id: nxdomain, targets: [blocked.example], exempt: [127.0.0.3]}
- {id: page, response: {redirect: [192.0.2.99]}, targets: [page.example]}
- {id: shadow, status: shadow, targets: [shadow.example]}
- {id: suffix, targets: [co.uk]}
- {id: sealed, disclosure: none, targets: [sealed.example]}
- {id: odd, authority: {name: "Co\e[2Jurt\0\u202e\u2028of\u200b\ufeff"}, targets: [odd.example]}
`}
	const chain = `
log . "query {name} {type} is [{/blocklist/verdict}] [{/blocklist/order}] [{/blocklist/authority}]"
metadata
dns64 {
    allow_ipv4
}
blocklist $ORDERS
cache
file $DIR/zone house.example
forward . $UPSTREAM
`
	s := start(t, "", "127.0.0.1", []string{`
view inside {
    expr incidr(client_ip(), '127.0.0.2/32')
}` + chain, chain}, files)
	for _, tc := range []struct{ ask, want string }{
		{"ok.example A", "[-] [-] [-]"},
		{"www.blocked.example A", "[blocked] [nxdomain] [Court]"},
		{"www.blocked.example A +from=127.0.0.2", "[blocked] [nxdomain] [Court]"},
		{"www.blocked.example A +from=127.0.0.3", "[exempt] [nxdomain] [Court]"},
		{"to-blocked.example A", "[blocked] [nxdomain] [Court]"},
		{"to-blocked.house.example A", "[blocked] [nxdomain] [Court]"},
		{"a.sealed.example A", "[blocked] [-] [-]"},
		{"shadow.example A", "[shadow] [shadow] [Court]"},
		{"to-shadow.example A", "[shadow] [shadow] [Court]"},
		{"www.example.co.uk A", "[held] [suffix] [Court]"},
		{"odd.example A", "[blocked] [odd] [Co [2Jurt of]"},
		{"page.example AAAA", "[blocked] [page] [Court]"},
	} {
		from := len(out.String())
		q := parseQuery(t, tc.ask)
		overUDP(s, tc.ask)
		line := regexp.MustCompile(`query ` + regexp.QuoteMeta(q.Question[0].Name+" "+dns.TypeToString[q.Question[0].Qtype]) + ` is (.*)\n`)
		var found []string
		eventually(t, func() bool { found = line.FindStringSubmatch(out.String()[from:]); return found != nil })
		if found == nil {
			t.Fatalf("%s: no line", tc.ask)
		}
		if got := found[1]; got != tc.want {
			t.Errorf("%s: the log has %s, want %s", tc.ask, got, tc.want)
		}
	}
}
