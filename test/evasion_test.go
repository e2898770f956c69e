//go:build e2e

package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func evasion(t *testing.T, addr string, h history) {
	a := newAsker(t, addr)
	defer a.close()
	types := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeNS, dns.TypeSOA, dns.TypeCAA,
		dns.TypeMX, dns.TypeTXT, dns.TypeDNSKEY, dns.TypeDS, 65280}
	subtrees, hosts, asked := 0, 0, 0
	for name, exact := range h.isolated() {
		if count := map[bool]*int{false: &subtrees, true: &hosts}[exact]; *count >= 40 && !strings.Contains(name, "xn--") {
			continue
		} else {
			*count++
		}
		for _, spelled := range []string{
			name + ".",
			strings.ToUpper(name) + ".",
			rawName(labelsOf(strings.ToUpper(name[:2]) + name[2:])).spelled(func() bool { return true }),
		} {
			for _, qtype := range types {
				for _, class := range []uint16{dns.ClassINET, dns.ClassANY} {
					// A host order gives NODATA. NXDOMAIN would deny the names below (RFC 8020).
					// DNSKEY queries must pass, because the names below need the keys.
					want, rcode := true, dns.RcodeNameError
					if exact {
						want, rcode = qtype != dns.TypeDNSKEY, dns.RcodeSuccess
					}
					if qtype == dns.TypeDS {
						want = false
					}
					m := new(dns.Msg).SetQuestion(spelled, qtype)
					m.Question[0].Qclass = class
					m.SetEdns0(1232, false)
					r := a.exchange(m, false)
					asked++
					blocked := censored(r) && r.Rcode == rcode && r.Ns[0].Header().Rrtype == dns.TypeSOA && r.Ns[0].Header().Class == dns.ClassINET
					passed := r.Rcode == dns.RcodeSuccess && (len(r.Answer) == 1 && strings.HasSuffix(r.Answer[0].String(), passing) ||
						len(r.Ns) == 1 && r.Ns[0].Header().Name == passingNS)
					if blocked != want || passed == want {
						t.Errorf("%s %s %s: blocked %v, passed %v, want blocked %v:\n%v", spelled, dns.Class(class), dns.Type(qtype), blocked, passed, want, r)
					}
				}
			}
		}
	}
	fmt.Printf("counts: evasion: %d questions about %d subtrees and %d hosts, none walked around\n", asked, subtrees, hosts)
	if subtrees < 40 || hosts < 5 {
		t.Errorf("%d subtrees and %d hosts are too few to prove anything", subtrees, hosts)
	}
}

func (h history) isolated() map[string]bool {
	all := map[string][]bool{} // for each name, whether its targets are for the host alone
	for _, o := range h {
		for _, x := range o.targets {
			all[x.name] = append(all[x.name], x.exact)
		}
	}
	out := map[string]bool{}
	for name, exact := range all {
		if blocked, _ := h.blocked(name); blocked && len(exact) == 1 {
			out[name] = exact[0]
		}
	}
	for name := range all {
		for up := name; strings.Contains(up, "."); {
			_, up, _ = strings.Cut(up, ".")
			if _, ok := all[up]; ok {
				delete(out, up)
				delete(out, name)
			}
		}
	}
	return out
}
