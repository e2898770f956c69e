// Package blocklist is a CoreDNS plugin that carries out DNS blocking orders of courts and
// regulators. It answers queries for blocked names with the reason. All other queries go
// to the next plugin.
package blocklist

import (
	"context"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/coredns/coredns/request"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
	"github.com/opentracing/opentracing-go"
)

const name = "blocklist"

// Blocklist is the handler of a server block. CoreDNS creates one handler for each zone
// and listener of the server block.
type Blocklist struct {
	Next plugin.Handler
	*block
}

// A block is the state that all handlers of one server block share.
type block struct {
	config
	zones plugin.Zones
	// set returns the order set in force. now returns the time of the store's clock. Both
	// are nil before the start.
	set func() *ruleset.Set
	now func() time.Time
	// loaded is the store that loads the order set.
	loaded *store.Store
	// hits counts the hits of each order. It is nil before the start.
	hits *hits.Counter
	// geoip is CoreDNS's geoip plugin. It is nil if this server block does not have geoip.
	geoip metadata.Provider
}

// Name implements plugin.Handler.
func (b *Blocklist) Name() string { return name }

// Ready implements ready.Readiness. It reports the readiness of all server blocks, because CoreDNS
// calls Ready for only one handler of each plugin.
func (b *Blocklist) Ready() bool { return store.AllReady() }

// ServeDNS implements plugin.Handler.
//
// The stack frame of ServeDNS must be small, because the next plugins run below it on the stack.
// When the stack of a goroutine is full, Go copies it to a larger stack. A copy takes longer than
// the work of this plugin.
func (b *Blocklist) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	rw, answered := b.answerOrWatch(ctx, w, r)
	if answered {
		// The reply is already written. For the return code REFUSED, the server would
		// write a second reply.
		return dns.RcodeSuccess, nil
	}
	if rw != nil {
		ctx, w = rw, rw
	}
	if b.Next == nil || traced(ctx) {
		return plugin.NextOrFailure(name, b.Next, ctx, w, r)
	}
	// NextOrFailure would need an allocation and a stack frame. It is only necessary to trace the
	// query, or to return an error if there is no next plugin.
	return b.Next.ServeDNS(ctx, w, r)
}

//go:noinline
func traced(ctx context.Context) bool { return opentracing.SpanFromContext(ctx) != nil }

// answerOrWatch answers a query for a blocked name, and reports whether it has answered.
// Otherwise it returns a writer that checks the next plugin's answer, or nil.
//
//go:noinline
func (b *Blocklist) answerOrWatch(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (rw *responseWriter, answered bool) {
	if b.resinfo != nil && asksResolverInfo(r) {
		if m := b.resolverInfo(w, r); m != nil {
			w.WriteMsg(m)
			return nil, true
		}
	}
	set := b.set()
	if set.Empty() || !ordersApply(r) {
		return nil, false
	}
	if outer := clientWriter(ctx); outer != nil && outer.b.loaded == b.loaded {
		// The query does not come from the client. A plugin after blocklist sent it, for example to
		// find the target of a CNAME. The query is not checked, because a cache must store the real
		// answer. The answer to the client is checked later.
		return nil, false
	}
	q := &r.Question[0]
	valid, covered := covers(set, q.Name)
	if !valid {
		return nil, false
	}
	v := passes{until: ruleset.Forever}
	if covered {
		var reply *dns.Msg
		if reply, v = b.decideQuery(ctx, set, w, r); reply != nil {
			w.WriteMsg(reply)
			return nil, true
		}
	}
	if q.Qtype == dns.TypeAXFR || q.Qtype == dns.TypeIXFR {
		// The answer is a zone transfer, which goes to another server and not to a client. It needs
		// no check.
		return nil, false
	}
	rw = &responseWriter{ResponseWriter: w, Context: ctx, b: b.block, set: set, req: r, header: r.MsgHdr, passes: v}
	if o := r.IsEdns0(); o != nil {
		rw.options = o.Option
	}
	return rw, false
}

// covers reports whether name is valid, and whether any order covers the name. It is a
// separate function. Its buffer then leaves the stack early.
//
//go:noinline
func covers(set *ruleset.Set, name string) (valid, covered bool) {
	var w dname.Wire
	if !w.Set(name) {
		return false, false
	}
	return true, set.Covers(&w)
}

// decideQuery decides about a query for a name with orders. It returns the reply or the
// verdict.
//
//go:noinline
func (b *block) decideQuery(ctx context.Context, set *ruleset.Set, w dns.ResponseWriter, r *dns.Msg) (*dns.Msg, passes) {
	var qname answer.Destination
	var j verdicts
	q := &r.Question[0]
	qname.Name.Set(q.Name)
	qname.Name.Service = answer.ServiceLabels(&qname.Name, q.Qtype)
	now := b.now()
	c := b.clientOf(ctx, set, w, r)
	query := ruleset.Query{Client: c.Client, Now: order.Time(now.Unix())}
	b.decide(&j, set, &qname, &query)
	if j.Blocked() && !answer.Passes(q.Qtype, j.Subtree) {
		return b.reply(ctx, set, w, r, &j.Verdict, now, &c), passes{}
	}
	p := passes{until: j.Until, countryDependent: j.CountryDependent}
	if j.shadow.Blocked() && !answer.Passes(q.Qtype, j.shadow.Subtree) {
		p.counted = true
		b.inShadow(ctx, set, r, &j.shadow, query.Now)
	} else if !j.Blocked() {
		b.setPassMetadata(ctx, set, &qname.Name, c.Client, query.Now)
	}
	return nil, p
}

// A verdicts value has two verdicts about a name or an address. The embedded Verdict decides the
// answer. The field "shadow" is the verdict with the orders in shadow mode. It is only counted.
type verdicts struct {
	ruleset.Verdict
	shadow ruleset.Verdict
}

// decide decides about the name or address l, and stores the verdicts in j.
func (b *block) decide(j *verdicts, set *ruleset.Set, l *answer.Destination, q *ruleset.Query) {
	*j = verdicts{Verdict: ruleset.Verdict{Until: ruleset.Forever}}
	if !b.shadow {
		verdict(&j.Verdict, set, l, q)
	}
	if !j.Blocked() && (b.shadow || set.HasShadow()) {
		q.Shadow = true
		verdict(&j.shadow, set, l, q)
	}
}

//go:noinline
func verdict(v *ruleset.Verdict, set *ruleset.Set, l *answer.Destination, q *ruleset.Query) {
	if l.Addr.IsValid() {
		*v = set.DecideAddress(l.Addr, *q)
	} else {
		*v = set.Decide(&l.Name, *q)
	}
}

func (b *block) reply(ctx context.Context, set *ruleset.Set, w dns.ResponseWriter, r *dns.Msg, v *ruleset.Verdict, now time.Time, c *client) *dns.Msg {
	// Read all values from the request here. WriteMsg changes the OPT record of the request later.
	state := request.Request{W: w, Req: r}
	echo := v.CountryDependent && c.subnet != nil
	size := state.Size() - roomAbove(r)
	if echo {
		size -= answer.SubnetRoom(c.subnet)
	}
	if r.Opcode != dns.OpcodeQuery {
		// A NOTIFY or UPDATE message requests an action, so NXDOMAIN and NODATA are not valid
		// answers. The answer is REFUSED, which means a refusal by policy (RFC 1996, section 3.8;
		// RFC 2136, section 2.2).
		v.Response.Kind = order.Refused
	}
	m := answer.Build(r, size, *v, now, &b.answer)
	if echo {
		answer.EchoSubnet(m, r.IsEdns0(), c.subnet)
	}
	if !isSelfTest(w) {
		b.count(ctx, blockedRequests, r, v)
		if b.hits.Add(set, v.Order, order.Time(now.Unix()), false) {
			b.loaded.Answered(v.Order)
		}
	}
	b.setMetadata(ctx, verdictBlocked, v.Order)
	return m
}

// inShadow counts a query that only an order in shadow mode would block. The query is not blocked.
func (b *block) inShadow(ctx context.Context, set *ruleset.Set, r *dns.Msg, v *ruleset.Verdict, now order.Time) {
	b.count(ctx, shadowRequests, r, v)
	b.hits.Add(set, v.Order, now, true)
	b.setMetadata(ctx, verdictShadow, v.Order)
}

func (b *block) count(ctx context.Context, c *counters, r *dns.Msg, v *ruleset.Verdict) {
	q := &r.Question[0]
	c.with(labels{metrics.WithServer(ctx), b.zones.Matches(q.Name), metrics.WithView(ctx), answer.Label(*v, q.Qtype)}).Inc()
}

// nsidRoom is the size in octets of the option that the nsid plugin adds: 4 octets of
// header and at most 128 octets of host name.
const nsidRoom = 4 + 128

// roomAbove returns the number of octets that the plugins above may add to the reply. The reply
// must leave this room free, because otherwise the SOA record might not fit.
func roomAbove(r *dns.Msg) int {
	if o := r.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if opt.Option() == dns.EDNS0NSID {
				return nsidRoom
			}
		}
	}
	return 0
}

// ordersApply reports whether r has exactly one question, of class IN or ANY. The opcode
// does not matter.
func ordersApply(r *dns.Msg) bool {
	if len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return q.Qclass == dns.ClassINET || q.Qclass == dns.ClassANY
}
