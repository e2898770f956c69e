package index

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// The large arrays of an index are outside of the heap of the garbage collector. The collector lets
// the heap grow to twice the memory in use. An array in the heap could therefore cost twice its
// size. The arrays contain no pointers, so the collector does not have to read them.
//
// The memory of the arrays is unmapped when the collector finds no reference to the Index. For the
// collector, a slice of an array is no reference. A method must therefore call runtime.KeepAlive
// after its last use of an array. A method must not return a slice of an array.

// mapFrom is the smallest size in bytes of an array outside of the heap. Tests set it lower.
var mapFrom uintptr = 256 << 10

// mapping is a variable so that tests can replace mapped.
var mapping = mapped

// inUse is the number of bytes outside of the heap.
var inUse atomic.Int64

// minLimit is the smallest value of limit. Tests set it lower.
var minLimit int64 = 32 << 20

// A garbage collection starts when inUse is larger than limit and minLimit. While this collection
// is in progress, collecting is true.
var limit, collecting = atomic.Int64{}, atomic.Bool{}

// collect starts a garbage collection if the arrays use much memory. The collector does not count
// the arrays. Without collect, the unused indexes of many loads could stay in memory.
func collect() {
	if inUse.Load() <= max(minLimit, limit.Load()) || !collecting.CompareAndSwap(false, true) {
		return
	}
	go func() {
		// Cleanups run soon after the collection. When this cleanup has run, the memory of unused
		// indexes is probably free too.
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

// A memory owns the arrays of one index that are outside of the heap.
type memory struct{ regions regions }

// regions maps the address of each array to the size of the array in bytes.
type regions map[unsafe.Pointer]uintptr

// unmapAll frees all arrays. The collector calls unmapAll when no Index refers to the memory.
func (r regions) unmapAll() {
	for p, size := range r {
		unmap(p, size)
		inUse.Add(-int64(size))
	}
}

// alloc returns an array of n zero elements with the capacity room. The index x owns the array.
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

// free unmaps the array s. Nothing else may refer to the array. For an array in the heap, free does
// nothing.
func free[T any](x *Index, s []T) {
	p := unsafe.Pointer(unsafe.SliceData(s))
	if x.mem == nil || x.mem.regions[p] == 0 {
		return
	}
	unmap(p, x.mem.regions[p])
	inUse.Add(-int64(x.mem.regions[p]))
	delete(x.mem.regions, p)
}

// move copies an array to a new array with a larger capacity, and frees the old array.
func move[T any](x *Index, s []T, room int) []T {
	out := append(alloc[T](x, 0, room), s...)
	free(x, s)
	return out
}

// grow returns the array with room for at least n more elements. It may move the array.
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

// more returns the number of elements to add to the capacity of a full array with n elements.
func more(n int) int {
	if n < 4096 {
		return max(n, 16)
	}
	return n / 4
}
