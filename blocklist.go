// Package blocklist is a CoreDNS plugin that carries out DNS blocking orders. A query gets an
// honest blocking answer if an order is in force for its name and its client at that second.
// All other queries go to the next plugin unchanged.
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
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
	"github.com/opentracing/opentracing-go"
)

const name = "blocklist"

// Blocklist is the handler of one server block. Each zone and listener of the server block has
// its own copy. The copies differ only in Next.
type Blocklist struct {
	Next plugin.Handler
	*block
}

// A block is the state that the handlers of one server block share.
type block struct {
	config
	zones plugin.Zones
	// set returns the order set in force, and now returns the time of the store. Verdicts, the
	// log and the metrics therefore use the same clock. Both are nil before the start.
	set func() *ruleset.Set
	now func() time.Time
	// loaded is the store that set reads. Server blocks with the same store give the same
	// verdicts.
	loaded *store.Store
	// geoip is CoreDNS's geoip plugin, nil when this server block does not use it.
	geoip metadata.Provider
}

// Name implements plugin.Handler.
func (b *Blocklist) Name() string { return name }

// Ready implements ready.Readiness. CoreDNS asks only one instance of each plugin, so each
// instance answers for the whole process.
func (b *Blocklist) Ready() bool { return store.AllReady() }

// ServeDNS implements plugin.Handler.
//
// The frame of ServeDNS stays on the stack while the next plugins work. If a goroutine
// outgrows its stack there, the runtime copies the stack. The copy costs more than all other
// work of this plugin, and each query has a new goroutine. answerOrWatch therefore does all work that
// needs much stack, and returns before the next plugin runs.
func (b *Blocklist) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	rw, answered := b.answerOrWatch(ctx, w, r)
	if answered {
		// The reply is written. With any other code the server would write a second reply to a
		// refused query.
		return dns.RcodeSuccess, nil
	}
	if rw != nil {
		ctx, w = rw, rw
	}
	if b.Next == nil || traced(ctx) {
		return plugin.NextOrFailure(name, b.Next, ctx, w, r)
	}
	// NextOrFailure does the same when there is no trace, but needs one more allocation and
	// one more frame. NextOrFailure also wraps the writer to record the plugin that answers.
	// The plugins above do not need this record: each of them records only the plugin next to
	// it.
	return b.Next.ServeDNS(ctx, w, r)
}

//go:noinline
func traced(ctx context.Context) bool { return opentracing.SpanFromContext(ctx) != nil }

// answerOrWatch answers a query for a name that orders cover, and reports whether it has answered. If it
// has not, it returns the response writer that checks the answer of the next plugin, or nil when that
// answer needs no check.
//
//go:noinline
func (b *Blocklist) answerOrWatch(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (rw *responseWriter, answered bool) {
	set := b.set()
	if set.Empty() || !ordersApply(r) {
		return nil, false
	}
	if outer := clientWriter(ctx); outer != nil && outer.b.loaded == b.loaded {
		// A query from a plugin below is not blocked here. Its result is checked as part of
		// the client's answer. If the query were blocked here, a cache between the two would
		// keep the blocking answer for other clients and after the end of the order.
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
		// A zone transfer goes from server to server. It leads no client to a blocked name.
		return nil, false
	}
	rw = &responseWriter{ResponseWriter: w, Context: ctx, b: b.block, set: set, req: r, header: r.MsgHdr, passes: v}
	if o := r.IsEdns0(); o != nil {
		rw.options = o.Option
	}
	return rw, false
}

// covers reports whether name is a valid name, and whether orders cover it. Its buffer is on
// the stack only while it runs, and never on the heap.
//
//go:noinline
func covers(set *ruleset.Set, name string) (valid, covered bool) {
	var w dname.Wire
	if !w.Set(name) {
		return false, false
	}
	return true, set.Covers(&w)
}

// decideQuery decides about a query for a name that orders cover. It returns the reply to the
// query, or the state of a query that passes. The stack that the decision needs is free again
// before the reply is written. The frame of decideQuery itself is small too.
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
		return b.reply(ctx, w, r, &j.Verdict, now, &c), passes{}
	}
	p := passes{until: j.Until, countryDependent: j.CountryDependent}
	if j.shadow.Blocked() && !answer.Passes(q.Qtype, j.shadow.Subtree) {
		p.counted = true
		b.inShadow(ctx, r, &j.shadow)
	} else if !j.Blocked() {
		b.setPassMetadata(ctx, set, &qname.Name, c.Client, query.Now)
	}
	return nil, p
}

// A verdicts is a pair of verdicts. The first decides the answer. The second is the verdict of
// the orders in shadow, or of all orders when the whole plugin is in shadow. The second never
// changes an answer.
type verdicts struct {
	ruleset.Verdict
	shadow ruleset.Verdict
}

// decide stores the verdicts about a name or an address in j.
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

// reply returns the answer that the verdict requires, and counts it.
func (b *block) reply(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, v *ruleset.Verdict, now time.Time, c *client) *dns.Msg {
	// All values are read from the request before WriteMsg, because WriteMsg edits the OPT of
	// the request.
	state := request.Request{W: w, Req: r}
	echo := v.CountryDependent && c.subnet != nil
	size := state.Size() - roomAbove(r)
	if echo {
		size -= answer.SubnetRoom(c.subnet)
	}
	if r.Opcode != dns.OpcodeQuery {
		// NXDOMAIN and NODATA answer questions. NOTIFY and UPDATE request an action, and
		// REFUSED is the reply that policy forbids the action (RFC 1996, section 3.8; RFC
		// 2136, section 2.2).
		v.Response.Kind = order.Refused
	}
	m := answer.Build(r, size, *v, now, &b.answer)
	if echo {
		answer.EchoSubnet(m, r.IsEdns0(), c.subnet)
	}
	b.count(ctx, blockedRequests, r, v)
	b.setMetadata(ctx, verdictBlocked, v.Order)
	return m
}

// inShadow counts a verdict that does not change the answer.
func (b *block) inShadow(ctx context.Context, r *dns.Msg, v *ruleset.Verdict) {
	b.count(ctx, shadowRequests, r, v)
	b.setMetadata(ctx, verdictShadow, v.Order)
}

func (b *block) count(ctx context.Context, c *counters, r *dns.Msg, v *ruleset.Verdict) {
	q := &r.Question[0]
	c.with(labels{metrics.WithServer(ctx), b.zones.Matches(q.Name), metrics.WithView(ctx), answer.Label(*v, q.Qtype)}).Inc()
}

// nsidRoom is the size, in octets, of the option that the nsid plugin adds to the OPT when the
// client asks for it: 4 octets for the head and up to 128 for a host name.
const nsidRoom = 4 + 128

// roomAbove returns the number of octets to leave free for the options that plugins above add
// to the reply. The text of the extended error is shortened for them, so that the SOA still
// fits.
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

// ordersApply reports whether orders apply to r, which must have one question of class IN or ANY.
// The opcode does not matter. CoreDNS passes NOTIFY, and other opcodes that a plugin
// registers, to plugins that do not check the opcode: cache, hosts, file, template and forward
// answer them as if they were QUERY.
func ordersApply(r *dns.Msg) bool {
	if len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return q.Qclass == dns.ClassINET || q.Qclass == dns.ClassANY
}
