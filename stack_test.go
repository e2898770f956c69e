//go:build !race

// The race detector makes frames larger. .ci/run also runs the tests without it.

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

// The following constants are the bytes of a goroutine's stack that the handler may use. Each
// query has a new goroutine, whose stack starts with 2 or 4 KiB. When the stack is too small,
// the runtime copies it into one of twice the size, which costs more than a look-up
// (bench/README.md, "Where a query's time goes"). Each budget is the measured use plus a
// tenth. Before you raise a budget, try to move the work into a function that returns earlier.
const (
	// belowUs is the stack in use while the next plugins work: the frame of ServeDNS alone.
	// The frames of the next plugins come on top.
	belowUs = 250
	// aboveUs is the stack in use while the answer is written: the frames of ServeDNS and of
	// the watcher's WriteMsg, or of ServeDNS and ask. The server's frames for writing come on
	// top.
	aboveUs = 300
	// passing is the maximum for a query that passes and whose answer leads to another name.
	// The maximum occurs when a look-up reads a record of the index. Only some look-ups do,
	// depending on their hash values.
	passing = 2050
	// judging is the maximum for a blocked query. With errors and prometheus above, 5 KiB of
	// an 8 KiB stack are free for blocklist.
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
			t.Errorf("%s: %d bytes of stack in use while the next plugins work, budget %d", tc.what, n, belowUs)
		}
		write := int(here - w.at)
		if write <= 0 || write > aboveUs {
			t.Errorf("%s: %d bytes of stack in use while the answer is written, budget %d", tc.what, write, aboveUs)
		}
		if whole < write || whole > tc.whole {
			t.Errorf("%s: %d bytes of stack at most, budget %d", tc.what, whole, tc.whole)
		}
	}
}

// A placeWriter records the position of the stack when the answer is written.
type placeWriter struct {
	peer
	at uintptr
}

func (w *placeWriter) WriteMsg(*dns.Msg) error {
	w.at = place()
	return nil
}

// place returns the position at which the stack of its caller ends, for comparison with other
// positions on the stack of the same goroutine.
//
//go:noinline
func place() uintptr {
	var x byte
	return uintptr(unsafe.Pointer(&x))
}

// depth returns the largest number of bytes of stack that f uses. It paints the free stack,
// runs f, and looks for the lowest byte that f has overwritten. The stack does not move in
// between: it has grown before, and only the garbage collector shrinks a stack.
func depth(f func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // ends a running collection, which would use goroutines as helpers
	const room = 32 << 10
	least := room
	for range 5 { // an interrupt may save registers on the stack, so the smallest of five is used
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

// painted makes the stack grow and fills it with a pattern that no other code writes.
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
