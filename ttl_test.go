package blocklist

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/world"
	"github.com/miekg/dns"
)

var worldTypes = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeMX, dns.TypeCNAME, dns.TypeTXT, dns.TypeDNSKEY, dns.TypeANY, dns.TypeDS}

func forged(m *dns.Msg) bool {
	if m.Rcode == dns.RcodeRefused {
		return true
	}
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok && soa.Ns == "." {
			return true
		}
	}
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok && slices.Contains(redirects, netip.AddrFrom4([4]byte(a.A.To4()))) {
			return true
		}
		if a, ok := rr.(*dns.AAAA); ok && slices.Contains(redirects, netip.AddrFrom16([16]byte(a.AAAA))) {
			return true
		}
	}
	return false
}

func timeless(m *dns.Msg) string {
	m = m.Copy()
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		if rr.Header().Rrtype != dns.TypeOPT {
			rr.Header().Ttl = 0
		}
		if soa, ok := rr.(*dns.SOA); ok && soa.Ns == "." {
			soa.Minttl = 0
		}
	}
	return m.String()
}

// No cache keeps a record with a TTL of 0 or above 2^31-1 (RFC 2181, section 8).
func life(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0 // RFC 2181, section 8
	}
	return time.Duration(ttl) * time.Second
}

func longest(m *dns.Msg) (d time.Duration) {
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		if rr.Header().Rrtype != dns.TypeOPT {
			d = max(d, life(rr.Header().Ttl))
		}
	}
	return d
}

func moments(from, until time.Time, yield func(time.Time)) {
	yield(from)
	last := noon.Add(lastSecond * time.Second)
	for s := from.Truncate(time.Second).Add(time.Second); s.Before(until) && !s.After(last); s = s.Add(time.Second) {
		yield(s)
	}
}

// CoreDNS keeps an answer for the smallest TTL in the answer. BIND and Unbound do the same with
// negative answers.
func (w *ttlWorld) check(q dns.Question, at time.Time, delay time.Duration) (blocked bool) {
	w.t.Helper()
	got, now := w.ask(q, at, delay)
	blocked = forged(got)
	moments(now, now.Add(longest(got)), func(s time.Time) {
		if fresh, _ := w.ask(q, s, 0); timeless(fresh) != timeless(got) {
			w.t.Fatalf("%s asked at %v, answered at %v:\n%v\nbut at %v it is\n%v\n%s", q.String(), at, now, got, s, fresh, w)
		}
	})
	if blocked {
		w.checkBelow(q, got, now)
	} else {
		w.checkRecords(q, got, now)
	}
	return blocked
}

// After NXDOMAIN, a cache may answer NXDOMAIN for all names below (RFC 8020). So the server must do
// the same, except for the type DS.
func (w *ttlWorld) checkBelow(q dns.Question, got *dns.Msg, now time.Time) {
	w.t.Helper()
	if got.Rcode != dns.RcodeNameError {
		return
	}
	soa := got.Ns[0].(*dns.SOA)
	for _, name := range append([]string{"other." + q.Name}, worldNames...) {
		if !dns.IsSubDomain(q.Name, name) {
			continue
		}
		moments(now, now.Add(life(min(soa.Hdr.Ttl, soa.Minttl))), func(s time.Time) {
			for _, t := range []uint16{dns.TypeA, dns.TypeHTTPS, dns.TypeDNSKEY} {
				if fresh, _ := w.ask(dns.Question{Name: name, Qtype: t, Qclass: 1}, s, 0); !forged(fresh) || fresh.Rcode != dns.RcodeNameError {
					w.t.Fatalf("%s asked, answered at %v:\n%v\nbut at %v, below it\n%v\n%s", q.String(), now, got, s, fresh, w)
				}
			}
		})
	}
}

func (w *ttlWorld) checkRecords(q dns.Question, got *dns.Msg, now time.Time) {
	w.t.Helper()
	records := slices.Concat(got.Answer, got.Ns, got.Extra)
	if len(w.zone.loose) > 0 {
		records = got.Answer
	}
	for _, rr := range records {
		h := rr.Header()
		switch h.Rrtype {
		case dns.TypeOPT, dns.TypeRRSIG, dns.TypeDNAME, dns.TypeSOA:
			continue
		}
		if life(h.Ttl) == 0 {
			continue
		}
		moments(now, now.Add(life(h.Ttl)), func(s time.Time) {
			if h.Rrtype == dns.TypeCNAME {
				var asked ruleset.QName
				asked.Set(h.Name)
				asked.Service = answer.ServiceLabels(&asked, q.Qtype)
				if v := w.set.Decide(&asked, ruleset.Query{Client: w.client, Now: order.Time(s.Unix())}); v.Blocked() && !answer.Passes(q.Qtype, v.Subtree) {
					w.t.Fatalf("%s asked, answered at %v:\n%v\nbut at %v, %v is blocked\n%s", q.String(), now, got, s, rr, w)
				}
				return
			}
			if fresh, _ := w.ask(dns.Question{Name: h.Name, Qtype: h.Rrtype, Qclass: 1}, s, 0); forged(fresh) {
				w.t.Fatalf("%s asked, answered at %v:\n%v\nbut at %v, %v gets\n%v\n%s", q.String(), now, got, s, rr, fresh, w)
			}
		})
	}
}

func explore(t testing.TB, data []byte) (blocked int) {
	c := &choices{world.Choices{B: data}}
	w := newTTLWorld(t, c)
	for range 6 {
		q := dns.Question{Name: c.name(), Qtype: pick(c, worldTypes...), Qclass: dns.ClassINET}
		at := noon.Add(time.Duration(c.N(lastSecond))*time.Second + pick(c, 0, time.Nanosecond, time.Second/2, time.Second-1))
		delay := pick(c, 0, 0, time.Second/2, 2*time.Second+time.Nanosecond)
		if w.check(q, at, delay) {
			blocked++
		}
	}
	return blocked
}

func TestNotCut(t *testing.T) {
	const orders = `version: 1
defaults: {authority: {name: A}, scope: global, from: 2026-05-01T12:00:10Z}
orders:
- {id: shadow, status: shadow, targets: [shadow.example]}
- {id: shadowed, targets: [{name: target.example, status: shadow}]}
- {id: draft, status: draft, targets: [draft.example]}
- {id: suspended, status: suspended, targets: [suspended.example]}
- {id: held, targets: [held.example]}
- {id: country, scope: {countries: [IT]}, targets: [country.example]}
- {id: client, scope: {clients: [192.0.2.0/24]}, targets: [client.example]}
- {id: exempt, exempt: [10.0.0.0/8], targets: [exempt.example]}
- {id: except, targets: [except.example], except: [www.except.example]}
- {id: exact, targets: [{name: exact.example, match: exact}]}
- {id: ended, from: 2020-01-01, until: 2026-05-01T12:00:00Z, targets: [ended.example]}
- {id: lifted, issued: 2026-04-01, targets: [lifted.example]}
- {id: lift, action: lift, lifts: [lifted], issued: 2026-04-02, from: 2026-04-02, targets: [lifted.example]}
- {id: address, status: shadow, targets: [{address: 192.0.2.1, enforced_by: dns}]}
- {id: routers, targets: [{address: 192.0.2.1}]}
- {id: now, targets: [now.example]}
`
	w := &ttlWorld{t: t, client: ruleset.Client{Addr: netip.MustParseAddr("10.0.0.1")}}
	held, _ := dname.Parse("held.example")
	opt := ruleset.Options{Guard: worldGuard{held}, Addresses: true}
	b := ruleset.NewBuilder("o.yaml", opt)
	if _, problems := order.Parse("o.yaml", strings.NewReader(orders), order.Options{Emit: b.Add}); len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	p, _ := b.Freeze()
	w.set = ruleset.Merge([]*ruleset.Part{p}, opt)
	now := noon
	w.h = newTestHandler(t, orders, &now)
	w.h.now = func() time.Time { return w.now }
	w.h.set = func() *ruleset.Set { return w.set }
	w.h.store.Rules = opt
	for name, cut := range map[string]bool{
		"shadow": false, "target": false, "draft": false, "suspended": false, "held": false, "country": false, "client": false,
		"exempt": false, "www.except": false, "www.exact": false, "ended": false, "lifted": false,
		"www.now": true, "except": true, "exact": true,
	} {
		name += ".example."
		for _, zone := range []string{name + " 300 A 192.0.2.1", "asked.example. 300 CNAME " + name + "\n" + name + " 300 A 192.0.2.1"} {
			w.h.Next = upstream(t, zone)
			asked, _, _ := strings.Cut(zone, " ")
			got, _ := w.ask(dns.Question{Name: asked, Qtype: dns.TypeA, Qclass: 1}, noon, 0)
			if (longest(got) == 10*time.Second) != cut || (longest(got) == 300*time.Second) == cut {
				t.Errorf("cut: %v expected\n%v", cut, got)
			}
		}
	}
}

func FuzzTTL(f *testing.F) {
	f.Add([]byte{})
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		f.Add(randomBytes(r))
	}
	f.Fuzz(func(t *testing.T, data []byte) { explore(t, data) })
}

func randomBytes(r *rand.Rand) []byte {
	data := make([]byte, 400)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func TestTTL(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	blocked, worlds := 0, 500
	for range worlds {
		blocked += explore(t, randomBytes(r))
	}
	if blocked < worlds || blocked > 5*worlds {
		t.Errorf("%d of %d queries were blocked: too few to test anything", blocked, 6*worlds)
	}
}
