//go:build unix

package coop

import (
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// TestGivesWay checks that endless work on one CPU yields to the network. Without Tick, or
// with runtime.Gosched in place of Tick, each answer waits 10 ms until the runtime polls the
// network.
func TestGivesWay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	off := Start()
	defer off()
	a, b := socket(t), socket(t)
	stop, working := make(chan struct{}), make(chan int)
	go func() {
		for i := 0; ; i++ {
			Tick(i)
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
	// Each datagram needs one poll of the network. The runtime polls every 10 ms. With its
	// polls alone, a hundred datagrams would take a second, in which the work would never
	// rest.
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

// TestGoesOn checks that work gets a share of the CPU while other goroutines always want the
// CPU. Without the longer run after a long wait, work gets about 1 %.
func TestGoesOn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	off := Start()
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
		t.Errorf("work got %s of one second", working)
	}
}

// TestEnoughCPUs checks that work does not yield while a CPU is free for the network, and
// yields when all CPUs work.
func TestEnoughCPUs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	first := Start()
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
	second := Start()
	if !waits() {
		t.Error("two of two CPUs do not give way")
	}
	second()
	if waits() {
		t.Error("one of two CPUs gives way again")
	}
}

// spent returns the CPU time of the process. Unlike elapsed time, it does not depend on other
// load of the machine.
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
	Yield() // yielding is off, so Yield returns at once
	first, second := Start(), Start()
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
	p.wait() // a goroutine that loaded the poller before it was closed must not block
	p.Unlock()
	Tick(0)
}

func BenchmarkWait(b *testing.B) {
	off := Start()
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
	off := Start()
	defer off()
	i := 0
	for b.Loop() {
		Tick(i)
		i++
	}
}
