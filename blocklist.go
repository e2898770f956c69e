// Package blocklist is a CoreDNS plugin that carries out DNS blocking orders of courts and
// regulators. If an order in force covers the queried name for the client, the query gets a
// blocking answer with the reason. All other queries go to the next plugin unchanged.
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

// A block is the state that all handlers of one server block share.
type block struct {
	config
	zones plugin.Zones
	// set returns the order set in force, and now returns the time of the store's clock, so that
	// decisions, the log and the metrics use the same clock. set and now are nil before the start.
	set func() *ruleset.Set
	now func() time.Time
	// loaded is the store from which set gets the order set. Server blocks with the same store
	// make the same decisions.
	loaded *store.Store
	// geoip is CoreDNS's geoip plugin, or nil when this server block does not use geoip.
	geoip metadata.Provider
}

// Name implements plugin.Handler.
func (b *Blocklist) Name() string { return name }

// Ready implements ready.Readiness. CoreDNS asks only one handler of each plugin, so Ready
// reports the readiness of the whole process.
func (b *Blocklist) Ready() bool { return store.AllReady() }

// ServeDNS implements plugin.Handler.
//
// The stack frame of ServeDNS exists while the next plugins work. If a goroutine needs more than
// its stack, the runtime copies the stack. The copy takes longer than all other work of this
// plugin, and each query has a new goroutine with a small stack. answerOrWatch therefore does all
// work that needs much stack, and returns before the next plugin runs.
func (b *Blocklist) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	rw, answered := b.answerOrWatch(ctx, w, r)
	if answered {
		// The reply is already written. With a return code such as REFUSED, the server would write
		// a second reply.
		return dns.RcodeSuccess, nil
	}
	if rw != nil {
		ctx, w = rw, rw
	}
	if b.Next == nil || traced(ctx) {
		return plugin.NextOrFailure(name, b.Next, ctx, w, r)
	}
	// The direct call saves an allocation and a stack frame of NextOrFailure. When there is a
	// next plugin and no trace, NextOrFailure does only one more thing: it wraps the response
	// writer to record which plugin answers. The plugins above do not need this record, because
	// each of them records only the plugin directly below.
	return b.Next.ServeDNS(ctx, w, r)
}

//go:noinline
func traced(ctx context.Context) bool { return opentracing.SpanFromContext(ctx) != nil }

// answerOrWatch answers a query for a blocked name, and reports whether it has answered. For any
// other query it returns the response writer that checks the answer of the next plugin, or nil
// when that answer needs no check.
//
//go:noinline
func (b *Blocklist) answerOrWatch(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (rw *responseWriter, answered bool) {
	set := b.set()
	if set.Empty() || !ordersApply(r) {
		return nil, false
	}
	if outer := clientWriter(ctx); outer != nil && outer.b.loaded == b.loaded {
		// This query is a look-up by a plugin below, on behalf of a client's query. The look-up is
		// not blocked here, because its result is checked as part of the answer to the client. If
		// the look-up were blocked, a cache below this handler could keep the blocking answer for
		// other clients, and after the end of the order.
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
		// A zone transfer goes from server to server, so no client reaches a blocked name by it.
		return nil, false
	}
	rw = &responseWriter{ResponseWriter: w, Context: ctx, b: b.block, set: set, req: r, header: r.MsgHdr, passes: v}
	if o := r.IsEdns0(); o != nil {
		rw.options = o.Option
	}
	return rw, false
}

// covers reports whether name is a valid name, and whether any order covers the name. covers is
// a separate function so that its buffer is freed from the stack when covers returns.
//
//go:noinline
func covers(set *ruleset.Set, name string) (valid, covered bool) {
	var w dname.Wire
	if !w.Set(name) {
		return false, false
	}
	return true, set.Covers(&w)
}

// decideQuery decides about a query for a name that orders cover. It returns the reply if the
// query is blocked, else the verdict about the query that passes. The stack that the decision
// needs is free again before the reply is written, and the stack frame of decideQuery is small.
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

// A verdicts contains two verdicts (decisions about a query). The embedded verdict decides the
// answer. The verdict shadow is for orders in shadow (orders that are only counted), or for all
// orders when the whole plugin is in shadow. The verdict shadow never changes an answer.
type verdicts struct {
	ruleset.Verdict
	shadow ruleset.Verdict
}

// decide stores in j the verdicts about the name or the address l.
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

// reply returns the blocking answer that the verdict v requires, and counts the answer.
func (b *block) reply(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, v *ruleset.Verdict, now time.Time, c *client) *dns.Msg {
	// reply reads all values from the request before the caller calls WriteMsg, because WriteMsg
	// edits the OPT record of the request.
	state := request.Request{W: w, Req: r}
	echo := v.CountryDependent && c.subnet != nil
	size := state.Size() - roomAbove(r)
	if echo {
		size -= answer.SubnetRoom(c.subnet)
	}
	if r.Opcode != dns.OpcodeQuery {
		// A NOTIFY or UPDATE message requests an action, so NXDOMAIN or NODATA is no valid answer.
		// REFUSED means that the policy of the server forbids the action (RFC 1996, section 3.8;
		// RFC 2136, section 2.2).
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

// inShadow counts a query that an order in shadow would block. The answer does not change.
func (b *block) inShadow(ctx context.Context, r *dns.Msg, v *ruleset.Verdict) {
	b.count(ctx, shadowRequests, r, v)
	b.setMetadata(ctx, verdictShadow, v.Order)
}

func (b *block) count(ctx context.Context, c *counters, r *dns.Msg, v *ruleset.Verdict) {
	q := &r.Question[0]
	c.with(labels{metrics.WithServer(ctx), b.zones.Matches(q.Name), metrics.WithView(ctx), answer.Label(*v, q.Qtype)}).Inc()
}

// nsidRoom is the size, in octets, of the option that the nsid plugin adds to the OPT record of
// the reply when the client asks for it: 4 octets of header and at most 128 octets of host name.
const nsidRoom = 4 + 128

// roomAbove returns the number of octets to keep free in the reply for the options that plugins
// above add to it. The text of the extended error is shortened by this number of octets, so that
// the SOA record still fits into the reply.
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

// ordersApply reports whether orders apply to the message r: r must have exactly one question, of
// class IN or ANY. The opcode of r does not matter. CoreDNS passes NOTIFY, and other opcodes that
// a plugin registers, to all plugins, and cache, hosts, file, template and forward answer these
// messages as if the opcode were QUERY.
func ordersApply(r *dns.Msg) bool {
	if len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return q.Qclass == dns.ClassINET || q.Qclass == dns.ClassANY
}
