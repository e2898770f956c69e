package blocklist

import "runtime"

// largeStack is the number of stack bytes that useStack uses.
const largeStack = 128 << 10

// useStack uses a large stack until done is closed. New goroutines then start with a
// larger stack. This makes all queries faster (bench/NOTES.md).
//
// CoreDNS starts a goroutine for each query. The first stack of a goroutine has the
// average stack size in use, usually 2 KiB. A query needs up to 8 KiB, so the runtime
// would copy the stack.
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
