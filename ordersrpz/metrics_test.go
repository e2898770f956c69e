package ordersrpz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/clock"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

func samples(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		metric, ours := strings.CutPrefix(f.GetName(), "coredns_orders_rpz_")
		for _, m := range f.GetMetric() {
			zone, kind := "", ""
			for _, l := range m.GetLabel() {
				if l.GetName() == "zone" {
					zone = l.GetValue()
				} else {
					kind = " " + l.GetValue()
				}
			}
			if ours && zone == origin {
				out[metric+kind] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	var code atomic.Int64
	s := newServer(t, "\ttransfer {\n\t\tto "+coredns.StartSecondary(t, &code)+"\n\t}", "countries IT", "a.example")
	awaitSample := func(metric string, want float64) map[string]float64 {
		t.Helper()
		var got map[string]float64
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
			if got = samples(t); got[metric] == want {
				return got
			}
		}
		t.Fatalf("%s is not %v: %v", metric, want, got)
		return nil
	}
	begin := float64(time.Now().Unix())
	s.start()
	one := s.await(0)
	got := awaitSample("notify_ok", 1)
	if got["serial"] != float64(one) || got["records"] != 2 || got["history_records"] != 0 || got["notify_failures_total"] != 0 || got["last_notify_timestamp_seconds"] < begin {
		t.Errorf("after the start: %v", got)
	}
	for _, kind := range []string{"axfr", "ixfr", "current"} {
		if n, ok := got["transfers_total "+kind]; n != 0 || !ok {
			t.Errorf("transfers %s: %v, %v", kind, n, ok)
		}
	}

	code.Store(dns.RcodeRefused)
	s.orders("a.example", "b.example", "c.example")
	two := s.await(one)
	if got = awaitSample("notify_ok", 0); got["notify_failures_total"] != 1 || got["serial"] != float64(two) || got["records"] != 6 || got["history_records"] != 4 {
		t.Errorf("after a NOTIFY that the secondary refused: %v", got)
	}
	code.Store(dns.RcodeSuccess)
	s.orders("a.example", "c.example", "d.example")
	s.await(two)
	if got = awaitSample("notify_ok", 1); got["notify_failures_total"] != 1 {
		t.Errorf("after a NOTIFY that the secondary accepted: %v", got)
	}
	for _, serial := range []uint32{0, two, two + 1<<20} {
		if _, err := s.transfer(serial); err != nil {
			t.Fatal(err)
		}
	}
	got = samples(t)
	for _, kind := range []string{"axfr", "ixfr", "current"} {
		if got["transfers_total "+kind] != 1 {
			t.Errorf("transfers %s: %v, want 1", kind, got)
		}
	}

	var err error
	s.properties = "countries IT\nttl 20s"
	if s.inst, err = s.inst.Restart(coredns.Input(s.corefile())); err != nil {
		t.Fatal(err)
	}
	s.await(0)
	if got = awaitSample("notify_ok", 1); len(got) != 9 {
		t.Errorf("after a reload: %v", got)
	}
	if s.inst, err = s.inst.Restart(coredns.Input(strings.ReplaceAll(s.corefile(), "rpz-it.", "rpz-fr."))); err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(maps.Keys(samples(t))); len(got) > 0 {
		t.Errorf("after a reload without the zone: %v", got)
	}
}

func TestNotifyOrder(t *testing.T) {
	z := &zone{config: config{origin: origin, parts: 1}, clock: clock.NewSilent(time.Unix(5, 0)), refs: 1}
	p := &part{origin: origin}
	defer z.forget()
	began := make(chan struct{})
	slow, ended := make(chan error), make(chan struct{})
	first := func(string) error { close(began); return <-slow }
	z.notifier.Store(&first)
	go func() { z.notifyRound(p); close(ended) }()
	<-began
	second := func(string) error { return nil }
	z.notifier.Store(&second)
	z.notifyRound(p)
	slow <- fmt.Errorf("no answer")
	<-ended
	if got := samples(t); got["notify_ok"] != 1 || got["notify_failures_total"] != 1 {
		t.Errorf("%v", got)
	}
}
