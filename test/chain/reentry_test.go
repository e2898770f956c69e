package chain

import (
	"testing"
)

const house = `
@             300 SOA   ns host 1 3600 600 86400 60
@             300 NS    ns
ns            300 A     192.0.2.10
to-ok         300 CNAME ok.example.
to-blocked    300 CNAME www.blocked.example.
to-page       300 CNAME page.example.
to-refused    300 CNAME refused.example.
to-exact      300 CNAME exact.example.
further       300 CNAME to-blocked.example.
inner         300 CNAME to-blocked
spared        300 CNAME www.blocked.example.
blocked       300 CNAME ok.example.
d             300 DNAME blocked.example.
https         300 HTTPS 1 www.blocked.example.
mail          300 MX    10 www.blocked.example.
`

const scoped = `version: 1
defaults: {authority: {name: Court}, references: ["7"], scope: {clients: [127.0.0.1]}}
orders:
- {id: nxdomain, targets: [blocked.example], except: [spared.house.example, spared.blocked.example]}
- {id: page, response: {redirect: [192.0.2.99, "2001:db8::99"]}, targets: [page.example]}
- {id: refused, response: refused, targets: [refused.example]}
- {id: exact, targets: [{name: exact.example, match: exact}]}
- {id: asked, targets: [blocked.house.example]}
`

var reentry = []step{
	{"to-blocked.house.example A", "NOERROR rd ra; SOA to-blocked.house.example. 30" + censored, "1 nodata", "www.blocked.example. A"},
	{"to-page.house.example A", "NOERROR rd ra; to-page.house.example. 30 A 192.0.2.99" + forged, "1 redirect", "page.example. A"},
	{"to-page.house.example AAAA", "NOERROR rd ra; to-page.house.example. 30 AAAA 2001:db8::99" + forged, "1 redirect", "page.example. AAAA"},
	{"to-refused.house.example A", "REFUSED rd ra" + censored, "1 refused", "refused.example. A"},
	{"to-exact.house.example A", "NOERROR rd ra; SOA to-exact.house.example. 30" + censored, "1 nodata", "exact.example. A"},
	{"blocked.house.example A", "NXDOMAIN rd ra; SOA blocked.house.example. 30" + censored, "1 nxdomain", ""},
}

func TestReentry(t *testing.T) {
	files := map[string]string{"zone": house, "scoped.yaml": scoped}
	for _, r := range []row{
		{
			name:  "file follows",
			files: files,
			blocks: []string{`
blocklist $DIR/scoped.yaml
file $DIR/zone house.example
forward . $UPSTREAM`},
			steps: append([]step{
				{"further.house.example A", "NOERROR rd ra; SOA further.house.example. 30" + censored, "1 nodata", "to-blocked.example. A"},
				{"inner.house.example A", "NOERROR rd ra; SOA inner.house.example. 30" + censored, "1 nodata", "www.blocked.example. A"},
				{"www.d.house.example A", "NOERROR rd ra; SOA www.d.house.example. 30" + censored, "1 nodata", "www.blocked.example. A"},
				{"to-blocked.house.example CNAME", "NOERROR rd ra; SOA to-blocked.house.example. 30" + censored, "1 nodata", ""},
				{"spared.house.example A", "NOERROR aa rd; spared.house.example. 0 CNAME www.blocked.example.; www.blocked.example. 0 A 192.0.2.66; NS house.example. 0", "", "www.blocked.example. A"},
				{"https.house.example HTTPS", "NOERROR rd ra; SOA https.house.example. 30" + censored, "1 nodata", ""},
			}, reentry...),
			passes: []string{"to-ok.house.example A", "mail.house.example MX",
				"to-blocked.house.example DS", "to-blocked.house.example A +from=127.0.0.2"},
		},
		{
			name:  "file follows, in a block of its own",
			files: files,
			blocks: []string{`house.example:
blocklist $DIR/scoped.yaml
file $DIR/zone`, `
blocklist $DIR/scoped.yaml
forward . $UPSTREAM`},
			steps: append([]step{
				{"spared.house.example A", "NOERROR aa rd; spared.house.example. 0 CNAME www.blocked.example.; www.blocked.example. 0 A 192.0.2.66; NS house.example. 0", "", "www.blocked.example. A"},
			}, inZone(reentry, " in zone house.example.")...),
			passes: []string{"to-ok.house.example A", "to-blocked.house.example A +from=127.0.0.2"},
		},
		{
			name:  "template follows",
			files: files,
			blocks: []string{`
blocklist $DIR/scoped.yaml
template ANY ANY house.example {
    match "^(?:to-|)(?P<to>[^.]*)[.]house[.]example[.]$"
    answer "{{ .Name }} 60 IN CNAME {{ if eq .Group.to \"blocked\" \"spared\" }}www.blocked{{ else }}{{ .Group.to }}{{ end }}.example."
    upstream
}
forward . $UPSTREAM`},
			steps: append([]step{
				{"spared.house.example A", "NOERROR aa rd; spared.house.example. 0 CNAME www.blocked.example.; www.blocked.example. 0 A 192.0.2.66", "", "www.blocked.example. A"},
			}, reentry...),
			passes: []string{"to-ok.house.example A", "to-blocked.house.example A +from=127.0.0.2"},
		},
		{
			// The shared cache must keep the real answer for all clients.
			name:  "cache above file",
			files: files,
			blocks: []string{`
blocklist $DIR/scoped.yaml
cache {
    keepttl
}
file $DIR/zone house.example
forward . $UPSTREAM`},
			steps: []step{
				{"to-blocked.house.example A", "NOERROR rd ra; SOA to-blocked.house.example. 30" + censored, "1 nodata", "www.blocked.example. A"},
				{"to-blocked.house.example A +from=127.0.0.2", "NOERROR aa rd; to-blocked.house.example. 300 CNAME www.blocked.example.; www.blocked.example. 300 A 192.0.2.66; NS house.example. 300", "", ""},
				{"to-blocked.house.example A", "NOERROR rd ra; SOA to-blocked.house.example. 30" + censored, "1 nodata", ""},
				{"spared.house.example A", "NOERROR aa rd; spared.house.example. 0 CNAME www.blocked.example.; www.blocked.example. 0 A 192.0.2.66; NS house.example. 0", "", ""},
				{"to-page.house.example A +from=127.0.0.2", "NOERROR aa rd; to-page.house.example. 300 CNAME page.example.; page.example. 300 A 192.0.2.66; NS house.example. 300", "", "page.example. A"},
				{"to-page.house.example A", "NOERROR rd ra; to-page.house.example. 30 A 192.0.2.99" + forged, "1 redirect", ""},
			},
			passes: []string{"to-blocked.house.example A +from=127.0.0.2"},
		},
		{
			name:  "file in a block without the directive",
			files: files,
			blocks: []string{`house.example:
file $DIR/zone`, `
blocklist $DIR/scoped.yaml
forward . $UPSTREAM`},
			steps: []step{
				{"to-blocked.house.example A", "NXDOMAIN aa rd; to-blocked.house.example. 300 CNAME www.blocked.example.; SOA house.example. 300", "1 nxdomain", ""},
			},
			passes: []string{"to-ok.house.example A"},
		},
		{
			name:  "shadow",
			files: files,
			blocks: []string{`
blocklist $DIR/scoped.yaml {
    shadow
}
file $DIR/zone house.example
forward . $UPSTREAM`},
			steps: []step{
				{"www.blocked.example A", "NOERROR rd ra; www.blocked.example. 300 A 192.0.2.66", "1 nxdomain in shadow", "www.blocked.example. A"},
				{"to-blocked.example A", "NOERROR rd ra; to-blocked.example. 300 CNAME www.blocked.example.; www.blocked.example. 300 A 192.0.2.66", "1 nodata in shadow", "to-blocked.example. A"},
				{"to-blocked.house.example A", "NOERROR aa rd; to-blocked.house.example. 300 CNAME www.blocked.example.; www.blocked.example. 300 A 192.0.2.66; NS house.example. 300", "1 nodata in shadow", "www.blocked.example. A"},
				{"to-page.house.example A", "NOERROR aa rd; to-page.house.example. 300 CNAME page.example.; page.example. 300 A 192.0.2.66; NS house.example. 300", "1 redirect in shadow", "page.example. A"},
				{"blocked.house.example A", "NOERROR aa rd; blocked.house.example. 300 CNAME ok.example.; ok.example. 300 A 192.0.2.80; NS house.example. 300", "1 nxdomain in shadow", "ok.example. A"},
			},
			passes: []string{"to-ok.house.example A", "spared.house.example A", "to-blocked.house.example A +from=127.0.0.2"},
		},
		{
			name: "file in a block with other orders",
			files: map[string]string{"zone": house, "scoped.yaml": scoped, "other.yaml": `version: 1
orders:
- {id: other, authority: {name: Other}, scope: global, targets: [other.example]}
`},
			blocks: []string{`house.example:
blocklist $DIR/other.yaml
file $DIR/zone`, `
blocklist $DIR/scoped.yaml
forward . $UPSTREAM`},
			steps: []step{
				{"to-blocked.house.example A", "NXDOMAIN aa rd; to-blocked.house.example. 300 CNAME www.blocked.example.; SOA house.example. 300", "1 nxdomain", ""},
				{"to-page.house.example A", "NOERROR aa rd; to-page.house.example. 300 CNAME page.example.; page.example. 30 A 192.0.2.99; NS house.example. 300", "1 redirect", ""},
			},
			passes: []string{"to-ok.house.example A", "to-blocked.house.example A +from=127.0.0.2"},
		},
		{
			name:  "answers off follows nothing",
			files: files,
			blocks: []string{`
blocklist $DIR/scoped.yaml {
    answers off
}
cache {
    keepttl
}
file $DIR/zone house.example
forward . $UPSTREAM`},
			steps: []step{
				{"blocked.house.example A", "NXDOMAIN rd ra; SOA blocked.house.example. 30" + censored, "1 nxdomain", ""},
				{"www.blocked.example A", "NXDOMAIN rd ra; SOA blocked.example. 30" + censored, "1 nxdomain", ""},
			},
			passes: []string{"to-ok.house.example A", "to-blocked.house.example A", "to-page.house.example A", "further.house.example A", "to-blocked.example A"},
		},
		{
			// The plugin rewrite is above blocklist and follows the alias itself. The look-up is
			// blocked like the query of a client.
			name: "rewrite cname leads to a blocked name",
			blocks: []string{`
rewrite cname exact older.example. www.blocked.example.` + plain},
			steps: []step{
				{"old.example A", "NOERROR rd ra; old.example. 300 CNAME www.blocked.example.", "1 nxdomain", "old.example. A"},
				{"www.blocked.example A", "NXDOMAIN rd ra; SOA blocked.example. 30" + censored, "1 nxdomain", ""},
			},
		},
		{
			name: "rewrite cname would lead away from one",
			blocks: []string{`
rewrite cname exact www.blocked.example. ok.example.` + plain},
			steps: []step{
				{"to-blocked.example A", "NOERROR rd ra; SOA to-blocked.example. 30" + censored, "1 nodata", "to-blocked.example. A"},
			},
		},
		{
			name: "dns64 asks twice for an alias, too",
			bind: "::1",
			blocks: []string{`
dns64` + plain},
			steps: []step{
				{"to-only.example AAAA", "NOERROR rd; to-only.example. 30 AAAA 64:ff9b::c000:263" + forged, "1 nodata, 1 redirect", "to-only.example. AAAA, to-only.example. A"},
				{"to-blocked.example AAAA", "NOERROR rd; SOA to-blocked.example. 30" + censored, "2 nodata", "to-blocked.example. AAAA, to-blocked.example. A"},
			},
		},
		{
			// The header plugin changes the query after blocklist. The reply must have the flags of
			// the client's query.
			name: "header below",
			blocks: []string{`
blocklist $ORDERS
header {
    query clear rd
}
forward . $UPSTREAM`},
			steps: []step{
				{"to-blocked.example A", "NOERROR rd ra; SOA to-blocked.example. 30" + censored, "1 nodata", "to-blocked.example. A"},
			},
		},
		{
			name:   "plain forwarding",
			blocks: []string{plain},
			steps: []step{
				{"to-blocked.example A", "NOERROR rd ra; SOA to-blocked.example. 30" + censored, "1 nodata", "to-blocked.example. A"},
				// The answer is now in the cache below blocklist. The plugin blocklist must block
				// and count it again.
				{"to-blocked.example A", "NOERROR rd ra; SOA to-blocked.example. 30" + censored, "1 nodata", ""},
				{"To-Page.example A +do +cd", "NOERROR rd ra cd; To-Page.example. 30 A 192.0.2.99; do" + forged, "1 redirect", "to-page.example. A"},
				{"to-page.example MX +noedns", "NOERROR rd ra; SOA to-page.example. 30; no OPT", "1 nodata", "to-page.example. MX"},
				{"https.example HTTPS", "NOERROR rd ra; SOA https.example. 30" + censored, "1 nodata", "https.example. HTTPS"},
				{"to-exact.example A +class=ANY", "NOERROR rd ra; SOA to-exact.example. 30" + censored, "1 nodata", "to-exact.example. A"},
			},
		},
	} {
		t.Run(r.name, r.run)
	}
}

func inZone(steps []step, zone string) (out []step) {
	for _, st := range steps {
		if st.count != "" {
			st.count += zone
		}
		out = append(out, st)
	}
	return out
}
