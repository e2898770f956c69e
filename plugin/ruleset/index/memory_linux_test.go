package index

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestUnmapAtTheLimit(t *testing.T) {
	was := munmap
	defer func() { munmap = was }()
	const size = 1 << 20
	p := mapped(size)
	if p == nil {
		t.Fatal("no memory")
	}
	pages := unsafe.Slice((*byte)(p), size)
	pages[0], pages[size-1] = 1, 1
	munmap = func(unsafe.Pointer, uintptr) error { return unix.ENOMEM }
	unmap(p, size)
	if pages[0] != 0 || pages[size-1] != 0 {
		t.Error("the pages are still in use")
	}
	munmap = func(unsafe.Pointer, uintptr) error { return unix.EINVAL }
	defer func() {
		if recover() == nil {
			t.Error("a wrong address is accepted")
		}
		if err := was(p, size); err != nil {
			t.Error(err)
		}
	}()
	unmap(p, size)
}
