package rig

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestUntil(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var changed atomic.Bool
	var asked sync.Map
	var after atomic.Int32
	s := &dns.Server{PacketConn: c, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		if _, twice := asked.LoadOrStore(r.Question[0].Name, true); twice {
			return
		}
		m := new(dns.Msg).SetReply(r)
		if changed.Load() && after.Add(1) > 2 {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m) // the client may already be closed
	})}
	go func() { _ = s.ActivateAndServe() }() // the server ends when c is closed
	t.Cleanup(func() { c.Close() })

	q := Question{Addr: c.LocalAddr().String(), Every: time.Millisecond, Done: func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError },
		Name: func(i int) string { return string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + ".Example" }}
	const patience = 30 * time.Second
	var begin time.Time
	took, err := q.Until(context.Background(), patience, func() (time.Time, error) {
		begin = time.Now()
		changed.Store(true)
		return begin, nil
	})
	if err != nil || took <= 0 || took > time.Since(begin) {
		t.Errorf("took %s, %v", took, err)
	}

	failed := errors.New("no change")
	if _, err := q.Until(context.Background(), patience, func() (time.Time, error) { return time.Time{}, failed }); err != failed {
		t.Errorf("a change that fails: %v", err)
	}
	asked.Clear()
	if _, err := q.Until(context.Background(), patience, func() (time.Time, error) { return time.Now().Add(time.Hour), nil }); err == nil {
		t.Error("an answer from before the change was counted")
	}
	q.Done = func(*dns.Msg) bool { return false }
	if _, err := q.Until(context.Background(), 20*time.Millisecond, func() (time.Time, error) { return time.Now(), nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an effect that never comes: %v", err)
	}
}
