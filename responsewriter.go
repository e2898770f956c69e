package blocklist

import (
	"context"
	"crypto/tls"
	"iter"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// A responseWriter checks the answer to a query for a name that is not blocked. The answer may
// still lead to a blocked name. A responseWriter also lowers TTLs. Otherwise a cache could keep the
// answer after an order starts.
//
// A responseWriter is also the context of the next plugins. This saves an allocation.
type responseWriter struct {
	dns.ResponseWriter
	context.Context

	b   *block
	set *ruleset.Set // the order set that decided about the queried name
	req *dns.Msg
	// These are copies, because later plugins edit the request.
	header  dns.MsgHdr
	options []dns.EDNS0
	passes
}

type passes struct {
	until            order.Time
	countryDependent bool
	counted          bool
}

type writerKey struct{}

// Value implements context.Context.
func (w *responseWriter) Value(key any) any {
	if key == (writerKey{}) {
		return w
	}
	return w.Context.Value(key)
}

func clientWriter(ctx context.Context) *responseWriter {
	w, _ := ctx.Value(writerKey{}).(*responseWriter)
	return w
}

// WriteMsg implements dns.ResponseWriter.
func (w *responseWriter) WriteMsg(m *dns.Msg) error { return w.ResponseWriter.WriteMsg(w.inspect(m)) }

func (w *responseWriter) Write(b []byte) (int, error) {
	m := new(dns.Msg)
	if m.Unpack(b) == nil {
		if out := w.inspect(m); out != m {
			return len(b), w.ResponseWriter.WriteMsg(out)
		}
	}
	return w.ResponseWriter.Write(b)
}

// The embedded dns.ResponseWriter would hide ConnectionState.
func (w *responseWriter) ConnectionState() *tls.ConnectionState {
	if cs, ok := w.ResponseWriter.(dns.ConnectionStater); ok {
		return cs.ConnectionState()
	}
	return nil
}

// Change only copies of the message. Other plugins may keep pointers to its records.
func (w *responseWriter) inspect(m *dns.Msg) *dns.Msg {
	set := w.b.set()
	q := &w.req.Question[0]
	byAlias := answer.AnsweredByAlias(m, q.Qtype)
	if !byAlias && set == w.set && w.until == ruleset.Forever && !w.countryDependent && (w.b.answersOff || !w.mayBeOrdered(m, set)) {
		return m
	}
	return w.inspectChain(m, set, byAlias)
}

func (w *responseWriter) mayBeOrdered(m *dns.Msg, set *ruleset.Set) bool {
	addresses, q := w.b.store.Rules.Addresses, w.req.Question[0]
	return answer.HasDestinations(m, q, addresses) && answer.MayBeOrdered(m, q, addresses, func(name string) bool {
		_, covered := covers(set, name)
		return covered
	}, set.CoversAddress)
}

func (w *responseWriter) inspectChain(m *dns.Msg, set *ruleset.Set, byAlias bool) *dns.Msg {
	r := w.request()
	q := r.Question[0]
	now := w.b.now()
	c := answerCheck{b: w.b, set: set, client: w.b.clientOf(w.Context, set, w.ResponseWriter, r), now: order.Time(now.Unix()), until: w.until, countryDependent: w.countryDependent}
	c.qname.Name.Set(q.Name)
	c.qname.Name.Service = answer.ServiceLabels(&c.qname.Name, q.Qtype)

	// Decide again about the queried name. The orders may have changed, or an order may have
	// started.
	if byAlias || set != w.set || w.until <= c.now {
		c.until, c.countryDependent = ruleset.Forever, false
		if v := c.decide(&c.qname, nil); v.Blocked() && (byAlias || !answer.Passes(q.Qtype, v.Subtree)) {
			return w.b.reply(w.Context, set, w.ResponseWriter, r, &v, now, &c.client)
		}
	}
	addresses := w.b.store.Rules.Addresses
	leadsOn := !byAlias && !w.b.answersOff && answer.HasDestinations(m, q, addresses)
	var names iter.Seq[*answer.Destination]
	switch {
	case leadsOn:
		names = answer.Destinations(m, q, addresses)
	case byAlias && !w.b.answersOff:
		names = answer.Aliases(m)
	default:
		names = func(func(*answer.Destination) bool) {}
	}
	for l := range names {
		if v := c.decide(l, &c.qname.Name); v.Blocked() {
			v.Until, v.CountryDependent = c.until, c.countryDependent
			v = answer.ForAlias(v)
			return w.b.reply(w.Context, set, w.ResponseWriter, r, &v, now, &c.client)
		}
		c.setPassMetadata(w.Context, l)
	}
	if c.shadow.Blocked() && !w.counted {
		w.counted = true
		v := answer.ForAlias(c.shadow)
		w.b.inShadow(w.Context, set, r, &v, c.now)
	}
	if leadsOn || byAlias && !w.b.answersOff {
		m = answer.Clean(m, addresses, func(l *answer.Destination) bool { return c.decide(l, &c.qname.Name).Blocked() })
	}
	return c.pass(m, r, now)
}

func (c *answerCheck) pass(m, r *dns.Msg, now time.Time) *dns.Msg {
	ttl, limited := answer.TimeLeft(c.until, now)
	if c.passedForQName && answer.HasOtherOwners(m, r.Question[0].Name) {
		// A cache could use the records of a blocked name for later queries. TTL 0 prevents this.
		ttl, limited = 0, true
	}
	lower, echo := limited && answer.ExceedsTTL(m, ttl), c.countryDependent && c.client.subnet != nil
	if !lower && !echo {
		return m
	}
	m = m.Copy()
	if lower {
		answer.CapTTL(m, ttl)
	}
	if echo {
		answer.EchoSubnet(m, r.IsEdns0(), c.client.subnet)
	}
	return m
}

// request returns the query as the client sent it.
func (w *responseWriter) request() *dns.Msg {
	r := *w.req
	r.MsgHdr = w.header
	if o := w.req.IsEdns0(); o != nil {
		opt := *o
		opt.Option = w.options
		r.Extra = []dns.RR{&opt}
	}
	return &r
}

type answerCheck struct {
	b                *block
	set              *ruleset.Set
	qname            answer.Destination
	client           client
	now              order.Time
	until            order.Time
	countryDependent bool
	passedForQName   bool
	shadow           ruleset.Verdict // the first decision of an order in shadow to block
}

func (c *answerCheck) decide(l *answer.Destination, qname *ruleset.QName) ruleset.Verdict {
	var j verdicts
	c.b.decide(&j, c.set, l, &ruleset.Query{Client: c.client.Client, Now: c.now, QName: qname})
	c.until, c.countryDependent = min(c.until, j.Until), c.countryDependent || j.CountryDependent
	c.passedForQName = c.passedForQName || j.PassedForQName
	if j.shadow.Blocked() && !c.shadow.Blocked() {
		c.shadow = j.shadow
	}
	return j.Verdict
}

func (c *answerCheck) setPassMetadata(ctx context.Context, l *answer.Destination) {
	if !l.Addr.IsValid() && c.set.Covers(&l.Name.Wire) && !hasMetadata(ctx) {
		c.b.setPassMetadata(ctx, c.set, &l.Name, c.client.Client, c.now)
	}
}
