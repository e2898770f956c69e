//go:build !race

// The race detector makes stack frames larger.

package blocklist

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

const (
	maxBelow    = 1.4
	maxWrite    = 1.33
	maxReply    = 2.3
	maxPassing  = 1.0
	maxDeciding = 2.35
)

func TestStack(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	led := new(dns.Msg)
	for _, rr := range []string{"www.passing.example. 300 IN CNAME a.cdn.example.", "a.cdn.example. 300 IN A 192.0.2.1"} {
		x, _ := dns.NewRR(rr)
		led.Answer = append(led.Answer, x)
	}
	var below uintptr
	h.Next = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) {
		below = place()
		return 0, w.WriteMsg(led)
	})
	w := &placeWriter{peer: peer{addr: &net.UDPAddr{IP: net.ParseIP("203.0.113.1"), Port: 40212}}}
	type use struct{ below, write, whole float64 } // the fields are in bytes; below is 0 if the next plugins do not run
	measure := func(h plugin.Handler, q *dns.Msg) use {
		var here uintptr
		below, w.at = 0, 0
		whole := depth(func() {
			here = place()
			h.ServeDNS(context.Background(), w, q)
		})
		u := use{write: float64(here - w.at), whole: float64(whole)}
		if below != 0 {
			u.below = float64(here - below)
		}
		return u
	}
	query := func(name string) *dns.Msg { return new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false) }

	passes, answers := measure(&minimal{Next: h.Next}, query("passing.")), measure(&minimal{}, query("blocked."))
	wire, err := query("www.passing.example.").Pack()
	if err != nil {
		t.Fatal(err)
	}
	unpacking := float64(depth(func() { new(dns.Msg).Unpack(wire) }))
	for _, tc := range []struct {
		what, name            string
		below, write, deepest float64 // limits in bytes
	}{
		{"passing", "www.passing.example.", maxBelow * passes.below, maxWrite * passes.write, maxPassing * unpacking},
		{"passing by an exception", "ok.hole.example.", maxBelow * passes.below, maxWrite * passes.write, maxDeciding * unpacking},
		{"blocked", "www.blocked.example.", 0, maxReply * answers.write, maxDeciding * unpacking},
		{"redirected", "redirect.example.", 0, maxReply * answers.write, maxDeciding * unpacking},
	} {
		u := measure(h, query(tc.name))
		if u.below > tc.below || (u.below == 0) != (tc.below == 0) {
			t.Errorf("%s: %.0f bytes of stack in use while the next plugins work, limit %.0f", tc.what, u.below, tc.below)
		}
		if u.write <= 0 || u.write > tc.write {
			t.Errorf("%s: %.0f bytes of stack in use while the answer is written, limit %.0f", tc.what, u.write, tc.write)
		}
		if u.whole < u.write || u.whole > tc.deepest {
			t.Errorf("%s: %.0f bytes of stack at most, limit %.0f", tc.what, u.whole, tc.deepest)
		}
	}
}

type minimal struct{ Next plugin.Handler }

type minimalWriter struct {
	dns.ResponseWriter
	context.Context
}

func (m *minimal) Name() string { return "minimal" }

func (m *minimal) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	rw, answered := m.answerOrWatch(ctx, w, r)
	if answered {
		return dns.RcodeSuccess, nil
	}
	if rw != nil {
		ctx, w = rw, rw
	}
	return m.Next.ServeDNS(ctx, w, r)
}

//go:noinline
func (m *minimal) answerOrWatch(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (rw *minimalWriter, answered bool) {
	if m.Next == nil {
		w.WriteMsg(r)
		return nil, true
	}
	return &minimalWriter{w, ctx}, false
}

func (w *minimalWriter) WriteMsg(m *dns.Msg) error { return w.ResponseWriter.WriteMsg(w.checked(m)) }

//go:noinline
func (w *minimalWriter) checked(m *dns.Msg) *dns.Msg { return m }

type placeWriter struct {
	peer
	at uintptr
}

func (w *placeWriter) WriteMsg(*dns.Msg) error {
	w.at = place()
	return nil
}

//go:noinline
func place() uintptr {
	var x byte
	return uintptr(unsafe.Pointer(&x))
}

func depth(f func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // ends a running collection, because f could have to help it
	const room = 32 << 10
	least := room
	for range 5 { // a signal may use the stack too, so the smallest of five results counts
		painted(room)
		var here byte
		below := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&here), -room)), room)
		before := bytes.Clone(below)
		f()
		same := 0
		for same < room && below[same] == before[same] {
			same++
		}
		least = min(least, room-same)
	}
	return least
}

//go:noinline
func painted(octets int) (sum byte) {
	var buf [512]byte
	for i := range buf {
		buf[i] = 0xa5
	}
	if octets > 0 {
		sum = painted(octets - len(buf))
	}
	return sum + buf[sum]
}
