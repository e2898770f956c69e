package audit

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A Resolver sends queries to a DNS resolver, over UDP and over TCP for long answers.
type Resolver struct {
	Address netip.AddrPort
	// Timeout is the time for one try. Tries is the largest number of tries.
	Timeout time.Duration
	Tries   int
	// Interval is the least time between two queries, or 0.
	Interval time.Duration

	mu   sync.Mutex
	next time.Time // the time of the next query
}

// Ask sends a query and returns the answer. The error says why there is no answer.
func (r *Resolver) Ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.SetEdns0(1232, false)
	var err error
	for range max(r.Tries, 1) {
		var answer *dns.Msg
		if answer, err = r.try(ctx, m, "udp"); err == nil && answer.Truncated {
			answer, err = r.try(ctx, m, "tcp")
		}
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, err
}

func (r *Resolver) try(ctx context.Context, m *dns.Msg, network string) (*dns.Msg, error) {
	if err := r.wait(ctx); err != nil {
		return nil, err
	}
	c := dns.Client{Net: network, Timeout: r.Timeout}
	a, _, err := c.ExchangeContext(ctx, m, r.Address.String())
	switch {
	case err != nil:
		return nil, err
	case len(a.Question) != 1 || !strings.EqualFold(a.Question[0].Name, m.Question[0].Name) || a.Question[0].Qtype != m.Question[0].Qtype:
		return nil, fmt.Errorf("the answer is to another question")
	}
	return a, nil
}

// wait waits until the next query may be sent.
func (r *Resolver) wait(ctx context.Context) error {
	if r.Interval <= 0 {
		return ctx.Err()
	}
	r.mu.Lock()
	now := time.Now()
	at := r.next
	if at.Before(now) {
		at = now
	}
	r.next = at.Add(r.Interval)
	r.mu.Unlock()
	t := time.NewTimer(at.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
