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

// watcher looks at the answer of a query that passes, on its way from the plugins
// below to the client: it may lead to a blocked name, and it must not be kept
// beyond the start of an order.
//
// It is the context of the plugins below as well, so that look-ups from there,
// which run through the whole chain again (a CNAME that is followed), are known
// as such. One object for both, since each passing query pays for it.
type watcher struct {
	dns.ResponseWriter
	context.Context

	b   *block
	set *ruleset.Set // that the asked name was judged by
	req *dns.Msg
	// header and options are the request's, as they came: look-ups from below
	// strip options, and the plugin header edits flags.
	header  dns.MsgHdr
	options []dns.EDNS0
	passes
}

// passes is what is known of an asked name that passes.
type passes struct {
	// until is when it may come under an order; scoped, whether clients of other
	// countries may get another verdict.
	until  order.Time
	scoped bool
	// counted: the query has been counted for an order in shadow.
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

// outermost returns the watcher of the client's query that a look-up from below
// serves; nil when the query is a client's own.
func outermost(ctx context.Context) *watcher {
	w, _ := ctx.Value(watcherKey{}).(*watcher)
	return w
}

// WriteMsg implements dns.ResponseWriter.
func (w *watcher) WriteMsg(m *dns.Msg) error { return w.ResponseWriter.WriteMsg(w.look(m)) }

// Write implements dns.ResponseWriter, for plugins that write octets.
func (w *watcher) Write(b []byte) (int, error) {
	m := new(dns.Msg)
	if m.Unpack(b) == nil {
		if out := w.look(m); out != m {
			return len(b), w.ResponseWriter.WriteMsg(out)
		}
	}
	return w.ResponseWriter.Write(b)
}

// ConnectionState implements dns.ConnectionStater, which embedding would hide.
func (w *watcher) ConnectionState() *tls.ConnectionState {
	if cs, ok := w.ResponseWriter.(dns.ConnectionStater); ok {
		return cs.ConnectionState()
	}
	return nil
}

// look returns what the client gets instead of m: mostly m itself. Others hold
// pointers to its records, so copies are changed.
func (w *watcher) look(m *dns.Msg) *dns.Msg {
	set := w.b.set()
	q := &w.req.Question[0]
	around := answer.LeadsAround(m, q.Qtype)
	if !around && set == w.set && w.until == ruleset.Forever && !w.scoped && (w.b.answersOff || !w.leads(m, set)) {
		return m
	}
	return w.follow(m, set, around)
}

// leads reports whether any order may have a say in where an answer leads. Mostly
// none has, and finding that out needs less than judging does, of the stack too (see
// ServeDNS).
func (w *watcher) leads(m *dns.Msg, set *ruleset.Set) bool {
	addresses, q := w.b.store.Rules.Addresses, w.req.Question[0]
	return answer.MayLead(m, q, addresses) && answer.MayBeOrdered(m, q, addresses, func(name string) bool {
		_, covered := covers(set, name)
		return covered
	}, set.CoversAddress)
}

// follow is look for an answer that may lead elsewhere, or whose asked name has to
// be judged again.
func (w *watcher) follow(m *dns.Msg, set *ruleset.Set, around bool) *dns.Msg {
	r := w.request()
	q := r.Question[0]
	now := w.b.now()
	t := trail{b: w.b, set: set, who: w.b.asker(w.Context, set, w.ResponseWriter, r), now: order.Time(now.Unix()), until: w.until, scoped: w.scoped}
	t.asked.Name.Set(q.Name)
	t.asked.Name.Service = answer.ServiceLabels(&t.asked.Name, q.Qtype)

	// The plugins below took their time. Meanwhile an order may have started, or
	// come in a file.
	if around || set != w.set || w.until <= t.now {
		t.until, t.scoped = ruleset.Forever, false
		if v := t.judge(&t.asked, nil); v.Blocked() && (around || !answer.Passes(q.Qtype, v.Below)) {
			return w.b.reply(w.Context, w.ResponseWriter, r, &v, now, &t.who)
		}
	}
	addresses := w.b.store.Rules.Addresses
	leads := !around && !w.b.answersOff && answer.MayLead(m, q, addresses)
	var names iter.Seq[*answer.Lead]
	switch {
	case leads:
		names = answer.Leads(m, q, addresses)
	case around && !w.b.answersOff:
		names = answer.Aliases(m)
	default:
		names = func(func(*answer.Lead) bool) {}
	}
	for l := range names {
		if v := t.judge(l, &t.asked.Name); v.Blocked() {
			v.Until, v.Scoped = t.until, t.scoped
			v = answer.Through(v)
			return w.b.reply(w.Context, w.ResponseWriter, r, &v, now, &t.who)
		}
		t.tellSpared(w.Context, l)
	}
	// A record that is dropped counts for nothing, in shadow too.
	if t.shadow.Blocked() && !w.counted {
		w.counted = true
		v := answer.Through(t.shadow)
		w.b.inShadow(w.Context, r, &v)
	}
	if leads || around && !w.b.answersOff {
		m = answer.Clean(m, addresses, func(l *answer.Lead) bool { return t.judge(l, &t.asked.Name).Blocked() })
	}
	return t.pass(m, r, now)
}

// pass returns m as the client may keep it: until an order starts at most, and for
// its own network when another country may get another answer.
func (t *trail) pass(m, r *dns.Msg, now time.Time) *dns.Msg {
	ttl, limited := answer.TimeLeft(t.until, now)
	if t.spared && answer.Beyond(m, r.Question[0].Name) {
		// The blocked name's own records are for the client that asked another name.
		ttl, limited = 0, true
	}
	cut, echo := limited && answer.Outlives(m, ttl), t.scoped && t.who.subnet != nil
	if !cut && !echo {
		return m
	}
	m = m.Copy()
	if cut {
		answer.Cut(m, ttl)
	}
	if echo {
		answer.EchoSubnet(m, r.IsEdns0(), t.who.subnet)
	}
	return m
}

// request is the query as it came.
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

// trail is the way of one answer, and what was learnt on it.
type trail struct {
	b      *block
	set    *ruleset.Set
	asked  answer.Lead
	who    asker
	now    order.Time
	until  order.Time
	scoped bool
	spared bool            // something passes only because of the asked name
	shadow ruleset.Verdict // the first that orders in shadow would have given
}

// judge judges where the answer for the asked name leads; asked is nil when it is
// that name itself.
func (t *trail) judge(l *answer.Lead, asked *ruleset.Asked) ruleset.Verdict {
	var j verdicts
	t.b.judge(&j, t.set, l, &ruleset.Query{Client: t.who.Client, Now: t.now, Asked: asked})
	t.until, t.scoped = min(t.until, j.Until), t.scoped || j.Scoped
	t.spared = t.spared || j.Spared
	if j.shadow.Blocked() && !t.shadow.Blocked() {
		t.shadow = j.shadow
	}
	return j.Verdict
}

// tellSpared tells of an order that would block the name, as of one for the asked
// name, which comes first. Nothing can be told of an address.
func (t *trail) tellSpared(ctx context.Context, l *answer.Lead) {
	if !l.Addr.IsValid() && t.set.Covers(&l.Name.Wire) && !told(ctx) {
		t.b.tellSpared(ctx, t.set, &l.Name, t.who.Client, t.now)
	}
}
