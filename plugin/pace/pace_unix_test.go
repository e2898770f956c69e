//go:build unix

package pace

import (
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// TestGivesWay: on one CPU, work that never ends is interrupted by what comes from
// the network. Without Step, or with runtime.Gosched in its place, an answer takes
// the 10 ms after which the runtime looks by itself.
func TestGivesWay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	off := On()
	defer off()
	a, b := socket(t), socket(t)
	stop, working := make(chan struct{}), make(chan int)
	go func() {
		for i := 0; ; i++ {
			Step(i)
			select {
			case <-stop:
				working <- i
				return
			default:
			}
		}
	}()
	answers := make(chan struct{})
	go func() {
		buf := make([]byte, 8)
		for {
			if _, err := b.Read(buf); err != nil {
				close(answers)
				return
			}
			answers <- struct{}{}
		}
	}()
	// Each datagram is found by one look at the network. Looks of the runtime itself,
	// one in 10 ms, would take a second for a hundred, in which the work never rests.
	begin := spent(t)
	for range 100 {
		if _, err := a.WriteTo([]byte("x"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		<-answers
	}
	if took := spent(t) - begin; took > 500*time.Millisecond {
		t.Errorf("100 datagrams took %s", took)
	}
	close(stop)
	if <-working == 0 {
		t.Error("no work was done meanwhile")
	}
	b.Close()
	<-answers
}

// TestGoesOn: where others always want the CPU, work gets a share of it nevertheless.
// Without its waits being paid back it gets some 1 %.
func TestGoesOn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	off := On()
	defer off()
	stop := make(chan struct{})
	defer close(stop)
	for range 2 {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		}()
	}
	begin, working := spent(t), time.Duration(0)
	for spent(t)-begin < time.Second {
		for since := time.Now(); time.Since(since) < 20*time.Microsecond; {
		}
		working += 20 * time.Microsecond
		Yield()
	}
	if working < 50*time.Millisecond {
		t.Errorf("of a second work got %s", working)
	}
}

// TestEnoughCPUs: where a CPU is left for the network, nobody gives way to it; where
// all of them work, they do.
func TestEnoughCPUs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	first := On()
	defer first()
	waits := func() bool {
		p := waiter.Load()
		p.sent = false
		next.Store(0)
		Yield()
		return p.sent
	}
	if waits() {
		t.Error("one of two CPUs gives way")
	}
	second := On()
	if !waits() {
		t.Error("two of two CPUs do not give way")
	}
	second()
	if waits() {
		t.Error("one of two CPUs gives way again")
	}
}

// spent is the CPU time of the process: a machine may be busy with something else.
func spent(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func socket(t *testing.T) *net.UDPConn {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestOff(t *testing.T) {
	Yield() // nothing to wait for
	first, second := On(), On()
	first()
	first()
	if waiter.Load() == nil {
		t.Fatal("off while it is still wanted")
	}
	p := waiter.Load()
	second()
	if waiter.Load() != nil {
		t.Fatal("still on")
	}
	p.Lock()
	p.wait() // somebody who had it already
	p.Unlock()
	Step(0)
}

func BenchmarkWait(b *testing.B) {
	off := On()
	defer off()
	p := waiter.Load()
	p.Lock()
	defer p.Unlock()
	for b.Loop() {
		p.wait()
		runtime.Gosched()
	}
}

func BenchmarkStep(b *testing.B) {
	off := On()
	defer off()
	i := 0
	for b.Loop() {
		Step(i)
		i++
	}
}
