package probe

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func serve(t *testing.T, hold func()) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{PacketConn: c, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		hold()
		m := new(dns.Msg).SetReply(r)
		switch kind, _, _ := strings.Cut(r.Question[0].Name, "."); kind {
		case "lost":
			return
		case "blocked":
			m.Rcode = dns.RcodeNameError
		case "other":
			m.Question[0].Name = "ether.example."
		}
		if err := w.WriteMsg(m); err != nil {
			t.Error(err)
		}
	})}
	ended := make(chan error)
	go func() { ended <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return c.LocalAddr().String()
}

func TestCounts(t *testing.T) {
	addr := serve(t, func() {})
	r, err := Run(context.Background(), Config{Addr: addr, Rate: 2500, Sockets: 3, For: 200 * time.Millisecond, Patience: 2 * time.Second, Queries: []Query{
		{"pass.example", Pass}, {"blocked.example", Blocked}, {"blocked.example", Pass}, {"pass.example", Blocked},
		{"lost.example", Pass}, {"other.example", Either}, {"pass.example", Either}, {"blocked.example", Either},
		{"pass.example", Pass}, {"pass.example", Pass},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent != 500 || r.Lost != 50 || r.Wrong != 150 {
		t.Errorf("%d sent, %d lost, %d wrong; want 500, 50, 150", r.Sent, r.Lost, r.Wrong)
	}
	if len(r.Windows) != 2 || r.Windows[0].Sent != 250 || r.Windows[1].Sent != 250 || r.Windows[0].Lost != 25 {
		t.Errorf("windows %+v, want two of 250 with 25 lost each", r.Windows)
	}
	if r.P50 <= 0 || r.P50 > r.P99 || r.P99 > r.P999 || r.P999 > r.Max || r.WorstP99 < r.P99 && r.WorstP99 < r.Windows[0].P99 {
		t.Errorf("quantiles are out of order: %s", r)
	}
}

// TestOpenLoop checks that the prober continues to send queries while the server pauses.
func TestOpenLoop(t *testing.T) {
	const pause = 100 * time.Millisecond
	var asked atomic.Int32
	gate := make(chan struct{})
	addr := serve(t, func() {
		if asked.Add(1) == 100 { // the 100th query, at 100 ms, and all later queries wait
			time.AfterFunc(pause, func() { close(gate) })
		}
		if asked.Load() >= 100 {
			<-gate
		}
	})
	r, err := Run(context.Background(), Config{Addr: addr, Rate: 1000, For: 400 * time.Millisecond, Queries: []Query{{"pass.example", Pass}}})
	if err != nil {
		t.Fatal(err)
	}
	slow := 0
	for _, ns := range r.samples {
		if ns > int64(pause/2) {
			slow++
		}
	}
	if slow < 45 {
		t.Errorf("a pause of %s delayed %d of 1000 queries a second by more than half of the pause, want some 50", pause, slow)
	}
	if r.Lost != 0 || r.Wrong != 0 || r.Max < 95 || r.WorstP99 < 90 {
		t.Errorf("%s: want none lost and a maximum of 100 ms", r)
	}
	if late := r.LateBetween(r.Start, r.Start.Add(time.Hour)); late != r.Late || late.Max <= 0 {
		t.Errorf("late by %v over all, %v over an hour", r.Late, late)
	}
	calm := r.Between(r.Start, r.Start.Add(50*time.Millisecond))
	if calm.Sent != 100 || calm.Max > r.Max {
		t.Errorf("the first window: %s, want 100 questions", calm)
	}
}

func TestAsked(t *testing.T) {
	p := &prober{Config: Config{Sockets: 3}}
	for _, tc := range []struct {
		sent   int64
		socket int
		id     uint16
		want   int
		ok     bool
	}{
		{1, 0, 0, 0, true}, {1, 1, 0, 0, false}, {2, 1, 0, 1, true}, {4, 0, 1, 3, true}, {4, 0, 0, 0, true},
		{4, 1, 1, 0, false}, {4, 0, 65535, 0, false},
		{3*65536 + 1, 0, 0, 3 * 65536, true}, {3*65536 + 1, 0, 65535, 3 * 65535, true}, {3*65536 + 1, 1, 0, 1, true},
	} {
		p.sent.Store(tc.sent)
		if got, ok := p.asked(tc.socket, tc.id); ok != tc.ok || ok && got != tc.want {
			t.Errorf("%d sent, socket %d, id %d: question %d %t, want %d %t", tc.sent, tc.socket, tc.id, got, ok, tc.want, tc.ok)
		}
	}
}

func TestConfig(t *testing.T) {
	good := Config{Addr: "127.0.0.1:1", Rate: 1, For: time.Second, Queries: []Query{{"a.example", Pass}}}
	for what, bad := range map[string]func(*Config){
		"no rate":      func(c *Config) { c.Rate = 0 },
		"no time":      func(c *Config) { c.For = 0 },
		"no queries":   func(c *Config) { c.Queries = nil },
		"a bad name":   func(c *Config) { c.Queries = []Query{{"a..example", Pass}} },
		"too long":     func(c *Config) { c.Rate, c.Sockets, c.For = 100_000, 64, time.Hour },
		"too few ids":  func(c *Config) { c.Rate = 1_000_000 },
		"less sockets": func(c *Config) { c.Sockets = -1 },
	} {
		c := good
		bad(&c)
		if _, err := newProber(c); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := newProber(good); err != nil {
		t.Error(err)
	}
}

func TestLateBetween(t *testing.T) {
	r := &Result{Start: time.Unix(1, 0), late: []time.Duration{9 * tick, tick, 2 * tick, 8 * tick}}
	if got := r.LateBetween(r.Start.Add(tick), r.Start.Add(3*tick)); got != (Late{P99: 2, Max: 2}) {
		t.Errorf("got %v, want 2 ms", got)
	}
	if got := r.LateBetween(r.Start.Add(time.Second), r.Start.Add(time.Minute)); got != (Late{}) {
		t.Errorf("after the end: %v", got)
	}
}
