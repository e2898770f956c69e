package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A query without an answer counts as lost after this time. Tests change the value.
var patience = 2 * time.Second

type question struct {
	wire    []byte
	blocked bool
}

// A result is the result of a load.
type result struct {
	latency     histogram
	sent        int64
	lost, wrong int64
	length      time.Duration
	example     string // a wrong answer
}

func saturate(ctx context.Context, addr string, sockets, window int, qs []question, length time.Duration) (all result, err error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	begin := time.Now()
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range sockets {
		group.Go(func() {
			w := worker{qs: qs, next: i * len(qs) / sockets, slots: make([]slot, window)}
			e := w.run(ctx, addr)
			mu.Lock()
			defer mu.Unlock()
			err = errors.Join(err, e)
			all.latency.merge(&w.latency)
			all.sent += w.sent
			all.lost += w.lost
			all.wrong += w.wrong
			if w.example != "" {
				all.example = w.example
			}
		})
	}
	group.Wait()
	all.length = time.Since(begin)
	return all, err
}

type slot struct {
	at       time.Time // zero if nothing is outstanding
	question int
	turn     uint16 // the high bits of the DNS id, which distinguish a late answer from a new one
}

// The low bits of a DNS id are the index of the slot.
const slotBits = 8

// A worker sends queries from one socket.
type worker struct {
	result
	qs    []question
	next  int
	slots []slot
	conn  *net.UDPConn
	buf   [512]byte
}

func (w *worker) run(ctx context.Context, addr string) error {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	w.conn = c.(*net.UDPConn)
	if err := w.conn.SetReadBuffer(1 << 20); err != nil {
		return err
	}
	for i := range w.slots {
		if err := w.send(i); err != nil {
			return err
		}
	}
	answer := make([]byte, 4096)
	swept, open := time.Now(), true
	for open || w.outstanding() > 0 {
		open = ctx.Err() == nil
		now := time.Now()
		if now.Sub(swept) > patience/20 {
			swept = now
			if err := w.sweep(now, open); err != nil {
				return err
			}
		}
		if err := w.conn.SetReadDeadline(now.Add(patience / 10)); err != nil {
			return err
		}
		n, err := w.conn.Read(answer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("the server does not answer: %w", err)
		}
		if i := w.receive(answer[:n]); i >= 0 && open {
			if err := w.send(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// send sends the next query in slot i.
func (w *worker) send(i int) error {
	s := &w.slots[i]
	s.turn++
	s.question = w.next % len(w.qs)
	w.next++
	q := append(w.buf[:0], w.qs[s.question].wire...)
	binary.BigEndian.PutUint16(q, s.turn<<slotBits|uint16(i))
	s.at = time.Now()
	w.sent++
	_, err := w.conn.Write(q)
	return err
}

func (w *worker) receive(b []byte) int {
	if len(b) < 12 {
		return -1
	}
	id := binary.BigEndian.Uint16(b)
	i := int(id & (1<<slotBits - 1))
	if i >= len(w.slots) || w.slots[i].at.IsZero() || w.slots[i].turn<<slotBits != id&^(1<<slotBits-1) {
		return -1
	}
	s := &w.slots[i]
	w.latency.add(time.Since(s.at))
	s.at = time.Time{}
	rcode, q := int(b[3]&0xf), w.qs[s.question]
	if blocked := rcode == dns.RcodeNameError; blocked != q.blocked || !blocked && rcode != dns.RcodeSuccess {
		w.wrong++
		m := new(dns.Msg)
		if m.Unpack(q.wire) == nil {
			w.example = fmt.Sprintf("%s: %s, blocked in the list: %v", m.Question[0].Name, dns.RcodeToString[rcode], q.blocked)
		}
	}
	return i
}

func (w *worker) sweep(now time.Time, open bool) error {
	for i := range w.slots {
		s := &w.slots[i]
		if s.at.IsZero() && !open || !s.at.IsZero() && now.Sub(s.at) < patience {
			continue
		}
		if !s.at.IsZero() {
			w.lost++
			s.at = time.Time{}
		}
		if open {
			if err := w.send(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// outstanding returns the number of queries without an answer.
func (w *worker) outstanding() (n int) {
	for _, s := range w.slots {
		if !s.at.IsZero() {
			n++
		}
	}
	return n
}
