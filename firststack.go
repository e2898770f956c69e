package blocklist

import "runtime"

const largeStack = 128 << 10

// useStack uses a large stack until the channel is closed. Go gives a new goroutine the average
// stack size in use. The large stack raises this average, so queries need no copy of the stack (see
// bench/NOTES.md).
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
