package blocklist

import "runtime"

// largeStack is the number of bytes of stack that useStack uses.
const largeStack = 128 << 10

// useStack uses a large stack until done is closed. One large stack makes all queries of the
// process faster, because it increases the initial stack size of new goroutines.
//
// CoreDNS starts a goroutine for each query. The Go runtime gives a new goroutine a stack of the
// average size that all stacks used at the last garbage collection. Most goroutines of a server
// use less than 1 KiB, so the average is below the minimum of 2 KiB. A query needs up to 8 KiB, so
// the runtime copies the stack of each query once or twice. Each copy takes longer than the
// look-up of the name. With one large stack among 20 to 100 goroutines, the average is 4 to
// 8 KiB. bench/NOTES.md has the measured effect.
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
