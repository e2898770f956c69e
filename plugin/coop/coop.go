// Package coop lets long work yield to the network. A server with one CPU then answers
// queries while it loads a million names.
package coop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Quantum is the time that work runs before it yields. On a CPU with free time, one
	// yield takes about 2 us.
	Quantum = 100 * time.Microsecond
	// longest is the maximum time that work runs between two yields. The work runs this long only
	// if the last yield took long.
	longest = 5 * time.Millisecond
)

// every is the number of calls of Tick between two readings of the clock.
const every = 32

var (
	start = time.Now()
	// next is the time of the next yield, in ns since start.
	next atomic.Int64

	turning sync.Mutex // guards changes of working and waiter
	// working is the number of goroutines between Start and the end of their work.
	working atomic.Int32
	// waiter is nil while yielding is off.
	waiter atomic.Pointer[poller]
)

// Start turns yielding on until the returned function is called. A server calls Start in
// each goroutine with long work. A command-line tool has no queries, so it does not call
// Start.
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

// Tick yields if the work has run long enough since the last yield. A loop with short iterations
// (about 1 us) calls Tick(i) in each iteration i. The caller must not hold a lock that queries
// need.
func Tick(i int) {
	if i%every == 0 {
		Yield()
	}
}

// Yield yields if the work has run long enough since the last yield. Use Yield in loops with long
// iterations, because Tick checks the time only in each 32nd call.
func Yield() {
	p := waiter.Load()
	if p == nil {
		return
	}
	begin := time.Since(start)
	if begin < time.Duration(next.Load()) {
		return
	}
	// If a CPU is free, the scheduler already polls the network, and a yield is not necessary.
	if working.Load() < int32(runtime.GOMAXPROCS(0)) {
		next.Store(int64(begin + Quantum))
		return
	}
	p.Lock()
	defer p.Unlock()
	if time.Since(start) < time.Duration(next.Load()) {
		return // another goroutine has yielded in the meantime
	}
	// runtime.Gosched alone is not enough. After runtime.Gosched, the scheduler may resume the same
	// goroutine for up to 10 ms before it polls the network. p.wait returns after a poll of the
	// network. This poll also reports all sockets with data.
	p.wait()
	runtime.Gosched() // lets the goroutines run that the poller has made ready
	now := time.Since(start)
	next.Store(int64(now + turn(now-begin)))
}

// turn returns how long work runs after a yield. The parameter "waited" is the duration of the
// yield. Work runs longer after a long yield. If its time stayed short, a flood of queries would
// delay the load of a new order.
func turn(waited time.Duration) time.Duration { return min(max(Quantum, waited), longest) }
