//go:build !race

// The race detector makes frames larger; the gate runs the tests without it, too.

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

// What the handler may take of a goroutine's stack, in octets. Each query has a
// goroutine of its own, whose stack starts with 2 or 4 KiB and is copied into one of
// twice the size when it is outgrown, which costs more than a look-up (bench/README.md,
// "Where a query's time goes"). The budgets are what is taken now and a tenth more;
// before you raise one, see what can be done in a function that has returned by then.
const (
	// belowUs stands while the next plugins work, and all of theirs comes on top of it:
	// ServeDNS alone.
	belowUs = 250
	// aboveUs stands while the answer is written, the server's own writing on top:
	// ServeDNS and the watcher's WriteMsg, or ServeDNS and ask.
	aboveUs = 300
	// passing is the most that a query takes whose answer leads elsewhere: a look-up's
	// that reads a record, as some do by their hashes.
	passing = 2050
	// judging is the most that a blocked one takes. Below errors and prometheus 5 KiB
	// are left of a stack of 8.
	judging = 4950
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
	for _, tc := range []struct {
		what, name string
		blocked    bool
		whole      int
	}{
		{"passing", "www.passing.example.", false, passing},
		{"passing by an exception", "ok.hole.example.", false, judging},
		{"blocked", "www.blocked.example.", true, judging},
		{"redirected", "redirect.example.", true, judging},
	} {
		q := new(dns.Msg).SetQuestion(tc.name, dns.TypeA)
		q.SetEdns0(1232, false)
		var here uintptr
		below, w.at = 0, 0
		whole := depth(func() {
			here = place()
			h.ServeDNS(context.Background(), w, q)
		})
		if n := int(here - below); !tc.blocked && (n <= 0 || n > belowUs) || tc.blocked && below != 0 {
			t.Errorf("%s: the next plugins stand on %d octets, budget %d", tc.what, n, belowUs)
		}
		write := int(here - w.at)
		if write <= 0 || write > aboveUs {
			t.Errorf("%s: the answer is written on %d octets, budget %d", tc.what, write, aboveUs)
		}
		if whole < write || whole > tc.whole {
			t.Errorf("%s: %d octets at the deepest, budget %d", tc.what, whole, tc.whole)
		}
	}
}

// placeWriter notes where the stack is when the answer is written.
type placeWriter struct {
	peer
	at uintptr
}

func (w *placeWriter) WriteMsg(*dns.Msg) error {
	w.at = place()
	return nil
}

// place is where the stack of its caller ends, for comparison with other places of
// the same goroutine.
//
//go:noinline
func place() uintptr {
	var x byte
	return uintptr(unsafe.Pointer(&x))
}

// depth returns how much of the stack f takes at its deepest: what lies below is
// painted, and f wipes some of it off. The stack does not move meanwhile: it has
// grown by then, and only the collector shrinks it.
func depth(f func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // has one that goes on end, which has goroutines help it
	const room = 32 << 10
	least := room
	for range 5 { // whoever interrupts a goroutine may put its registers there, too
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

// painted makes the stack grow, and writes over it what nobody else writes.
//
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
