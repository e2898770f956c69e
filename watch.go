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

// A watcher checks the answer to a query that passes, on its way from the next plugins to the
// client. The answer may lead to a blocked name, and a cache must not keep it beyond the start
// of an order.
//
// The watcher is also the context of the next plugins. It marks look-ups that these plugins
// send through the whole chain again, for example to follow a CNAME. Writer and context are
// one object, which saves one allocation for each passing query.
type watcher struct {
	dns.ResponseWriter
	context.Context

	b   *block
	set *ruleset.Set // the set that judged the queried name
	req *dns.Msg
	// header and options are copies from the request. Look-ups from the next plugins strip
	// options, and the header plugin edits flags.
	header  dns.MsgHdr
	options []dns.EDNS0
	passes
}

// A passes is the verdict about a queried name that passes.
type passes struct {
	// until is the time at which the verdict about the name may change. scoped reports whether
	// clients of other countries may get another verdict.
	until  order.Time
	scoped bool
	// counted reports whether the query has been counted for an order in shadow.
	counted bool
}

type watcherKey struct{}

// Value implements context.Context.
func (w *watcher) Value(key any) any {
	if key == (watcherKey{}) {
		return w
	}
	return w.Context.Value(key)
}

// outermost returns the watcher of the client's query when the context belongs to a look-up
// from a plugin below. It returns nil when the query comes directly from a client.
func outermost(ctx context.Context) *watcher {
	w, _ := ctx.Value(watcherKey{}).(*watcher)
	return w
}

// WriteMsg implements dns.ResponseWriter.
func (w *watcher) WriteMsg(m *dns.Msg) error { return w.ResponseWriter.WriteMsg(w.look(m)) }

// Write implements dns.ResponseWriter for plugins that write the wire form.
func (w *watcher) Write(b []byte) (int, error) {
	m := new(dns.Msg)
	if m.Unpack(b) == nil {
		if out := w.look(m); out != m {
			return len(b), w.ResponseWriter.WriteMsg(out)
		}
	}
	return w.ResponseWriter.Write(b)
}

// ConnectionState implements dns.ConnectionStater, which the embedded ResponseWriter would
// hide.
func (w *watcher) ConnectionState() *tls.ConnectionState {
	if cs, ok := w.ResponseWriter.(dns.ConnectionStater); ok {
		return cs.ConnectionState()
	}
	return nil
}

// look returns the message that the client gets. In most cases it is m itself. Other plugins
// may keep pointers to the records of m, so look changes only copies.
func (w *watcher) look(m *dns.Msg) *dns.Msg {
	set := w.b.set()
	q := &w.req.Question[0]
	around := answer.AnsweredByAlias(m, q.Qtype)
	if !around && set == w.set && w.until == ruleset.Forever && !w.scoped && (w.b.answersOff || !w.leads(m, set)) {
		return m
	}
	return w.follow(m, set, around)
}

// leads reports whether an order may cover a name or address that the answer leads to. Most
// answers lead to no such name. This check needs less time and less stack than judging (see
// ServeDNS).
func (w *watcher) leads(m *dns.Msg, set *ruleset.Set) bool {
	addresses, q := w.b.store.Rules.Addresses, w.req.Question[0]
	return answer.HasDestinations(m, q, addresses) && answer.MayBeOrdered(m, q, addresses, func(name string) bool {
		_, covered := covers(set, name)
		return covered
	}, set.CoversAddress)
}

// follow does the work of look for an answer that may lead to another name, or whose queried
// name must be judged again.
func (w *watcher) follow(m *dns.Msg, set *ruleset.Set, around bool) *dns.Msg {
	r := w.request()
	q := r.Question[0]
	now := w.b.now()
	t := trail{b: w.b, set: set, who: w.b.asker(w.Context, set, w.ResponseWriter, r), now: order.Time(now.Unix()), until: w.until, scoped: w.scoped}
	t.asked.Name.Set(q.Name)
	t.asked.Name.Service = answer.ServiceLabels(&t.asked.Name, q.Qtype)

	// An order may have started, or a file may have been loaded, while the next plugins
	// worked.
	if around || set != w.set || w.until <= t.now {
		t.until, t.scoped = ruleset.Forever, false
		if v := t.judge(&t.asked, nil); v.Blocked() && (around || !answer.Passes(q.Qtype, v.Subtree)) {
			return w.b.reply(w.Context, w.ResponseWriter, r, &v, now, &t.who)
		}
	}
	addresses := w.b.store.Rules.Addresses
	leads := !around && !w.b.answersOff && answer.HasDestinations(m, q, addresses)
	var names iter.Seq[*answer.Destination]
	switch {
	case leads:
		names = answer.Destinations(m, q, addresses)
	case around && !w.b.answersOff:
		names = answer.Aliases(m)
	default:
		names = func(func(*answer.Destination) bool) {}
	}
	for l := range names {
		if v := t.judge(l, &t.asked.Name); v.Blocked() {
			v.Until, v.CountryDependent = t.until, t.scoped
			v = answer.ForAlias(v)
			return w.b.reply(w.Context, w.ResponseWriter, r, &v, now, &t.who)
		}
		t.tellSpared(w.Context, l)
	}
	// Orders in shadow are counted for names and addresses that the answer leads to, and not
	// for records that Clean drops.
	if t.shadow.Blocked() && !w.counted {
		w.counted = true
		v := answer.ForAlias(t.shadow)
		w.b.inShadow(w.Context, r, &v)
	}
	if leads || around && !w.b.answersOff {
		m = answer.Clean(m, addresses, func(l *answer.Destination) bool { return t.judge(l, &t.asked.Name).Blocked() })
	}
	return t.pass(m, r, now)
}

// pass returns m in the form that the client may keep. It caps the TTLs at the next start of
// an order. If clients of other countries may get another answer, it returns the client's
// subnet with the answer.
func (t *trail) pass(m, r *dns.Msg, now time.Time) *dns.Msg {
	ttl, limited := answer.TimeLeft(t.until, now)
	if t.spared && answer.HasOtherOwners(m, r.Question[0].Name) {
		// The answer contains records of a blocked name, and only queries for the queried name
		// may get these records.
		ttl, limited = 0, true
	}
	cut, echo := limited && answer.ExceedsTTL(m, ttl), t.scoped && t.who.subnet != nil
	if !cut && !echo {
		return m
	}
	m = m.Copy()
	if cut {
		answer.CapTTL(m, ttl)
	}
	if echo {
		answer.EchoSubnet(m, r.IsEdns0(), t.who.subnet)
	}
	return m
}

// request returns the query as the client sent it.
func (w *watcher) request() *dns.Msg {
	r := *w.req
	r.MsgHdr = w.header
	if o := w.req.IsEdns0(); o != nil {
		opt := *o
		opt.Option = w.options
		r.Extra = []dns.RR{&opt}
	}
	return &r
}

// A trail is the state of the check of one answer.
type trail struct {
	b      *block
	set    *ruleset.Set
	asked  answer.Destination
	who    asker
	now    order.Time
	until  order.Time
	scoped bool
	spared bool            // an address or name passes only because of an exception for the queried name
	shadow ruleset.Verdict // the first blocking verdict of orders in shadow
}

// judge judges a name or an address that the answer leads to. asked is the queried name, or
// nil when l itself is the queried name.
func (t *trail) judge(l *answer.Destination, asked *ruleset.QName) ruleset.Verdict {
	var j verdicts
	t.b.judge(&j, t.set, l, &ruleset.Query{Client: t.who.Client, Now: t.now, QName: asked})
	t.until, t.scoped = min(t.until, j.Until), t.scoped || j.CountryDependent
	t.spared = t.spared || j.PassedForQName
	if j.shadow.Blocked() && !t.shadow.Blocked() {
		t.shadow = j.shadow
	}
	return j.Verdict
}

// tellSpared sets the metadata of an order that would block the name, unless the metadata are
// set already. An order for the queried name therefore has priority. For addresses it sets
// nothing.
func (t *trail) tellSpared(ctx context.Context, l *answer.Destination) {
	if !l.Addr.IsValid() && t.set.Covers(&l.Name.Wire) && !told(ctx) {
		t.b.tellSpared(ctx, t.set, &l.Name, t.who.Client, t.now)
	}
}
