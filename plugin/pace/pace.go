// Package pace lets long work give way to the network, so that a load of a million
// names and the answers to queries can share one CPU.
//
// Go gives a goroutine 10 ms at a time, and runtime.Gosched does not help: a
// goroutine that gives way like that is found again before the network is looked
// at, which then only happens each 10 ms. So Step waits for the network poller
// itself: it makes a pipe readable and waits for that. Before the poller hands the
// pipe out it has handed out all sockets that have something to read.
package pace

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Quantum is how long work goes on before it gives way. Doing so takes some 2 us.
const Quantum = 100 * time.Microsecond

// every is the number of calls of Step for one look at the clock.
const every = 32

var (
	start = time.Now()
	// last is when work last gave way, in ns since start.
	last atomic.Int64

	using struct {
		sync.Mutex
		n int
	}
	// waiter is there while pacing is on.
	waiter atomic.Pointer[poller]
)

// On turns pacing on, until the function it returns is called: a server has
// somebody to give way to, a tool has not.
func On() (off func()) {
	using.Lock()
	defer using.Unlock()
	if using.n++; using.n == 1 {
		waiter.Store(newPoller())
	}
	return sync.OnceFunc(func() {
		using.Lock()
		defer using.Unlock()
		if using.n--; using.n == 0 {
			waiter.Swap(nil).close()
		}
	})
}

// Step is called in each round i of a loop whose rounds take a microsecond or so.
// It may give way. Nothing that queries wait for, no lock above all, may be held.
func Step(i int) {
	if i%every == 0 {
		Yield()
	}
}

// Yield is Step for longer rounds.
func Yield() {
	p := waiter.Load()
	if p == nil {
		return
	}
	if time.Since(start)-time.Duration(last.Load()) < Quantum {
		return
	}
	p.wait()
	runtime.Gosched() // those who were handed out with this goroutine go first
	last.Store(int64(time.Since(start)))
}
