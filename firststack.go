package blocklist

import "runtime"

// largeStack is the number of stack bytes that useStack uses.
const largeStack = 128 << 10

// useStack uses a large stack until done is closed. This makes all queries faster, because new
// goroutines then start with a larger stack.
//
// CoreDNS starts a goroutine for each query. Its first stack has the average stack size in
// use, usually 2 KiB. A query needs up to 8 KiB, so the runtime would copy the stack. One
// large stack among 20 to 100 goroutines raises the average to 4 to 8 KiB. bench/NOTES.md has
// the measured effect.
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
