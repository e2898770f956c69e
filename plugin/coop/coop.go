// Package coop lets long work yield to the network, so that one CPU can load a million names
// and answer queries at the same time.
//
// The Go scheduler lets a goroutine run for 10 ms. runtime.Gosched does not help: the
// scheduler resumes the same goroutine before it polls the network, so the network is still
// polled only every 10 ms. Tick therefore waits for the network poller itself. It makes a pipe
// readable and waits until the poller reports the pipe. By then the poller has also reported
// all sockets that have data to read.
package coop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Quantum is the time that work runs before it yields. A yield takes about 2 us on a CPU
	// that is not fully used.
	Quantum = 100 * time.Microsecond
	// longest is the maximum time that work runs before it yields, after a long wait.
	longest = 5 * time.Millisecond
)

// every is the number of calls of Tick for each reading of the clock.
const every = 32

var (
	start = time.Now()
	// next is the time of the next yield, in ns since start.
	next atomic.Int64

	turning sync.Mutex // guards changes of working and waiter
	// working is the number of goroutines that have turned yielding on.
	working atomic.Int32
	// waiter is nil while yielding is off.
	waiter atomic.Pointer[poller]
)

// Start turns yielding on until the returned function is called. A server turns it on; a tool
// has no queries to yield to. Each goroutine that does long work calls Start for the duration
// of the work. If there are more CPUs than such goroutines, another CPU polls the network and
// the work does not yield: waking the goroutine again would take longer than the work of one
// Quantum.
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

// Tick is called in each round i of a loop whose rounds take about 1 us. Tick may yield. The
// caller must not hold a lock or anything else that queries wait for.
func Tick(i int) {
	if i%every == 0 {
		Yield()
	}
}

// Yield does the same as Tick, for loops with longer rounds.
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
	runtime.Gosched() // goroutines that the poller reported together with this one run first
	now := time.Since(start)
	next.Store(int64(now + turn(now-begin)))
}

// turn returns the time that work runs after a yield that took the time waited. A runtime that is
// never idle polls the network only every 10 ms. Work therefore runs as long as it has waited, up
// to longest. Otherwise a flood of queries would delay an order.
func turn(waited time.Duration) time.Duration { return min(max(Quantum, waited), longest) }
