package index

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// The large arrays of an index are outside of the garbage collector's heap. The collector lets
// the heap grow to twice the memory in use, so each byte in the heap costs two. The arrays have
// no pointers, so the collector has nothing to find there.
//
// The memory is unmapped when no Index refers to it any more. The collector does not see a
// slice of an array as a reference. A method must therefore call runtime.KeepAlive after its
// last use of an array, and must not return a slice of an array.

// mapFrom is the smallest size in bytes of an array outside of the heap. Tests set it lower.
var mapFrom uintptr = 256 << 10

// mapping is a variable so that tests can replace mapped.
var mapping = mapped

// inUse is the number of bytes outside of the heap.
var inUse atomic.Int64

// minLimit is the smallest value of limit. Tests set it lower.
var minLimit int64 = 32 << 20

// limit is the value of inUse at which the next collection starts.
var limit, collecting = atomic.Int64{}, atomic.Bool{}

// collect starts a garbage collection if unused indexes may need much memory. The collector
// does not count the arrays, so it would let the unused indexes of many loads pile up.
func collect() {
	if inUse.Load() <= max(minLimit, limit.Load()) || !collecting.CompareAndSwap(false, true) {
		return
	}
	go func() {
		// The memory is freed soon after the collection, at about the time of this cleanup.
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

// Mapped returns the number of bytes of all indexes of the process outside of the heap.
func Mapped() int64 { return inUse.Load() }

// A memory owns the arrays of one index that are outside of the heap.
type memory struct{ regions regions }

// regions has the size in bytes of each array by its address.
type regions map[unsafe.Pointer]uintptr

// unmapAll frees all arrays. The collector calls it when no Index refers to the memory.
func (r regions) unmapAll() {
	for p, size := range r {
		unmap(p, size)
		inUse.Add(-int64(size))
	}
}

// alloc returns an array with n elements that are zero, and with room for more. The array
// belongs to the index.
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

// free frees an array that nothing refers to any more. An array in the heap is left to the
// collector.
func free[T any](x *Index, s []T) {
	p := unsafe.Pointer(unsafe.SliceData(s))
	if x.mem == nil || x.mem.regions[p] == 0 {
		return
	}
	unmap(p, x.mem.regions[p])
	inUse.Add(-int64(x.mem.regions[p]))
	delete(x.mem.regions, p)
}

// move returns a copy of an array that has room for more elements, and frees the old array.
func move[T any](x *Index, s []T, room int) []T {
	out := append(alloc[T](x, 0, room), s...)
	free(x, s)
	return out
}

// grow returns the array with room for at least n more elements. It clears no memory in the
// heap, so that a load can yield while the system provides the pages.
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

// more returns by how many elements a full array with n elements should grow.
func more(n int) int {
	if n < 4096 {
		return max(n, 16)
	}
	return n / 4
}
