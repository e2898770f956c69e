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

const (
	// Quantum is how long work goes on before it gives way. Doing so takes some 2 us
	// on a CPU that is not fully used.
	Quantum = 100 * time.Microsecond
	// longest is how long it goes on at most, when it had to wait for that long.
	longest = 5 * time.Millisecond
)

// every is the number of calls of Step for one look at the clock.
const every = 32

var (
	start = time.Now()
	// next is when work gives way again, in ns since start.
	next atomic.Int64

	turning sync.Mutex // guards changes of what follows
	// working is the number of goroutines that have turned pacing on.
	working atomic.Int32
	// waiter is there while pacing is on.
	waiter atomic.Pointer[poller]
)

// On turns pacing on, until the function it returns is called: a server has
// somebody to give way to, a tool has not. Each goroutine with long work calls it for
// as long as that takes. Where there are more CPUs than those, one of the others looks at
// the network, and nobody gives way: to be woken again would take longer than the work.
func On() (off func()) {
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
	begin := time.Since(start)
	if begin < time.Duration(next.Load()) {
		return
	}
	if working.Load() < int32(runtime.GOMAXPROCS(0)) {
		next.Store(int64(begin + Quantum))
		return
	}
	p.Lock()
	defer p.Unlock()
	if time.Since(start) < time.Duration(next.Load()) {
		return // another one's wait was for all
	}
	p.wait()
	runtime.Gosched() // those who were handed out with this goroutine go first
	// A runtime that is never idle looks at the network each 10 ms only. Who had to
	// wait for long works for long, or else a flood of queries would put off an order.
	now := time.Since(start)
	next.Store(int64(now + min(max(Quantum, now-begin), longest)))
}
