// Package coop lets long work yield to the network, so that a server with one CPU answers
// queries while it loads a million names.
package coop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Quantum is the time that work runs before it yields. One yield takes about 2 us on a CPU
	// that is not fully used.
	Quantum = 100 * time.Microsecond
	// longest is the maximum time that work runs before it yields again. It applies only after
	// a long yield.
	longest = 5 * time.Millisecond
)

// every is the number of calls of Tick between two readings of the clock.
const every = 32

var (
	start = time.Now()
	// next is the time of the next yield, in ns since start.
	next atomic.Int64

	turning sync.Mutex // guards changes of working and waiter
	// working is the number of goroutines that have called Start and have not finished their
	// work.
	working atomic.Int32
	// waiter is nil while yielding is off.
	waiter atomic.Pointer[poller]
)

// Start turns yielding on until the returned function is called. A server calls Start in each
// goroutine that does long work. A command-line tool does not, because it has no queries to
// yield to.
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

// Tick yields if the work has run for its time. A loop calls Tick(i) in each iteration i of
// about 1 us. The caller must not hold a lock that queries wait for.
func Tick(i int) {
	if i%every == 0 {
		Yield()
	}
}

// Yield yields if the work has run for its time. It is for loops with long iterations, because
// Tick checks the time only once in 32 calls.
func Yield() {
	p := waiter.Load()
	if p == nil {
		return
	}
	begin := time.Since(start)
	if begin < time.Duration(next.Load()) {
		return
	}
	// A free CPU polls the network. A yield would cost more time than one Quantum of work.
	if working.Load() < int32(runtime.GOMAXPROCS(0)) {
		next.Store(int64(begin + Quantum))
		return
	}
	p.Lock()
	defer p.Unlock()
	if time.Since(start) < time.Duration(next.Load()) {
		return // another goroutine has yielded in the meantime
	}
	// runtime.Gosched alone does not help: the scheduler resumes the same goroutine for up to
	// 10 ms before it polls the network. When the poller reports the pipe, it has also
	// reported all sockets with data.
	p.wait()
	runtime.Gosched() // lets the goroutines run that the poller has made ready
	now := time.Since(start)
	next.Store(int64(now + turn(now-begin)))
}

// turn returns the time that work runs after a yield of the duration "waited". After a long
// yield, work runs longer, because a flood of queries must not delay the load of a new order.
func turn(waited time.Duration) time.Duration { return min(max(Quantum, waited), longest) }
