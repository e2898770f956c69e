// Package coop interrupts long work, so that the Go runtime can read from the network. A server
// with one CPU then answers queries during a long load.
package coop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Quantum is the shortest time between two interruptions of the work.
	Quantum = 100 * time.Microsecond
	longest = 5 * time.Millisecond
)

const every = 32

var (
	start = time.Now()
	next  atomic.Int64

	turning sync.Mutex // guards changes of working and waiter
	working atomic.Int32
	// waiter is nil while yielding is off.
	waiter atomic.Pointer[poller]
)

// Start lets Tick and Yield interrupt long work. Start returns a function that ends the
// interruptions. Each goroutine with long work calls Start.
func Start() (off func()) {
	turning.Lock()
	defer turning.Unlock()
	if working.Add(1) == 1 {
		waiter.Store(newPoller())
	}
	return sync.OnceFunc(func() {
		turning.Lock()
		defer turning.Unlock()
		if working.Add(-1) == 0 {
			waiter.Swap(nil).close()
		}
	})
}

// Tick interrupts the work if it has run long enough. In a fast loop, call Tick in each iteration.
// The argument is the number of the iteration. The caller must not hold a lock that queries need.
func Tick(i int) {
	if i%every == 0 {
		Yield()
	}
}

// Yield interrupts the work if it has run long enough. Use Yield in a loop whose iterations take
// more than about 1 us.
func Yield() {
	p := waiter.Load()
	if p == nil {
		return
	}
	begin := time.Since(start)
	if begin < time.Duration(next.Load()) {
		return
	}
	// With fewer working goroutines than CPUs, a CPU is free. The scheduler then polls the network
	// on this CPU.
	if working.Load() < int32(runtime.GOMAXPROCS(0)) {
		next.Store(int64(begin + Quantum))
		return
	}
	p.Lock()
	defer p.Unlock()
	if time.Since(start) < time.Duration(next.Load()) {
		return // another goroutine has yielded in the meantime
	}
	// runtime.Gosched alone is not enough. The scheduler may resume the same goroutine for 10 ms
	// before a poll of the network.
	p.wait()
	runtime.Gosched() // lets the goroutines run that the poller has made ready
	now := time.Since(start)
	next.Store(int64(now + turn(now-begin)))
}

func turn(waited time.Duration) time.Duration { return min(max(Quantum, waited), longest) }
