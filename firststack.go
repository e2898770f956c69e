package blocklist

import "runtime"

const largeStack = 128 << 10

// useStack uses a large stack until done is closed. New goroutines then start with a larger stack.
// All queries become faster (see bench/NOTES.md).
//
// CoreDNS starts a goroutine for each query. Go gives a new goroutine the average stack size in
// use, usually 2 KiB. A query needs up to 8 KiB. Without useStack, Go would have to copy the stack
// during the query.
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
