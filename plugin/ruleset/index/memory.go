package index

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// An array inside the garbage-collected heap could cost twice its size. The large arrays of an
// index are therefore outside of the heap.
//
// The arrays are unmapped when nothing refers to the Index. A slice of an array does not count as a
// reference. A method must call runtime.KeepAlive after its last use of an array. A method must not
// return a slice of an array.

var mapFrom uintptr = 256 << 10

var mapping = mapped

var inUse atomic.Int64

var minLimit int64 = 32 << 20

var limit, collecting = atomic.Int64{}, atomic.Bool{}

// The garbage collector does not see the size of the arrays, so this function starts a collection.
func collect() {
	if inUse.Load() <= max(minLimit, limit.Load()) || !collecting.CompareAndSwap(false, true) {
		return
	}
	go func() {
		freed := make(chan struct{})
		runtime.AddCleanup(new([8]int), func(c chan struct{}) { close(c) }, freed)
		runtime.GC()
		select {
		case <-freed:
		case <-time.After(time.Second):
		}
		limit.Store(2 * inUse.Load())
		collecting.Store(false)
	}()
}

// Mapped returns the number of bytes that all indexes of the process use outside of the heap.
func Mapped() int64 { return inUse.Load() }

type memory struct{ regions regions }

type regions map[unsafe.Pointer]uintptr

func (r regions) unmapAll() {
	for p, size := range r {
		unmap(p, size)
		inUse.Add(-int64(size))
	}
}

func alloc[T any](x *Index, n, room int) []T {
	var zero T
	size := uintptr(room) * unsafe.Sizeof(zero)
	if size < mapFrom {
		return make([]T, n, room)
	}
	p := mapping(size)
	if p == nil { // the system has no mapping left, or does not have mappings
		return make([]T, n, room)
	}
	if x.mem == nil {
		x.mem = &memory{regions{}}
		runtime.AddCleanup(x.mem, regions.unmapAll, x.mem.regions)
	}
	x.mem.regions[p] = size
	inUse.Add(int64(size))
	collect()
	return unsafe.Slice((*T)(p), room)[:n]
}

// Nothing may refer to the array s after the call.
func free[T any](x *Index, s []T) {
	p := unsafe.Pointer(unsafe.SliceData(s))
	if x.mem == nil || x.mem.regions[p] == 0 {
		return
	}
	unmap(p, x.mem.regions[p])
	inUse.Add(-int64(x.mem.regions[p]))
	delete(x.mem.regions, p)
}

func move[T any](x *Index, s []T, room int) []T {
	out := append(alloc[T](x, 0, room), s...)
	free(x, s)
	return out
}

func grow[T any](x *Index, s []T, n int) []T {
	if n += n / 32; cap(s)-len(s) >= n {
		return s
	}
	return move(x, s, len(s)+max(n, len(s)/4))
}

// push appends an element to an array.
func push[T any](x *Index, s []T, v T) []T {
	if len(s) == cap(s) {
		s = grow(x, s, more(len(s)))
	}
	return append(s, v)
}

func more(n int) int {
	if n < 4096 {
		return max(n, 16)
	}
	return n / 4
}
