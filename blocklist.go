// Package blocklist is a CoreDNS plugin that enforces DNS blocking orders of courts and regulators.
// The answers contain the reason for the block.
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

// Blocklist is the plugin handler. CoreDNS creates one handler for each zone and listener of a
// server block.
type Blocklist struct {
	Next plugin.Handler
	*block
}

type block struct {
	config
	zones plugin.Zones
	// Both functions are nil before the start.
	set func() *ruleset.Set
	now func() time.Time
	// loaded is the store that loads the order set.
	loaded *store.Store
	hits   *hits.Counter
	geoip  metadata.Provider
}

// Name implements plugin.Handler.
func (b *Blocklist) Name() string { return name }

// Ready reports whether all server blocks are ready. CoreDNS calls Ready for only one handler of
// each plugin.
func (b *Blocklist) Ready() bool { return store.AllReady() }

// ServeDNS implements plugin.Handler. Its stack frame must be small, because the next plugins need
// the rest of the stack. Go copies a full stack, and this takes longer than a look-up.
func (b *Blocklist) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	rw, answered := b.answerOrWatch(ctx, w, r)
	if answered {
		// The server would write a second reply for REFUSED.
		return dns.RcodeSuccess, nil
	}
	if rw != nil {
		ctx, w = rw, rw
	}
	if b.Next == nil || traced(ctx) {
		return plugin.NextOrFailure(name, b.Next, ctx, w, r)
	}
	return b.Next.ServeDNS(ctx, w, r)
}

//go:noinline
func traced(ctx context.Context) bool { return opentracing.SpanFromContext(ctx) != nil }

// The function answers a query for a blocked name.
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
		// A later plugin sent this query, for example to find the target of a CNAME. The answer
		// must stay unchanged, because a cache may store it.
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
		return nil, false
	}
	rw = &responseWriter{ResponseWriter: w, Context: ctx, b: b.block, set: set, req: r, header: r.MsgHdr, passes: v}
	if o := r.IsEdns0(); o != nil {
		rw.options = o.Option
	}
	return rw, false
}

// Inlining would enlarge the stack frame of the caller.
//
//go:noinline
func covers(set *ruleset.Set, name string) (valid, covered bool) {
	var w dname.Wire
	if !w.Set(name) {
		return false, false
	}
	return true, set.Covers(&w)
}

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

type verdicts struct {
	ruleset.Verdict
	shadow ruleset.Verdict
}

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
	// Read the request first, because WriteMsg changes its OPT record.
	state := request.Request{W: w, Req: r}
	echo := v.CountryDependent && c.subnet != nil
	size := state.Size() - roomAbove(r)
	if echo {
		size -= answer.SubnetRoom(c.subnet)
	}
	if r.Opcode != dns.OpcodeQuery {
		// Refuse NOTIFY and UPDATE (RFC 1996, section 3.8; RFC 2136, section 2.2).
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

func (b *block) inShadow(ctx context.Context, set *ruleset.Set, r *dns.Msg, v *ruleset.Verdict, now order.Time) {
	b.count(ctx, shadowRequests, r, v)
	b.hits.Add(set, v.Order, now, true)
	b.setMetadata(ctx, verdictShadow, v.Order)
}

func (b *block) count(ctx context.Context, c *counters, r *dns.Msg, v *ruleset.Verdict) {
	q := &r.Question[0]
	c.with(labels{metrics.WithServer(ctx), b.zones.Matches(q.Name), metrics.WithView(ctx), answer.Label(*v, q.Qtype)}).Inc()
}

const nsidRoom = 4 + 128

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

func ordersApply(r *dns.Msg) bool {
	if len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return q.Qclass == dns.ClassINET || q.Qclass == dns.ClassANY
}
