package blocklist

import "runtime"

const largeStack = 128 << 10

// useStack uses a large stack until done is closed. Go gives a new goroutine the average stack size
// in use, usually 2 KiB. A query needs up to 8 KiB. The large stack raises the average and saves a
// copy of the stack for each query (see bench/NOTES.md).
func useStack(done <-chan struct{}) {
	var stack [largeStack]byte
	<-done
	runtime.KeepAlive(&stack)
}
