package blocklist

import (
	"slices"

	"github.com/coredns/coredns/request"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/miekg/dns"
)

// asksResolverInfo reports whether r asks for a RESINFO record.
func asksResolverInfo(r *dns.Msg) bool {
	return len(r.Question) == 1 && r.Question[0].Qtype == dns.TypeRESINFO && r.Question[0].Qclass == dns.ClassINET && r.Opcode == dns.OpcodeQuery
}

// No order applies to this answer.
//
//go:noinline
func (b *block) resolverInfo(w dns.ResponseWriter, r *dns.Msg) *dns.Msg {
	var qname dname.Wire
	if !qname.Set(r.Question[0].Name) || !slices.Contains(b.resinfo.Names, qname.Name()) {
		return nil
	}
	state := request.Request{W: w, Req: r}
	return answer.BuildResolverInfo(r, state.Size()-roomAbove(r), b.resinfo.Strings)
}
