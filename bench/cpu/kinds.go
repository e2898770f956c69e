package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

type kind struct {
	name      string
	against   string
	blocks    bool
	configure func(r *lab, in *instance, dir string, a answer) (argv []string, err error)
}

var kinds = []kind{
	{"bare", "bare", false, coredns("")},
	{"bare again", "bare", false, coredns("")},
	{"another plugin", "bare", false, coredns("any")},
	{"no orders", "bare", false, coredns("blocklist nothing.yaml")},
	{"list", "bare", true, coredns("blocklist big.yaml")},
}

func coredns(directive string) func(*lab, *instance, string, answer) ([]string, error) {
	return func(r *lab, in *instance, dir string, a answer) ([]string, error) {
		lines := []string{"bind 127.0.0.1", "root " + r.dir, directive, a.coredns(r)}
		if r.plan.profile != "" {
			lines = append(lines, "pprof "+in.pprof)
		}
		corefile := filepath.Join(dir, "Corefile")
		text := fmt.Sprintf(".:%s {\n%s\n}\n", in.port, strings.Join(lines, "\n"))
		return []string{r.coredns, "-conf", corefile}, os.WriteFile(corefile, []byte(text), 0o600)
	}
}

type answer struct {
	name, what string
	rcode      int
	coredns    func(*lab) string
	// The function writes the reply of the upstream server into m. nil means no upstream server.
	upstream func(m *dns.Msg)
}

var answers = []answer{
	{"whoami", "the cheapest that CoreDNS has: whoami's two records", dns.RcodeSuccess, fixed("whoami"), nil},
	{"nxdomain", "template's bare NXDOMAIN, without records", dns.RcodeNameError, fixed("template ANY ANY {\n rcode NXDOMAIN\n}"), nil},
	{"cached", "from cache, an A record", dns.RcodeSuccess, cached("cached"), func(m *dns.Msg) {
		m.Answer = []dns.RR{a(m.Question[0].Name)}
	}},
	{"resolver", "the same in a resolver as people run it, with errors and prometheus", dns.RcodeSuccess, resolver("cached"), func(m *dns.Msg) {
		m.Answer = []dns.RR{a(m.Question[0].Name)}
	}},
	{"chain", "from cache, a CNAME to a CNAME to two A records, as delivery networks have them", dns.RcodeSuccess, cached("chain"), func(m *dns.Msg) {
		name := m.Question[0].Name
		edge := name + "edgekey.example."
		if len(edge) > 200 {
			edge = "x.edgekey.example."
		}
		const last = "e4711.dscb.akamaiedge.example."
		m.Answer = []dns.RR{cname(name, edge), cname(edge, last), a(last), a(last)}
	}},
}

func fixed(lines string) func(*lab) string { return func(*lab) string { return lines } }

func cached(name string) func(*lab) string {
	return func(r *lab) string {
		return fmt.Sprintf("cache 3600 {\n success 1000000\n}\nforward . %s", r.upstreams[name].addr)
	}
}

func resolver(name string) func(*lab) string {
	return func(r *lab) string { return "errors\nprometheus 127.0.0.1:0\n" + cached(name)(r) }
}

const ttl = 3600

func a(name string) dns.RR {
	return &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: []byte{192, 0, 2, 80}}
}

func cname(name, target string) dns.RR {
	return &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl}, Target: target}
}

func (k kind) String() string   { return k.name }
func (a answer) String() string { return a.name }

func namesOf[T fmt.Stringer](all []T) (out []string) {
	for _, x := range all {
		out = append(out, x.String())
	}
	return out
}

func choose[T fmt.Stringer](all []T, list string) (out []T, err error) {
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(namesOf(all), name)
		if i < 0 {
			return nil, fmt.Errorf("%q is not one of %s", name, strings.Join(namesOf(all), ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}
