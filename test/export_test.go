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
	"github.com/dns-orders/blocklist/plugin/ruleset"
	randomorders "github.com/dns-orders/blocklist/test/world"
	"github.com/miekg/dns"
)

var worlds = flag.Int("worlds", 30, "the number of random order sets of TestExportedNames")

const zoneHead = "@ 30 IN SOA localhost. hostmaster.localhost. 1 3600 600 86400 30\n@ 30 IN NS localhost.\n"

var consumers = []struct {
	name, form string
	start      func(t *testing.T, dir, addr, upstream, text string)
}{
	{"unbound rpz", "rpz", func(t *testing.T, dir, addr, upstream, text string) {
		write(t, filepath.Join(dir, "rpz.zone"), zoneHead+text)
		startUnboundWith(t, dir, addr, upstream, "  module-config: \"respip iterator\"\n", "rpz:\n  name: rpz.test\n  zonefile: rpz.zone\n")
	}},
	{"unbound local-zone", "unbound", func(t *testing.T, dir, addr, upstream, text string) {
		write(t, filepath.Join(dir, "orders.conf"), text)
		startUnboundWith(t, dir, addr, upstream, "  include: orders.conf\n", "")
	}},
	{"bind", "rpz", func(t *testing.T, dir, addr, upstream, text string) {
		write(t, filepath.Join(dir, "rpz.zone"), zoneHead+text)
		host, p, _ := net.SplitHostPort(upstream)
		write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(bindOptions, dir, portOf(addr), fmt.Sprintf(`forward only; forwarders { %s port %s; };
	dnssec-validation no;
	response-policy { zone "rpz.test" add-soa no; } qname-wait-recurse no break-dnssec yes;`, host, p))+`zone "rpz.test" { type primary; file "rpz.zone"; check-names ignore; allow-query { none; }; };
`)
		daemon(t, dir, "named", "-g", "-n", "1", "-c", "named.conf")
	}},
	{"recursor", "rpz", func(t *testing.T, dir, addr, upstream, text string) {
		write(t, filepath.Join(dir, "rpz.zone"), zoneHead+text)
		write(t, filepath.Join(dir, "recursor.lua"), fmt.Sprintf("clearTA()\nrpzFile('%s/rpz.zone', {policyName='orders'})\n", dir))
		write(t, filepath.Join(dir, "recursor.conf"), fmt.Sprintf(`local-address=127.0.0.1
local-port=%s
forward-zones-recurse=.=%s
dnssec=off
lua-config-file=%s/recursor.lua
socket-dir=%[3]s
query-local-address=127.0.0.1
dont-query=
security-poll-suffix=
write-pid=no
disable-syslog=yes
threads=1
`, portOf(addr), upstream, dir))
		daemon(t, dir, "pdns_recursor", "--config-dir="+dir)
	}},
	{"knot", "rpz", func(t *testing.T, dir, addr, upstream, text string) {
		write(t, filepath.Join(dir, "rpz.zone"), zoneHead+text)
		startKnotRules(t, addr, upstream, strings.ReplaceAll(pageBlock(t, "kresd.conf forwarding"), "/var/lib/knot-resolver/", dir+"/"))
	}},
	{"dnsmasq", "dnsmasq", func(t *testing.T, dir, addr, upstream, text string) {
		write(t, filepath.Join(dir, "orders.conf"), text)
		daemon(t, dir, "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=orders.conf", "--pid-file=", "--user=",
			"--no-resolv", "--no-hosts", "--cache-size=0", "--bind-interfaces", "--listen-address=127.0.0.1", "--port="+portOf(addr),
			"--server="+strings.Replace(upstream, ":", "#", 1))
	}},
}

func startUnboundWith(t *testing.T, dir, addr, upstream, options, more string) {
	write(t, filepath.Join(dir, "unbound.conf"), fmt.Sprintf(`server:
  interface: %s
  directory: %q
  chroot: ""
  username: ""
  pidfile: ""
  logfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  log-local-actions: no
%sremote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %s
%s`, strings.Replace(addr, ":", "@", 1), dir, options, strings.Replace(upstream, ":", "@", 1), more))
	daemon(t, dir, "unbound", "-d", "-c", "unbound.conf")
}

func startKnotRules(t *testing.T, addr, upstream, rules string) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "knot.conf"), fmt.Sprintf(`
net.listen('127.0.0.1', %s, { kind = 'dns' })
cache.open(10 * MB, 'lmdb://%s')
modules.unload('priming')
modules.unload('ta_update')
modules.unload('ta_signal_query')
trust_anchors.remove('.')
%s
`, portOf(addr), dir, strings.Replace(rules, "192.0.2.1", strings.Replace(upstream, ":", "@", 1), 1)))
	daemon(t, dir, "kresd", "-n", "-c", filepath.Join(dir, "knot.conf"), dir)
}

const realAddress = "203.0.113.1"

// startPlainUpstream starts a server that has an A and a TXT record at each name.
func startPlainUpstream(t *testing.T) string {
	addr := freePort(t)
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
			// All names are in the root zone, so the zone has no cuts.
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

// exportWorlds exports random orders in one form until count exports are not empty. It returns the
// text of all exports, and questions about names in the orders.
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
		for i, n := range randomorders.Names(c.Top)[2:] {
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
	}
	return text, questions
}

// wanted returns the expected outcome for a verdict, in the notation of the function outcome. For
// example, the outcome is "NXDOMAIN".
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

// TestExportedNames gives exports of random orders to resolvers of other projects. It
// compares their answers with the decisions about the orders.
func TestExportedNames(t *testing.T) {
	t.Parallel()
	upstream := startPlainUpstream(t)
	var asked atomic.Int64
	var wg sync.WaitGroup
	for _, c := range consumers {
		wg.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				text, questions := exportWorlds(t, c.form, *worlds)
				addr := freePort(t)
				c.start(t, t.TempDir(), addr, upstream, text)
				awaitAnswer(t, addr, "other.example")
				var wg sync.WaitGroup
				var next, wrong atomic.Int64
				for range 4 {
					wg.Go(func() {
						for i := next.Add(1) - 1; i < int64(len(questions)); i = next.Add(1) - 1 {
							q := questions[i]
							got := outcome(exchange(t, addr, q.name, q.qtype))
							asked.Add(1)
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
					t.Logf("%d wrong answers of %d\n%s", wrong.Load(), len(questions), text[:min(len(text), 2000)])
				}
			})
		})
	}
	wg.Wait()
	fmt.Printf("counts: %d questions to %d resolvers with exported names of %d order sets each\n", asked.Load(), len(consumers), *worlds)
}
