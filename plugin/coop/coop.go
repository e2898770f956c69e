// Package coop lets long work yield to the network, for example the load of a million names, so
// that a server with one CPU answers queries during a load.
//
// The Go scheduler lets a goroutine run for 10 ms. A call of runtime.Gosched does not help:
// the scheduler resumes the same goroutine before it polls the network. The network would
// still be polled only every 10 ms. Tick therefore waits for the network poller itself. Tick
// makes a pipe readable and waits until the poller reports the pipe as readable. By then the
// poller has also reported all sockets that have data to read.
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
	// longest is the maximum time that work runs before it yields again. Work runs for this
	// time only if the last yield took long.
	longest = 5 * time.Millisecond
)

// every is the number of calls of Tick for which Tick reads the clock only once.
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
// goroutine that does long work, for the duration of the work. A command-line tool does not
// call Start, because it has no queries to yield to. If there are more CPUs than goroutines
// with long work, the work does not yield, because a free CPU polls the network. A yield would
// then only cost time: to wake the goroutine again takes longer than one Quantum of work.
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

// Tick yields if the work has run for its time. A loop calls Tick(i) in each iteration i if an
// iteration takes about 1 us. The caller must not hold a lock or anything else that queries
// wait for.
func Tick(i int) {
	if i%every == 0 {
		Yield()
	}
}

// Yield yields if the work has run for its time. Yield is for loops whose iterations take too
// long for Tick, which checks the time only once in 32 calls.
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
		return // another goroutine has yielded in the meantime
	}
	p.wait()
	runtime.Gosched() // lets the goroutines run that the poller has made ready
	now := time.Since(start)
	next.Store(int64(now + turn(now-begin)))
}

// turn returns the time that work runs after a yield. The argument waited is the duration of
// the yield. A runtime that is never idle polls the network only every 10 ms, so a yield can
// take that long. Work therefore runs for as long as it has waited, but at most for longest.
// With a shorter time, a flood of queries would delay the load of a new order.
func turn(waited time.Duration) time.Duration { return min(max(Quantum, waited), longest) }
