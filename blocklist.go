// Package blocklist is a CoreDNS plugin that carries out DNS blocking orders:
// queries that an order in force covers, for that client, at that second, get an
// honest answer; all others go to the next plugin untouched.
package blocklist

import (
	"context"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/coredns/coredns/request"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
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
	// set is where the order set in force is found; nil before the start.
	set func() *ruleset.Set
	now func() time.Time
}

// Name implements plugin.Handler.
func (b *Blocklist) Name() string { return name }

// Ready implements ready.Readiness. CoreDNS asks one instance of each plugin
// name, so each answers for all of the process.
func (b *Blocklist) Ready() bool { return store.AllReady() }

// ServeDNS implements plugin.Handler.
func (b *Blocklist) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	var q ruleset.Asked
	set := b.set()
	if !judged(r) || !q.Set(r.Question[0].Name) || !set.Covers(&q.Wire) {
		return plugin.NextOrFailure(name, b.Next, ctx, w, r)
	}
	question := &r.Question[0]
	q.Service = answer.ServiceLabels(question.Name, question.Qtype)
	state := request.Request{W: w, Req: r}
	now := b.now()
	v := set.Decide(&q, b.client(ctx, set, &state), order.Time(now.Unix()))
	if !v.Blocked() || answer.Passes(question.Qtype, v.Below) {
		return plugin.NextOrFailure(name, b.Next, ctx, w, r)
	}
	// Everything is read from the request before WriteMsg, which edits its OPT.
	m := answer.Build(r, state.Size()-roomAbove(r), v, now, &b.answer)
	blockedRequests.WithLabelValues(metrics.WithServer(ctx), b.zones.Matches(state.Name()), metrics.WithView(ctx),
		answer.Label(v, question.Qtype)).Inc()
	w.WriteMsg(m)
	// Written once: any other code would have the server write a second reply to
	// a refused query.
	return dns.RcodeSuccess, nil
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

// judged reports whether orders have a say in r: one question, opcode QUERY,
// class IN or ANY. DS is the parent's data and never judged.
func judged(r *dns.Msg) bool {
	if r.Opcode != dns.OpcodeQuery || len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return (q.Qclass == dns.ClassINET || q.Qclass == dns.ClassANY) && q.Qtype != dns.TypeDS
}
