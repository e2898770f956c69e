// Package ordersrpz is the CoreDNS plugin orders_rpz. It serves the orders in force as a response
// policy zone (RPZ), by AXFR and IXFR. Secondary servers are, for example, BIND, Unbound and
// PowerDNS Recursor.
//
// The plugin needs its own server block with the plugin transfer. Server blocks with equal settings
// share a [zone]. A reload of the Corefile keeps the zone.
package ordersrpz

import (
	"context"

	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
)

const name = "orders_rpz"

var log = clog.NewWithPlugin(name)

// OrdersRPZ is the handler of one server block.
type OrdersRPZ struct {
	Next plugin.Handler
	*block
}

// A block is a server block with the directive.
type block struct {
	config
	zone *zone // nil until OnStartup
}

// Name implements plugin.Handler.
func (*OrdersRPZ) Name() string { return name }

// Ready implements ready.Readiness. The plugin is ready when the zone has its first version.
func (o *OrdersRPZ) Ready() bool { return o.zone != nil && o.zone.version.Load() != nil }

// ServeDNS answers queries for the SOA and NS records, which secondary servers need. It refuses
// other queries in the zone, because the zone may be confidential.
func (o *OrdersRPZ) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	state := request.Request{W: w, Req: r}
	if !dns.IsSubDomain(o.origin, state.Name()) {
		return plugin.NextOrFailure(name, o.Next, ctx, w, r)
	}
	m := new(dns.Msg)
	i, v := o.zone.index(state.Name()), o.zone.version.Load()
	switch {
	case r.Opcode != dns.OpcodeQuery || i < 0 || state.QClass() != dns.ClassINET ||
		state.QType() != dns.TypeSOA && state.QType() != dns.TypeNS:
		m.SetRcode(r, dns.RcodeRefused)
	case v == nil:
		m.SetRcode(r, dns.RcodeServerFailure)
	default:
		m.SetReply(r)
		m.Authoritative = true
		origin := o.zone.served[i].origin
		if m.Answer = []dns.RR{o.soa(origin, v.parts[i].serial)}; state.QType() == dns.TypeNS {
			m.Answer = []dns.RR{o.ns(origin)}
		}
	}
	state.SizeAndDo(m)
	w.WriteMsg(m) // an error means that the client has gone
	// CoreDNS would write a second reply for another code.
	return dns.RcodeSuccess, nil
}
