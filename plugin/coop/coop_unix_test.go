//go:build unix

package coop

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestYieldsToNetwork(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop := Start()
	defer stop()
	a, b := socket(t), socket(t)
	var read atomic.Int32
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 8)
		for {
			if _, err := b.Read(buf); err != nil {
				return
			}
			read.Add(1)
		}
	}()
	now() // the goroutine now waits in Read
	late := 0
	for i := range int32(100) {
		if _, err := a.WriteTo([]byte("x"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		now()
		if read.Load() != i+1 {
			now() // every 61st time, the scheduler first resumes this goroutine
		}
		if read.Load() != i+1 {
			late++ // for example, the garbage collector had the CPU
		}
		for read.Load() != i+1 {
			runtime.Gosched()
		}
	}
	if late > 10 {
		t.Errorf("%d of 100 datagrams were read late", late)
	}
	b.Close()
	<-ended
}

func now() {
	next.Store(0)
	Yield()
}

func TestTurn(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0:                     Quantum,
		2 * time.Microsecond:  Quantum,
		Quantum:               Quantum,
		time.Millisecond:      time.Millisecond,
		longest:               longest,
		10 * time.Millisecond: longest,
	} {
		if got := turn(waited); got != want {
			t.Errorf("after a wait of %s: %s, want %s", waited, got, want)
		}
	}
}

func TestTurnIsKept(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop := Start()
	defer stop()
	p := waiter.Load()
	p.sent = false
	next.Store(int64(time.Since(start) + time.Hour))
	Yield()
	if p.sent {
		t.Error("work yields before its time is over")
	}
	now()
	if got := time.Duration(next.Load()); !p.sent || got < Quantum {
		t.Errorf("work yields: %v; the next yield is at %s", p.sent, got)
	}
}

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
		t.Error("work yields though a CPU is free")
	}
	second := Start()
	if !waits() {
		t.Error("work does not yield though all CPUs work")
	}
	second()
	if waits() {
		t.Error("work yields again though a CPU is free")
	}
}

func socket(t testing.TB) *net.UDPConn {
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
	p.wait() // must not block, because a goroutine may still have the closed poller
	p.Unlock()
	Tick(0)
}

func BenchmarkAnswer(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop := Start()
	defer stop()
	client, server := socket(b), socket(b)
	go func() {
		buf := make([]byte, 8)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			server.WriteTo(buf[:n], from)
		}
	}()
	end := make(chan struct{})
	defer close(end)
	go func() {
		for i := 0; ; i++ {
			Tick(i)
			select {
			case <-end:
				return
			default:
			}
		}
	}()
	buf := make([]byte, 8)
	for b.Loop() {
		if _, err := client.WriteTo([]byte("x"), server.LocalAddr()); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBusyCPU(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop := Start()
	defer stop()
	end := make(chan struct{})
	defer close(end)
	for range 2 {
		go func() {
			for {
				select {
				case <-end:
					return
				default:
					runtime.Gosched()
				}
			}
		}()
	}
	for b.Loop() {
		for since := time.Now(); time.Since(since) < 20*time.Microsecond; {
		}
		Yield()
	}
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

func BenchmarkTick(b *testing.B) {
	off := Start()
	defer off()
	i := 0
	for b.Loop() {
		Tick(i)
		i++
	}
}
