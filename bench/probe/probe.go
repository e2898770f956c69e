// Package probe asks a server at a steady rate, open loop: each question goes out
// at its scheduled time, whatever came back for the ones before, and its latency
// counts from that time. So a server that stands still for 50 ms is seen by all
// the questions of those 50 ms, and not by one.
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

// Expect is what the answer must be.
type Expect uint8

const (
	Pass    Expect = iota // not blocked
	Blocked               // blocked
	Either                // any answer to the question
)

// Query is a question of type A and what is expected of its answer.
type Query struct {
	Name string
	Want Expect
}

// Config is a load.
type Config struct {
	Addr    string // of the server, UDP
	Rate    int    // questions a second
	Sockets int    // that the questions go out from in turn; 0 is 8
	// For is how long questions are sent; the end of the context stops them, too.
	For time.Duration
	// Queries are asked in turn, and again from the first.
	Queries []Query
	// Patience is how long answers are waited for after the last question; what is
	// unanswered by then is lost. 0 is two seconds.
	Patience time.Duration
	// IsBlocked tells a packed answer of a blocked name from others; nil is by the
	// response code, NXDOMAIN.
	IsBlocked func(answer []byte) bool
}

// tick is the time between two sends: all questions of one tick go out together,
// so that thousands a second need a thousand wakings.
const tick = time.Millisecond

// maxQueries bounds a load: a result keeps some octets of each question.
const maxQueries = 50_000_000

const (
	headerLen = 12
	wrong     = -1 // in a sample's latency: the answer was not the expected one
)

// prober is a load under way.
type prober struct {
	Config
	packed [][]byte
	start  time.Time
	perMs  float64
	conns  []*net.UDPConn
	// latency of each question in ns from its scheduled time; 0 while unanswered.
	latency []atomic.Int64
	late    []time.Duration // of each tick: how late it was sent
	sent    atomic.Int64
	buffer  int // of a socket, in octets
}

// Run sends the load and returns what came back.
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
		// Answers that come in one go after a pause are not to be lost here. What
		// is above the system's limit is cut without a word.
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
		_ = c.Close() // nothing is lost with it
	}
}

// tickOf returns the number of the tick that question i goes out in.
func (p *prober) tickOf(i int) int { return int(float64(i) / p.perMs) }

// send sends all questions, each at the tick it is scheduled for. It never skips
// any: when it is late, it sends what is due at once.
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
			p.sent.Store(int64(next + 1)) // before its answer can come
			// What cannot be sent, because the server's port is closed, is lost.
			_, _ = p.conns[socket].Write(q)
		}
	}
}

// complete reports whether everything sent has been answered.
func (p *prober) complete() bool {
	for i := range p.latency[:p.sent.Load()] {
		if p.latency[i].Load() == 0 {
			return false
		}
	}
	return true
}

// receive reads answers from one socket until that is closed.
func (p *prober) receive(socket int) {
	buf := make([]byte, 4096)
	for {
		n, err := p.conns[socket].Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		now := time.Since(p.start)
		// Other errors say that the port is closed at the moment.
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
		p.latency[i].CompareAndSwap(0, ns) // a second answer counts for nothing
	}
}

// asked returns the last question sent from the socket with the id.
func (p *prober) asked(socket int, id uint16) (int, bool) {
	last := (int(p.sent.Load())-1-socket+p.Sockets)/p.Sockets - 1 // of this socket, from 0
	k := last - int(uint16(last)-id)
	return k*p.Sockets + socket, k >= 0
}

// right reports whether the answer is about the question and the expected one.
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
