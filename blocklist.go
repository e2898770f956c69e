// Package blocklist is a CoreDNS plugin that carries out DNS blocking orders:
// queries that an order in force covers, for that client, at that second, get an
// honest answer; all others go to the next plugin untouched.
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

// Blocklist is the handler of one server block. Zones and listeners of the block
// have a copy each, which differ in Next.
type Blocklist struct {
	Next plugin.Handler
	*block
}

// block is what the handlers of one server block share.
type block struct {
	config
	zones plugin.Zones
	// set is where the order set in force is found, now the store's time, so that
	// verdicts, log and gauges go by one clock; nil before the start.
	set func() *ruleset.Set
	now func() time.Time
	// loaded is where set comes from: blocks that share it decide alike.
	loaded *store.Store
	// geoip is CoreDNS's plugin of that name, nil when it is not in use here.
	geoip metadata.Provider
}

// Name implements plugin.Handler.
func (b *Blocklist) Name() string { return name }

// Ready implements ready.Readiness. CoreDNS asks one instance of each plugin
// name, so each answers for all of the process.
func (b *Blocklist) Ready() bool { return store.AllReady() }

// ServeDNS implements plugin.Handler.
//
// Its frame stays on the stack while the plugins below work. A goroutine that
// outgrows its stack for them has it copied, which costs more than everything
// else here, and each query has a goroutine of its own: so what takes room is done
// in ask, which has returned by then.
func (b *Blocklist) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	watch, answered := b.ask(ctx, w, r)
	if answered {
		// Written once: any other code would have the server write a second reply
		// to a refused query.
		return dns.RcodeSuccess, nil
	}
	if watch != nil {
		ctx, w = watch, watch
	}
	if b.Next == nil || traced(ctx) {
		return plugin.NextOrFailure(name, b.Next, ctx, w, r)
	}
	// As NextOrFailure does without a trace, less an allocation and its frame: it
	// would wrap the writer to tell who answers, which writers above learn from
	// who is next to them and never from here.
	return b.Next.ServeDNS(ctx, w, r)
}

//go:noinline
func traced(ctx context.Context) bool { return opentracing.SpanFromContext(ctx) != nil }

// ask answers a query for a name that orders cover, and reports whether it did. If
// not, it returns who looks at the answer when that comes by; nil when nobody needs
// to.
//
//go:noinline
func (b *Blocklist) ask(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (watch *watcher, answered bool) {
	set := b.set()
	if set.Empty() || !judged(r) {
		return nil, false
	}
	if outer := outermost(ctx); outer != nil && outer.b.loaded == b.loaded {
		// A look-up from below is judged by what it does to the client's answer,
		// when that comes by. Blocked here, it would be kept by a cache between the
		// two, for clients that the order does not reach and beyond its end.
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
		if reply, v = b.judgeAsked(ctx, set, w, r); reply != nil {
			w.WriteMsg(reply)
			return nil, true
		}
	}
	if q.Qtype == dns.TypeAXFR || q.Qtype == dns.TypeIXFR {
		// A zone's transfer goes from server to server and leads nobody anywhere.
		return nil, false
	}
	watch = &watcher{ResponseWriter: w, Context: ctx, b: b.block, set: set, req: r, header: r.MsgHdr, passes: v}
	if o := r.IsEdns0(); o != nil {
		watch.options = o.Option
	}
	return watch, false
}

// covers looks a name up, and reports whether it is one. The buffer that it takes is
// gone from the stack when it returns, and never on the heap.
//
//go:noinline
func covers(set *ruleset.Set, name string) (valid, covered bool) {
	var w dname.Wire
	if !w.Set(name) {
		return false, false
	}
	return true, set.Covers(&w)
}

// judgeAsked judges a name that orders cover, and returns the reply to the query, or
// what is known of a name that passes. What judging takes of the stack is gone when
// the reply is written; while it goes on, too, frames are kept small.
//
//go:noinline
func (b *block) judgeAsked(ctx context.Context, set *ruleset.Set, w dns.ResponseWriter, r *dns.Msg) (*dns.Msg, passes) {
	var asked answer.Lead
	var j verdicts
	q := &r.Question[0]
	asked.Name.Set(q.Name)
	asked.Name.Service = answer.ServiceLabels(&asked.Name, q.Qtype)
	now := b.now()
	who := b.asker(ctx, set, w, r)
	query := ruleset.Query{Client: who.Client, Now: order.Time(now.Unix())}
	b.judge(&j, set, &asked, &query)
	if j.Blocked() && !answer.Passes(q.Qtype, j.Below) {
		return b.reply(ctx, w, r, &j.Verdict, now, &who), passes{}
	}
	p := passes{until: j.Until, scoped: j.Scoped}
	if j.shadow.Blocked() && !answer.Passes(q.Qtype, j.shadow.Below) {
		p.counted = true
		b.inShadow(ctx, r, &j.shadow)
	} else if !j.Blocked() {
		b.tellSpared(ctx, set, &asked.Name, who.Client, query.Now)
	}
	return nil, p
}

// verdicts are the one that counts, and apart from it what orders in shadow would do, or all orders
// when the plugin as a whole is in shadow: that changes no answer.
type verdicts struct {
	ruleset.Verdict
	shadow ruleset.Verdict
}

// judge judges a name or an address.
func (b *block) judge(j *verdicts, set *ruleset.Set, l *answer.Lead, q *ruleset.Query) {
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
func verdict(v *ruleset.Verdict, set *ruleset.Set, l *answer.Lead, q *ruleset.Query) {
	if l.Addr.IsValid() {
		*v = set.JudgeAddress(l.Addr, *q)
	} else {
		*v = set.Judge(&l.Name, *q)
	}
}

// reply is the answer that a verdict prescribes, counted.
func (b *block) reply(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, v *ruleset.Verdict, now time.Time, who *asker) *dns.Msg {
	// Everything is read from the request before WriteMsg, which edits its OPT.
	state := request.Request{W: w, Req: r}
	echo := v.Scoped && who.subnet != nil
	size := state.Size() - roomAbove(r)
	if echo {
		size -= answer.SubnetRoom(who.subnet)
	}
	if r.Opcode != dns.OpcodeQuery {
		// A denial answers a question. NOTIFY and UPDATE ask for something to be done,
		// and REFUSED says that policy forbids it (RFC 1996, section 3.8; RFC 2136,
		// section 2.2).
		v.Response.Kind = order.Refused
	}
	m := answer.Build(r, size, *v, now, &b.answer)
	if echo {
		answer.EchoSubnet(m, r.IsEdns0(), who.subnet)
	}
	b.count(ctx, blockedRequests, r, v)
	b.tell(ctx, verdictBlocked, v.Order)
	return m
}

// inShadow counts a verdict that changes no answer.
func (b *block) inShadow(ctx context.Context, r *dns.Msg, v *ruleset.Verdict) {
	b.count(ctx, shadowRequests, r, v)
	b.tell(ctx, verdictShadow, v.Order)
}

func (b *block) count(ctx context.Context, c *counters, r *dns.Msg, v *ruleset.Verdict) {
	q := &r.Question[0]
	c.with(labels{metrics.WithServer(ctx), b.zones.Matches(q.Name), metrics.WithView(ctx), answer.Label(*v, q.Qtype)}).Inc()
}

// nsidRoom is what the nsid plugin, which stands above, may add to our OPT when
// the client asks for it: a host name of the usual length.
const nsidRoom = 4 + 128

// roomAbove returns the octets to leave free for what plugins above add to the
// reply, so that the text makes room and not the SOA.
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

// judged reports whether orders have a say in r: one question, class IN or ANY. The
// opcode does not matter: CoreDNS passes NOTIFY, and opcodes that a plugin asks for, on
// to plugins that do not look at the opcode. cache, hosts, file, template and forward
// answer them like a QUERY.
func judged(r *dns.Msg) bool {
	if len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return q.Qclass == dns.ClassINET || q.Qclass == dns.ClassANY
}
