package blocklist

import "runtime"

// largeStack is the number of stack bytes that useStack uses.
const largeStack = 128 << 10

// useStack uses a large stack until done is closed. One large stack makes all queries of the
// process faster, because it increases the initial stack of new goroutines.
//
// CoreDNS starts a goroutine for each query. A new goroutine gets a stack of the average size
// in use at the last garbage collection. Without the large stack, this size is 2 KiB. A query
// needs up to 8 KiB, so the runtime copies its stack once or twice. Each copy takes longer
// than the look-up of the name. With one large stack among 20 to 100 goroutines, the average
// is 4 to 8 KiB. bench/NOTES.md has the measured effect.
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
