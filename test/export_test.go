//go:build e2e

package test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/export"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	randomorders "github.com/dns-orders/blocklist/test/world"
	"github.com/miekg/dns"
)

var worlds = flag.Int("worlds", 30, "the number of random order sets of TestExportedNames")

const zoneHead = "@ 30 IN SOA localhost. hostmaster.localhost. 1 3600 600 86400 30\n@ 30 IN NS localhost.\n"

var consumers = []struct {
	name, form string
	start      func(t *testing.T, dir, addr, upstream string, texts ...string)
}{
	{"unbound rpz", "rpz", func(t *testing.T, dir, addr, upstream string, texts ...string) {
		var zones string
		for i, text := range texts {
			write(t, filepath.Join(dir, fmt.Sprintf("rpz%d.zone", i)), zoneHead+text)
			zones += fmt.Sprintf("rpz:\n  name: rpz%d.test\n  zonefile: rpz%[1]d.zone\n", i)
		}
		program.StartUnbound(t, dir, addr, upstream, "  module-config: \"respip iterator\"\n", zones)
	}},
	{"unbound local-zone", "unbound", func(t *testing.T, dir, addr, upstream string, texts ...string) {
		write(t, filepath.Join(dir, "orders.conf"), texts[0])
		program.StartUnbound(t, dir, addr, upstream, "  include: orders.conf\n", "")
	}},
	{"bind", "rpz", func(t *testing.T, dir, addr, upstream string, texts ...string) {
		var policy, zones string
		for i, text := range texts {
			write(t, filepath.Join(dir, fmt.Sprintf("rpz%d.zone", i)), zoneHead+text)
			policy += fmt.Sprintf("zone \"rpz%d.test\" add-soa no; ", i)
			zones += fmt.Sprintf("zone \"rpz%d.test\" { type primary; file \"rpz%[1]d.zone\"; check-names ignore; allow-query { none; }; };\n", i)
		}
		host, p, _ := net.SplitHostPort(upstream)
		write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(bindOptions, dir, portOf(addr), fmt.Sprintf(`forward only; forwarders { %s port %s; };
	dnssec-validation no;
	response-policy { %s} qname-wait-recurse no break-dnssec yes;`, host, p, policy))+zones)
		program.Start(t, dir, "named", "-g", "-n", "1", "-c", "named.conf")
	}},
	{"recursor", "rpz", func(t *testing.T, dir, addr, upstream string, texts ...string) {
		var lua string
		for i, text := range texts {
			write(t, filepath.Join(dir, fmt.Sprintf("rpz%d.zone", i)), zoneHead+text)
			lua += fmt.Sprintf("rpzFile('%s/rpz%d.zone', {policyName='orders%[2]d'})\n", dir, i)
		}
		startRecursorWith(t, dir, addr, upstream, lua, "dnssec=off\n")
	}},
	{"knot", "rpz", func(t *testing.T, dir, addr, upstream string, texts ...string) {
		write(t, filepath.Join(dir, "rpz.zone"), zoneHead+texts[0])
		startKnotWith(t, t.TempDir(), addr, upstream, strings.ReplaceAll(pageBlock(t, "kresd.conf forwarding"), "/var/lib/knot-resolver/", dir+"/"))
	}},
	{"dnsmasq", "dnsmasq", func(t *testing.T, dir, addr, upstream string, texts ...string) {
		write(t, filepath.Join(dir, "orders.conf"), texts[0])
		program.Start(t, dir, "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=orders.conf", "--pid-file=", "--user=",
			"--no-resolv", "--no-hosts", "--cache-size=0", "--bind-interfaces", "--listen-address=127.0.0.1", "--port="+portOf(addr),
			"--server="+strings.Replace(upstream, ":", "#", 1))
	}},
}

const realAddress = "203.0.113.1"

func startPlainUpstream(t *testing.T) string {
	addr := port.Address(t)
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		m.RecursionAvailable = true
		q := r.Question[0]
		head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 60}
		switch q.Qtype {
		case dns.TypeA:
			m.Answer = []dns.RR{&dns.A{Hdr: head, A: net.ParseIP(realAddress)}}
		case dns.TypeTXT:
			m.Answer = []dns.RR{&dns.TXT{Hdr: head, Txt: []string{"real"}}}
		default:
			head.Name, head.Rrtype = ".", dns.TypeSOA
			m.Ns = []dns.RR{&dns.SOA{Hdr: head, Ns: ".", Mbox: ".", Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: 60}}
		}
		w.WriteMsg(m)
	})
	for _, network := range []string{"udp", "tcp"} {
		started := make(chan struct{})
		s := &dns.Server{Addr: addr, Net: network, Handler: handler, NotifyStartedFunc: func() { close(started) }}
		go s.ListenAndServe()
		<-started
		t.Cleanup(func() { s.Shutdown() })
	}
	return addr
}

type exportQuestion struct {
	name  string
	qtype uint16
	want  string
	soft  bool // NXDOMAIN and NODATA are both right
}

func exportWorlds(t *testing.T, form string, count int) (text string, questions []exportQuestion) {
	r := rand.New(rand.NewPCG(11, 12))
	for found := 0; found < count; {
		c := randomorders.Random(r, 300)
		c.Top = fmt.Sprintf("w%d.example", found)
		w := randomorders.New(c)
		now := order.Time(c.N(randomorders.LastSecond))
		refused := order.ResponseUnset
		if form == "rpz" {
			refused = order.NODATA
		}
		m, err := export.NewMaker(export.Options{Form: form, Country: "IT", Refused: refused, Sealed: true, TTL: 30 * time.Second, Origin: 10})
		if err != nil {
			t.Fatal(err)
		}
		set := w.Set()
		x := m.Make(set, now)
		if len(x.Body) == 0 {
			continue
		}
		found++
		text += string(x.Body)
		questions = append(questions, worldQuestions(set, c.Top, form, now)...)
	}
	return text, questions
}

func worldQuestions(set *ruleset.Set, top, form string, now order.Time) (questions []exportQuestion) {
	for i, n := range randomorders.Names(top)[2:] {
		q := ruleset.QName{}
		q.SetName(n)
		v := set.Decide(&q, ruleset.Query{Client: ruleset.Client{Country: "IT"}, Now: now})
		for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT} {
			if qtype == dns.TypeTXT && i%4 > 0 {
				continue
			}
			questions = append(questions, exportQuestion{n.FQDN(), qtype, wanted(v, qtype, form), q.ServiceLabels() > 0})
		}
	}
	return questions
}

func wanted(v ruleset.Verdict, qtype uint16, form string) string {
	switch kind := v.Response.Kind; {
	case !v.Blocked() && qtype == dns.TypeTXT:
		return "TXT"
	case !v.Blocked():
		return realAddress
	case kind == order.NXDOMAIN && v.Subtree == ruleset.SubtreeNXDOMAIN:
		return "NXDOMAIN"
	case kind == order.Refused && form != "rpz":
		return "REFUSED"
	case kind == order.Redirect && qtype == dns.TypeA:
		var out []string
		for _, a := range v.Response.Addresses {
			if a.Is4() {
				out = append(out, a.String())
			}
		}
		if len(out) > 0 {
			return strings.Join(out, " ")
		}
	}
	return "NODATA"
}

func askExported(t *testing.T, addr string, questions []exportQuestion) {
	t.Helper()
	var wg sync.WaitGroup
	var next, wrong atomic.Int64
	for range 4 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(questions)); i = next.Add(1) - 1 {
				q := questions[i]
				got := outcome(exchange(t, addr, q.name, q.qtype))
				if got == q.want || q.soft && slices.Contains([]string{"NXDOMAIN", "NODATA"}, got) && q.want == "NODATA" {
					continue
				}
				if wrong.Add(1) < 10 {
					t.Errorf("%s %s: %s, want %s", q.name, dns.TypeToString[q.qtype], got, q.want)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.Logf("%d wrong answers of %d", wrong.Load(), len(questions))
	}
}

func TestExportedNames(t *testing.T) {
	t.Parallel()
	upstream := startPlainUpstream(t)
	var asked atomic.Int64
	var wg sync.WaitGroup
	for _, c := range consumers {
		wg.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				text, questions := exportWorlds(t, c.form, *worlds)
				addr := port.Address(t)
				c.start(t, t.TempDir(), addr, upstream, text)
				awaitAnswer(t, addr, "other.example")
				askExported(t, addr, questions)
				asked.Add(int64(len(questions)))
				if t.Failed() {
					t.Logf("%s", text[:min(len(text), 2000)])
				}
			})
		})
	}
	wg.Wait()
	fmt.Printf("counts: %d questions to %d resolvers with exported names of %d order sets each\n", asked.Load(), len(consumers), *worlds)
}

func partWorlds(t *testing.T, parts, count int) (texts []string, questions []exportQuestion) {
	r := rand.New(rand.NewPCG(13, 14))
	texts = make([]string, parts)
	for found := 0; found < count; {
		c := randomorders.Random(r, 300)
		c.Top = fmt.Sprintf("w%d", found)
		w := randomorders.New(c)
		now := order.Time(c.N(randomorders.LastSecond))
		set := w.Set()
		cfg := rpz.Config{Countries: []order.Country{"IT"}, Refused: order.NODATA, TTL: 30 * time.Second, Origin: 11, Parts: parts}
		zone := rpz.Build(set, now, cfg, &rpz.Table{}).Close()
		if zone.Records() == 0 {
			continue
		}
		found++
		for i := range parts {
			var text []byte
			for e := range zone.Part(i).Entries() {
				text = e.AppendText(text)
			}
			texts[i] += string(text)
		}
		questions = append(questions, worldQuestions(set, c.Top, "rpz", now)...)
	}
	return texts, questions
}

func TestPartsOfNames(t *testing.T) {
	t.Parallel()
	upstream := startPlainUpstream(t)
	const parts = 4
	texts, questions := partWorlds(t, parts, *worlds)
	for i, text := range texts {
		if n := strings.Count(text, "\n"); n < *worlds/2 {
			t.Errorf("part %d has only %d records, so the test proves little", i+1, n)
		}
	}
	var wg sync.WaitGroup
	for _, c := range consumers {
		if !slices.Contains([]string{"unbound rpz", "bind", "recursor"}, c.name) {
			continue
		}
		wg.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				addr := port.Address(t)
				c.start(t, t.TempDir(), addr, upstream, texts...)
				awaitAnswer(t, addr, "other.example")
				askExported(t, addr, questions)
			})
		})
	}
	wg.Wait()
	fmt.Printf("counts: %d questions to each of 3 resolvers with %d order sets in %d parts\n", len(questions), *worlds, parts)
}
