package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestHistogram compares the quantiles with those of all values.
func TestHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h, part histogram
	var all []time.Duration
	for i := range 20000 {
		d := time.Duration(random.ExpFloat64() * float64(time.Millisecond) * float64(1+i%100))
		all = append(all, d)
		if i%2 == 0 {
			h.add(d)
		} else {
			part.add(d)
		}
	}
	h.merge(&part)
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(0, int(q*float64(len(all)))-1)]
		if got := h.quantile(q); got < want || float64(got) > float64(want)*1.04+2 {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	for _, d := range []time.Duration{0, 1, 63, 64, 65, 127, 128, 129, 1 << 40, 1<<62 + 7} {
		if top(bucket(d)) < d || bucket(d) > 0 && top(bucket(d)-1) >= d {
			t.Errorf("%d: bucket %d ends at %d and begins after %d", d, bucket(d), top(bucket(d)), top(bucket(d)-1))
		}
	}
}

func TestSaturate(t *testing.T) {
	ready := make(chan struct{})
	server := &dns.Server{Addr: "127.0.0.1:0", Net: "udp", NotifyStartedFunc: func() { close(ready) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		switch name := q.Question[0].Name; {
		case strings.HasPrefix(name, "lost"):
			return
		case strings.HasPrefix(name, "blocked"), strings.HasPrefix(name, "wrong"):
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})}
	go server.ListenAndServe()
	<-ready
	defer server.Shutdown()
	var qs []question
	for i := range 1000 {
		name := map[bool]string{true: "blocked.", false: "pass."}[i%2 == 0]
		switch i {
		case 0:
			name = "lost."
		case 1:
			name = "wrong."
		}
		b, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		qs = append(qs, question{b, strings.HasPrefix(name, "blocked")})
	}
	defer func(was time.Duration) { patience = was }(patience)
	patience = 500 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := saturate(ctx, server.PacketConn.LocalAddr().String(), 1, 4, qs, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.lost == 0 || r.wrong == 0 || r.latency.n+r.lost != r.sent || !strings.HasPrefix(r.example, "wrong.: NXDOMAIN") {
		t.Errorf("sent %d, answers %d, lost %d, wrong %d, example %q", r.sent, r.latency.n, r.lost, r.wrong, r.example)
	}
}
