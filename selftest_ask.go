package blocklist

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

var ownSockets atomic.Pointer[[]netip.AddrPort]

// changing guards changes of ownSockets.
var changing sync.Mutex

func isSelfTest(w interface{ RemoteAddr() net.Addr }) bool {
	own := ownSockets.Load()
	if own == nil {
		return false
	}
	a, ok := w.RemoteAddr().(*net.UDPAddr)
	if !ok {
		return false
	}
	from := a.AddrPort()
	return slices.Contains(*own, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
}

// ownSocket adds or removes the address of a socket.
func ownSocket(a netip.AddrPort, add bool) {
	changing.Lock()
	defer changing.Unlock()
	var next []netip.AddrPort
	if old := ownSockets.Load(); old != nil {
		next = slices.Clone(*old)
	}
	// Remove only one entry. A new socket can have the address of a closed socket, and the list
	// then has the address twice.
	if i := slices.Index(next, a); add {
		next = append(next, a)
	} else if i >= 0 {
		next = slices.Delete(next, i, i+1)
	}
	if len(next) == 0 {
		ownSockets.Store(nil)
		return
	}
	ownSockets.Store(&next)
}

// An asker sends the queries of a self-test.
type asker struct {
	route *routes
	pause time.Duration
	last  time.Time // the time of the last query
	dead  string    // why the test cannot go on, or ""

	mu     sync.Mutex
	closed bool
	conns  map[string]*net.UDPConn // by the address of the server
}

func newAsker(r *routes, pause time.Duration) *asker {
	return &asker{route: r, pause: pause, conns: map[string]*net.UDPConn{}}
}

// close closes the sockets. A query in progress ends.
func (x *asker) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	for _, c := range x.conns {
		a := localAddr(c)
		c.Close()
		time.AfterFunc(askPatience, func() { ownSocket(a, false) })
	}
	clear(x.conns)
}

func localAddr(c *net.UDPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// connect returns the socket for queries to a server.
func (x *asker) connect(server string) (*net.UDPConn, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, net.ErrClosed
	}
	if c := x.conns[server]; c != nil {
		return c, nil
	}
	c, err := net.Dial("udp", server)
	if err != nil {
		return nil, err
	}
	x.conns[server] = c.(*net.UDPConn)
	ownSocket(localAddr(c.(*net.UDPConn)), true)
	return c.(*net.UDPConn), nil
}

func (x *asker) ask(ctx context.Context, t ruleset.Target) (result string, r journal.Record) {
	var q answer.Destination
	if t.Match == order.BelowOnly {
		q.Name.SetBelow(t.Name)
	} else {
		q.Name.SetName(t.Name)
	}
	name := q.Name.Name()
	q.Name.Service = answer.ServiceLabels(&q.Name, dns.TypeA)
	r = journal.Record{Event: journal.SelfTest, Order: t.Order.ID, Sealed: t.Order.Terms.Disclosure.Sealed(), Target: t.Match.Pattern(t.Name),
		Name: name.String(), Type: "A"}
	b, server, why := x.route.find(name.FQDN(), r.Sealed)
	if why != "" {
		r.Why = "not tested: " + why
		return testNotTested, r
	}
	r.Server = server
	c, err := x.connect(server)
	if err != nil {
		return x.unanswered(r, err)
	}
	client := ruleset.Client{Addr: localAddr(c).Addr().WithZone("")}
	client.Country = b.countryOf(client.Addr)
	now := b.now()
	query := ruleset.Query{Client: client, Now: order.Time(now.Unix())}
	set := b.set()
	var j verdicts
	b.decide(&j, set, &q, &query)
	if !j.Blocked() {
		why := notForItself(set, &q.Name, client, query.Now, t.Order.ID)
		if why == "" {
			return "", r
		}
		r.Why = "not tested: " + why
		return testNotTested, r
	}
	m := new(dns.Msg).SetQuestion(name.FQDN(), dns.TypeA)
	m.SetEdns0(selfTestSize, false)
	want := answer.Build(m, selfTestSize, j.Verdict, now, &b.answer)
	if !x.wait(ctx) {
		return "", r
	}
	got, err := exchange(c, m)
	if b.set() != set || query.Now >= j.Until || order.Time(b.now().Unix()) >= j.Until {
		return x.ask(ctx, t) // the verdict may have changed
	}
	if err != nil {
		return x.unanswered(r, err)
	}
	r.Rcode, r.EDE = rcodeText(got.Rcode), answer.ErrorCodes(got)
	if r.Why = differs(got, want); r.Why != "" {
		return testWrong, r
	}
	return testRight, r
}

const selfTestSize = 1232

func (x *asker) wait(ctx context.Context) bool {
	timer := time.NewTimer(x.pause - time.Since(x.last))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	x.last = time.Now()
	return true
}

func (x *asker) unanswered(r journal.Record, err error) (string, journal.Record) {
	x.dead = fmt.Sprintf("the server at %s does not answer its own query: %v", r.Server, err)
	r.Why = "not tested: " + x.dead
	return testNotTested, r
}

func exchange(c *net.UDPConn, m *dns.Msg) (*dns.Msg, error) {
	packet, err := m.Pack()
	if err != nil {
		return nil, err
	}
	buf := make([]byte, dns.MaxMsgSize)
	for attempt := 1; ; attempt++ {
		got, err := once(c, m, packet, buf)
		switch {
		case err == nil:
			return got, nil
		case attempt == askAttempts, errors.Is(err, net.ErrClosed):
			return nil, err
		case errors.Is(err, syscall.ECONNREFUSED):
			time.Sleep(askPause) // the error is about an earlier packet, or the server does not listen
		}
	}
}

// once sends a packet and waits for its answer.
func once(c *net.UDPConn, m *dns.Msg, packet, buf []byte) (*dns.Msg, error) {
	if err := c.SetDeadline(time.Now().Add(askPatience)); err != nil {
		return nil, err
	}
	if _, err := c.Write(packet); err != nil {
		return nil, err
	}
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil, err
		}
		got := new(dns.Msg)
		if got.Unpack(buf[:n]) == nil && got.Response && got.Id == m.Id && len(got.Question) == 1 && got.Question[0] == m.Question[0] {
			return got, nil
		}
	}
}

func notForItself(set *ruleset.Set, q *ruleset.QName, c ruleset.Client, now order.Time, id string) string {
	_, reasons := set.Reasons(q, c, now)
	for _, r := range reasons {
		if r.Order.ID != id {
			continue
		}
		switch r.Why {
		case ruleset.OutOfScope:
			return "the order is not for the address of this server"
		case ruleset.ExemptClient:
			return "the order exempts the address of this server"
		}
	}
	return ""
}

func differs(got, want *dns.Msg) string {
	var out []string
	if got.Rcode != want.Rcode {
		out = append(out, fmt.Sprintf("the response code is %s, and not %s", rcodeText(got.Rcode), rcodeText(want.Rcode)))
	}
	if g, w := answer.ErrorCodes(got), answer.ErrorCodes(want); !slices.Equal(g, w) {
		out = append(out, fmt.Sprintf("the extended error codes are %v, and not %v", g, w))
	}
	if g, w := addressesOf(got), addressesOf(want); !slices.Equal(g, w) {
		out = append(out, fmt.Sprintf("the answer has %d addresses, and not the %d addresses of the order", len(g), len(w)))
	}
	return strings.Join(out, "; ")
}

func rcodeText(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprint(code)
}

// addressesOf returns the sorted addresses of an answer.
func addressesOf(m *dns.Msg) (out []string) {
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			out = append(out, a.A.String())
		}
	}
	slices.Sort(out)
	return out
}
