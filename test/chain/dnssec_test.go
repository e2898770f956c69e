package chain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestDNSSEC(t *testing.T) {
	key, private := newKey(t)
	row{
		files: map[string]string{"K.key": key.String(), "K.private": private},
		blocks: []string{`
blocklist $ORDERS
cache {
    keepttl
}
dnssec example {
    key file $DIR/K
}
forward . $UPSTREAM`},
		steps: []step{
			blocked,
			{"www.blocked.example A +do", "NXDOMAIN rd ra; SOA blocked.example. 30; do" + censored, "1 nxdomain", ""},
			{"www.blocked.example A +do +cd", "NXDOMAIN rd ra cd; SOA blocked.example. 30; do" + censored, "1 nxdomain", ""},
			{"blocked.example DNSKEY +do", "NXDOMAIN rd ra; SOA blocked.example. 30; do" + censored, "1 nxdomain", ""},
			{"blocked.example NSEC +do", "NXDOMAIN rd ra; SOA blocked.example. 30; do" + censored, "1 nxdomain", ""},
			{"page.example A +do", "NOERROR rd ra; page.example. 30 A 192.0.2.99; do" + forged, "1 redirect", ""},
		},
		// Validators need these answers to validate other names.
		passes: []string{"example DNSKEY +do", "blocked.example DS +do", "exact.example DNSKEY +do", "exact.example DS +do",
			"ok.example A +do", "alias.example A +do", "nope.example A +do", "ok.example AAAA +do +cd"},
		wire: func(t testing.TB, reply []byte) []byte { return unsigned(t, reply, key) },
	}.run(t)
}

func newKey(t *testing.T) (key *dns.DNSKEY, private string) {
	t.Helper()
	key = &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: "example.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	p, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	return key, key.PrivateKeyString(p)
}

func unsigned(t testing.TB, reply []byte, key *dns.DNSKEY) []byte {
	t.Helper()
	m := unpack(t, reply)
	signed := 0
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			sig, ok := rr.(*dns.RRSIG)
			if !ok {
				continue
			}
			set := slices.DeleteFunc(slices.Clone(section), func(rr dns.RR) bool {
				return rr.Header().Rrtype != sig.TypeCovered || rr.Header().Name != sig.Hdr.Name
			})
			if err := sig.Verify(key, set); err != nil || !sig.ValidityPeriod(time.Now()) {
				t.Errorf("%s %s: %v", sig.Hdr.Name, dns.TypeToString[sig.TypeCovered], err)
			}
			signed++
		}
	}
	if do := m.IsEdns0() != nil && m.IsEdns0().Do(); do && signed == 0 && dns.IsSubDomain("example.", m.Question[0].Name) && !m.Truncated {
		t.Errorf("%s: no signature\n%s", m.Question[0].Name, m)
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if sig, ok := rr.(*dns.RRSIG); ok {
				sig.Inception, sig.Expiration, sig.Signature = 0, 0, ""
			}
		}
		slices.SortStableFunc(section, func(a, b dns.RR) int {
			as, aok := a.(*dns.RRSIG)
			bs, bok := b.(*dns.RRSIG)
			switch {
			case aok && bok:
				return strings.Compare(as.String(), bs.String())
			case aok:
				return 1
			case bok:
				return -1
			}
			return 0
		})
	}
	return fmt.Append(nil, m)
}
