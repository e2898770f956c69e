package chain

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestTTLCaps(t *testing.T) {
	id := newIdentity(t)
	const secured = `
tls $DIR/cert.pem $DIR/key.pem` + plain
	for _, tc := range []struct {
		name, scheme, chain string
		ask                 func(*server, string) []byte
	}{
		{"UDP", "", plain, overUDP},
		{"DoH", "https://", secured, id.overHTTP2},
		{"DoH3", "https3://", secured, id.overHTTP3},
		{"file", "", `
blocklist $ORDERS
file $DIR/zone house.example
forward . $UPSTREAM`, overUDP},
		{"signed", "", `
blocklist $ORDERS
cache {
    keepttl
}
dnssec example {
    key file $DIR/K
}
forward . $UPSTREAM`, overUDP},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, private := newKey(t)
			s := start(t, tc.scheme, "127.0.0.1", []string{tc.chain}, map[string]string{
				"cert.pem": id.cert, "key.pem": id.key, "K.key": key.String(), "K.private": private,
				"zone": house + "to-starting 300 CNAME starting.example.\n",
			})
			queries := map[string]bool{"starting.example A +do": true, "to-starting.example A +do": true, "www.starting.example A": true,
				"ok.example A": false, "shadow.example A": false}
			if tc.name == "file" {
				queries["to-starting.house.example A"] = true
			}
			for q, soon := range queries {
				for range 2 { // the first answer is fresh, and the second comes from the cache
					m := unpack(t, tc.ask(s, q))
					if m.IsEdns0() == nil || len(m.Answer)+len(m.Ns) == 0 {
						t.Errorf("%s: %s", q, brief(m))
					}
					for _, rr := range slices.Concat(m.Answer, m.Ns) {
						if cut := rr.Header().Ttl <= 20; cut != soon {
							t.Errorf("%s: an order starts in 20 s: %v, but %s", q, soon, rr)
						}
					}
					if tc.name == "signed" && m.IsEdns0().Do() {
						unsigned(t, pack(t, m), key) // signatures stay valid if the TTL is lowered
					}
				}
			}
		})
	}
}

func pack(t *testing.T, m *dns.Msg) []byte { return query{Msg: m}.pack(t) }
