// Package probe sends queries to a server at a steady rate. The latency of a query begins at its
// scheduled time, even after a late send.
package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// An Expect is the expected answer to a query.
type Expect uint8

const (
	Pass    Expect = iota // the name is not blocked
	Blocked               // the name is blocked
	Either                // any answer is right
)

// A Query is a query of type A with its expected answer.
type Query struct {
	Name string
	Want Expect
}

// A Config describes a load. A load is a stream of queries to one server.
type Config struct {
	Addr    string // the address of the server, for UDP
	Rate    int    // queries per second
	Sockets int    // the number of sockets, which are used in turn; 0 means 8
	// For is the length of the load.
	For time.Duration
	// Queries contains the queries. After the last query, the prober starts again with the first
	// query.
	Queries []Query
	// Patience is the wait for answers after the last query. 0 means two seconds.
	Patience time.Duration
	// IsBlocked reports whether an answer in wire form is a blocking answer. If the function is
	// nil, NXDOMAIN is a blocking answer.
	IsBlocked func(answer []byte) bool
}

const tick = time.Millisecond

const maxQueries = 50_000_000

const (
	headerLen = 12
	wrong     = -1 // the latency of a query that got a wrong answer
)

// A prober is a running load.
type prober struct {
	Config
	packed [][]byte
	start  time.Time
	perMs  float64
	conns  []*net.UDPConn
	// The values are in ns. 0 means no answer.
	latency []atomic.Int64
	late    []time.Duration // for each tick, the delay of its queries
	sent    atomic.Int64
	buffer  int // the size of a socket's receive buffer, in bytes
}

// Run sends the queries of a load and returns the result.
func Run(ctx context.Context, c Config) (*Result, error) {
	p, err := newProber(c)
	if err != nil {
		return nil, err
	}
	for range p.Sockets {
		c, err := net.Dial("udp", p.Addr)
		if err != nil {
			p.close()
			return nil, err
		}
		u := c.(*net.UDPConn)
		p.conns = append(p.conns, u)
		// After a pause, a server sends many answers at once, so the buffer must be large.
		err = u.SetReadBuffer(4 << 20)
		if err == nil {
			p.buffer, err = readBuffer(u)
		}
		if err != nil {
			p.close()
			return nil, err
		}
	}
	p.start = time.Now().Add(tick)
	var receivers sync.WaitGroup
	for i := range p.conns {
		receivers.Go(func() { p.receive(i) })
	}
	p.send(ctx)
	for deadline := time.Now().Add(p.Patience); time.Now().Before(deadline) && !p.complete(); {
		time.Sleep(10 * time.Millisecond)
	}
	p.close()
	receivers.Wait()
	return p.result(), nil
}

func newProber(c Config) (*prober, error) {
	if c.Sockets == 0 {
		c.Sockets = 8
	}
	if c.Patience == 0 {
		c.Patience = 2 * time.Second
	}
	if c.IsBlocked == nil {
		c.IsBlocked = func(answer []byte) bool { return answer[3]&0xf == dns.RcodeNameError }
	}
	n := c.For.Seconds() * float64(c.Rate)
	switch {
	case c.Rate < 1 || c.Sockets < 1 || len(c.Queries) == 0:
		return nil, errors.New("probe: needs a rate, sockets and queries")
	case n < 1 || n > maxQueries:
		return nil, fmt.Errorf("probe: %.0f questions, want 1 to %d", n, maxQueries)
	case float64(c.Rate)/float64(c.Sockets)*c.Patience.Seconds() > 1<<15:
		return nil, errors.New("probe: ids would be used again while they are waited for; take more sockets")
	}
	p := &prober{Config: c, perMs: float64(c.Rate) * tick.Seconds(), latency: make([]atomic.Int64, int(n))}
	p.late = make([]time.Duration, 0, int(c.For/tick)+1)
	for _, q := range c.Queries {
		m := new(dns.Msg).SetQuestion(dns.Fqdn(q.Name), dns.TypeA)
		b, err := m.Pack()
		if err != nil {
			return nil, fmt.Errorf("probe: %s: %w", q.Name, err)
		}
		p.packed = append(p.packed, b)
	}
	return p, nil
}

func (p *prober) close() {
	for _, c := range p.conns {
		_ = c.Close() // a failed close does not change the result
	}
}

func (p *prober) tickOf(i int) int { return int(float64(i) / p.perMs) }

func (p *prober) send(ctx context.Context) {
	next, n := 0, len(p.latency)
	buf := make([]byte, 512)
	for t := 0; next < n && ctx.Err() == nil; t++ {
		at := p.start.Add(time.Duration(t) * tick)
		sleepUntil(at)
		p.late = append(p.late, time.Since(at))
		for ; next < n && p.tickOf(next) <= t; next++ {
			q := append(buf[:0], p.packed[next%len(p.packed)]...)
			socket, id := next%p.Sockets, next/p.Sockets
			binary.BigEndian.PutUint16(q, uint16(id))
			p.sent.Store(int64(next + 1)) // stored before the answer can arrive
			// Write fails if the server's port is closed. The query then counts as lost.
			_, _ = p.conns[socket].Write(q)
		}
	}
}

// complete reports whether every sent query has an answer.
func (p *prober) complete() bool {
	for i := range p.latency[:p.sent.Load()] {
		if p.latency[i].Load() == 0 {
			return false
		}
	}
	return true
}

func (p *prober) receive(socket int) {
	buf := make([]byte, 4096)
	for {
		n, err := p.conns[socket].Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		now := time.Since(p.start)
		// Other errors mean that the server's port is closed.
		if err != nil || n < headerLen || buf[2]&0x80 == 0 {
			continue
		}
		i, ok := p.asked(socket, binary.BigEndian.Uint16(buf))
		if !ok {
			continue
		}
		ns := int64(now - time.Duration(p.tickOf(i))*tick)
		if !p.right(i, buf[:n]) {
			ns = wrong
		}
		p.latency[i].CompareAndSwap(0, ns) // a second answer to the same query is ignored
	}
}

// The result is the number of the last query with this id from the socket. Ids repeat after 65,536
// queries.
func (p *prober) asked(socket int, id uint16) (int, bool) {
	last := (int(p.sent.Load())-1-socket+p.Sockets)/p.Sockets - 1 // the number of the last query from this socket, counted from 0
	k := last - int(uint16(last)-id)
	return k*p.Sockets + socket, k >= 0
}

func (p *prober) right(i int, answer []byte) bool {
	question := p.packed[i%len(p.packed)][headerLen:]
	if len(answer) < headerLen+len(question) || !bytes.EqualFold(question, answer[headerLen:headerLen+len(question)]) {
		return false
	}
	switch p.Queries[i%len(p.Queries)].Want {
	case Pass:
		return !p.IsBlocked(answer) && answer[3]&0xf != dns.RcodeServerFailure && answer[3]&0xf != dns.RcodeRefused
	case Blocked:
		return p.IsBlocked(answer)
	}
	return true
}
