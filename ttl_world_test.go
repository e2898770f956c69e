package blocklist

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/world"
	"github.com/miekg/dns"
)

type choices struct{ world.Choices }

func pick[T any](c *choices, list ...T) T { return list[c.N(len(list))] }

const lastSecond = 12

var (
	worldNames = []string{"a.", "b.", "a.a.", "b.a.", "a.b.", "b.b.a.", "_8443._https.a.", "_x.b."}
	worldNets  = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("192.0.2.0/24")}
	redirects  = []netip.Addr{netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2"), netip.MustParseAddr("2001:db8:f::1")}
)

func (c *choices) name() string { return pick(c, worldNames...) }

func (c *choices) dname() dname.Name { return world.Name(c.name()) }

func (c *choices) time() order.Time {
	if c.N(2) == 0 {
		return order.NoTime
	}
	return order.Time(noon.Unix()) + order.Time(c.N(lastSecond))
}

func (c *choices) end() order.Time {
	if t := c.time(); t == order.NoTime || t > order.Time(noon.Unix())+5 || c.OneIn(4) {
		return t
	}
	return order.Time(noon.Unix()) + lastSecond - 1
}

func (c *choices) windows() (ws []order.Window) {
	if !c.OneIn(5) {
		return nil
	}
	for range 1 + c.N(3) {
		ws = append(ws, order.Window{From: c.time(), Until: c.end()})
	}
	return ws
}

func (c *choices) status() order.Status {
	if c.OneIn(8) {
		return order.Status(1 + c.N(3))
	}
	return order.Active
}

func (c *choices) order(index int) *order.Order {
	o := order.New()
	o.ID, o.Index, o.Status = fmt.Sprint(index), index, c.status()
	o.Terms = &order.Terms{TTL: pick(c, -1, 0, 3*time.Second, time.Hour), Authority: order.Authority{Name: pick(c, "A", "B")}}
	o.Issued, o.From, o.Until, o.Windows = c.time(), c.time(), c.end(), c.windows()
	if c.OneIn(4) {
		o.Action = order.Lift
		if o.DecidedAt() == order.NoTime {
			o.Issued = order.Time(noon.Unix())
		}
		for range c.N(3) {
			o.Lifts = append(o.Lifts, fmt.Sprint(c.N(5)))
		}
	}
	o.Scope = &order.Scope{Global: true}
	if c.OneIn(4) {
		o.Scope = &order.Scope{Countries: []order.Country{pick[order.Country](c, "IT", "EU")}, Clients: []netip.Prefix{pick(c, worldNets...)}}
	}
	if o.Action == order.Block {
		if c.OneIn(4) {
			o.Exempt = []order.Exempt{{Clients: []netip.Prefix{pick(c, worldNets...)}, Until: c.time()}}
		}
		if o.Response.Kind = order.ResponseKind(c.N(5)); o.Response.Kind == order.Redirect {
			o.Response.Addresses = redirects[c.N(len(redirects)):]
		}
	}
	for range max(0, c.N(4)-2) {
		o.Except = append(o.Except, c.dname())
	}
	targets := 1 + c.N(3)
	if len(o.Lifts) > 0 && c.OneIn(3) {
		targets = 0
	}
	for range targets {
		o.Targets = append(o.Targets, c.target())
	}
	return o
}

func (c *choices) target() order.Target {
	t := order.Target{Name: c.dname(), Match: order.Match(c.N(3))}
	if c.OneIn(4) {
		t.Attr = order.NewAttr()
		t.Attr.From, t.Attr.Until, t.Attr.Windows, t.Attr.Status = c.time(), c.end(), c.windows(), c.status()
		if c.OneIn(3) {
			t.Attr.Except = []dname.Name{c.dname()}
		}
	}
	if c.OneIn(4) {
		if t.Attr == nil {
			t.Attr = order.NewAttr()
		}
		t.Kind, t.Name, t.Match = order.TargetAddress, dname.Name{}, 0
		t.Attr.EnforcedBy, t.Attr.Except = order.ByDNS, nil
		t.Attr.Address = netip.MustParsePrefix(pick(c, "198.51.100.0/24", "198.51.0.0/16", "2001:db8:1::/48"))
	}
	return t
}

type zone struct {
	sets           map[string][]dns.RR // by owner
	signed, alone  bool
	shuffle        int
	loose, looseNs []string
}

// Caches treat the last of these TTLs as 0 (RFC 2181, section 8).
func (c *choices) ttl() uint32 { return pick[uint32](c, 300, 0, 1, 2, 3, 5, 8, 1<<31-1, 1<<31+5) }

func (c *choices) zone() *zone {
	z := &zone{sets: map[string][]dns.RR{}, signed: c.N(2) == 1, alone: c.OneIn(3), shuffle: c.N(7)}
	for _, owner := range worldNames {
		add := func(format string, args ...any) {
			rr, err := dns.NewRR(fmt.Sprintf("%s %d IN ", owner, c.ttl()) + fmt.Sprintf(format, args...))
			if err != nil {
				panic(err)
			}
			z.sets[owner] = append(z.sets[owner], rr)
		}
		switch c.N(6) {
		case 0: // this name does not exist
		case 1, 2:
			add("CNAME %s", c.name())
			continue
		case 3:
			add("DNAME %s", c.name())
			fallthrough
		default:
			for range 1 + c.N(2) {
				add("A %s", pick(c, "192.0.2.1", "198.51.100.7", "198.51.7.7"))
			}
			if c.N(2) == 0 {
				add("AAAA %s", pick(c, "2001:db8:1::1", "2001:db8:2::1"))
			}
			if c.N(2) == 0 {
				add("HTTPS %d %s", c.N(2), c.name())
			} else if c.N(2) == 0 {
				add("HTTPS 1 . ipv4hint=%s", pick(c, "192.0.2.1", "198.51.100.7"))
			}
			add("MX 1 %s", c.name())
		}
	}
	if c.OneIn(3) {
		z.loose = append(z.loose, c.name())
	}
	if c.OneIn(3) {
		z.looseNs = append(z.looseNs, c.name())
	}
	return z
}

func (z *zone) answer(r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	q := r.Question[0]
	at := q.Name
	found := false
	for range 6 {
		if d := z.above(at); d != nil {
			alias := strings.TrimSuffix(at, d.Hdr.Name) + d.Target
			m.Answer = append(m.Answer, dns.Copy(d))
			if !z.alone {
				m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: at, Rrtype: dns.TypeCNAME, Class: 1, Ttl: d.Hdr.Ttl}, Target: alias})
			}
			at = alias
			continue
		}
		var alias string
		for _, rr := range z.sets[at] {
			if c, ok := rr.(*dns.CNAME); ok && q.Qtype != dns.TypeCNAME {
				alias = c.Target
			} else if t := rr.Header().Rrtype; t != q.Qtype && q.Qtype != dns.TypeANY {
				continue
			}
			m.Answer = append(m.Answer, dns.Copy(rr))
			found = found || alias == ""
			m.Extra = append(m.Extra, z.glue(rr)...)
		}
		if alias == "" {
			break
		}
		at = alias
	}
	for _, owner := range z.loose {
		if owner != q.Name { // the answer contains the records of the queried name itself
			m.Answer = append(m.Answer, z.direct(owner)...)
		}
	}
	if z.signed {
		for _, rr := range m.Answer {
			h := *rr.Header()
			covered := h.Rrtype
			h.Rrtype = dns.TypeRRSIG
			m.Answer = append(m.Answer, &dns.RRSIG{Hdr: h, TypeCovered: covered, OrigTtl: h.Ttl, SignerName: "."})
		}
	}
	if n := len(m.Answer); n > 0 {
		k := z.shuffle % n
		m.Answer = slices.Concat(m.Answer[k:], m.Answer[:k])
	}
	if !found {
		if z.sets[at] == nil {
			m.Rcode = dns.RcodeNameError
		}
		m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSOA, Class: 1, Ttl: 900}, Ns: "upstream.", Mbox: "upstream.", Minttl: 60}}
	}
	for _, owner := range z.looseNs {
		m.Ns = append(m.Ns, z.direct(owner)...)
	}
	return m
}

func (z *zone) above(name string) (highest *dns.DNAME) {
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		for _, rr := range z.sets[name[i:]] {
			if d, ok := rr.(*dns.DNAME); ok {
				highest = d
			}
		}
	}
	return highest
}

func (z *zone) direct(name string) (out []dns.RR) {
	if z.above(name) != nil {
		return nil
	}
	for _, rr := range z.sets[name] {
		switch rr.Header().Rrtype {
		case dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS:
			out = append(out, dns.Copy(rr))
		}
	}
	return out
}

func (z *zone) glue(rr dns.RR) (out []dns.RR) {
	var target string
	switch rr := rr.(type) {
	case *dns.MX:
		target = rr.Mx
	case *dns.HTTPS:
		target = rr.Target
	}
	if z.above(target) != nil {
		return nil // the DNAME hides the names below it (RFC 6672, section 2.4)
	}
	for _, rr := range z.sets[target] {
		if t := rr.Header().Rrtype; t == dns.TypeA || t == dns.TypeAAAA {
			out = append(out, dns.Copy(rr))
		}
	}
	return out
}

type worldGuard struct{ protected dname.Name }

func (g worldGuard) Name(w *dname.Wire) string {
	if n := w.Name(); g.protected.Covers(n) || n.Covers(g.protected) {
		return "protected"
	}
	return ""
}

func (worldGuard) Address(netip.Prefix) string    { return "" }
func (g worldGuard) Protected(w *dname.Wire) bool { return g.protected.Covers(w.Name()) }

type ttlWorld struct {
	t      testing.TB
	h      *Blocklist
	set    *ruleset.Set
	zone   *zone
	orders []*order.Order
	client ruleset.Client
	now    time.Time
	delay  time.Duration
}

func newTTLWorld(t testing.TB, c *choices) *ttlWorld {
	w := &ttlWorld{t: t, zone: c.zone()}
	w.client = ruleset.Client{Addr: netip.MustParseAddr(pick(c, "10.1.2.3", "10.2.2.3", "192.0.2.9")), Country: pick[order.Country](c, "IT", "CH")}
	opt := ruleset.Options{Response: order.Response{Kind: order.NXDOMAIN}, Addresses: c.N(2) == 0}
	if opt.Addresses {
		w.zone.loose = nil
	}
	if c.OneIn(4) {
		opt.Guard = worldGuard{c.dname()}
	}
	b := ruleset.NewBuilder("world.yaml", opt)
	for i := range 2 + c.N(5) {
		o := c.order(i)
		w.orders = append(w.orders, o)
		b.Add(o)
	}
	p, _ := b.Freeze()
	w.set = ruleset.Merge([]*ruleset.Part{p}, opt)
	w.h = &Blocklist{block: &block{
		zones: plugin.Zones{"."},
		set:   func() *ruleset.Set { return w.set },
		now:   func() time.Time { return w.now },
	}}
	w.h.answer = answer.Config{TTL: pick(c, 30*time.Second, 2*time.Second), Language: "en"}
	w.h.store.Rules = opt
	w.h.places.Home = w.client.Country
	w.h.Next = plugin.HandlerFunc(func(_ context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
		w.now = w.now.Add(w.delay)
		return 0, rw.WriteMsg(w.zone.answer(r))
	})
	return w
}

func (w *ttlWorld) ask(q dns.Question, now time.Time, delay time.Duration) (*dns.Msg, time.Time) {
	w.now, w.delay = now, delay
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 7}, Question: []dns.Question{q}}
	m.SetEdns0(1232, true)
	rec := dnstest.NewRecorder(&from{ip: w.client.Addr.String()})
	w.h.ServeDNS(context.Background(), rec, m)
	return rec.Msg, w.now
}

func (w *ttlWorld) String() string {
	var b bytes.Buffer
	order.Encode(&b, ".yaml", order.Header{}, w.orders)
	fmt.Fprintf(&b, "client %v, addresses %v, guard %v\n", w.client, w.h.store.Rules.Addresses, w.h.store.Rules.Guard)
	for _, n := range worldNames {
		for _, rr := range w.zone.sets[n] {
			fmt.Fprintln(&b, rr)
		}
	}
	return b.String()
}
