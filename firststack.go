package blocklist

import "runtime"

// largeStack is the number of stack bytes that useStack uses.
const largeStack = 128 << 10

// useStack uses a large stack until done is closed. This makes all queries faster, because it
// increases the initial stack of new goroutines.
//
// CoreDNS starts a goroutine for each query. Its first stack has the average stack size in use
// at the last garbage collection, which is usually 2 KiB. A query needs up to 8 KiB, so the
// runtime would copy the stack once or twice. One large stack raises the average to 4 to 8 KiB
// if 20 to 100 goroutines exist. bench/NOTES.md has the measured effect.
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
