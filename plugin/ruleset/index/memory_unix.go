//go:build linux || darwin || freebsd || netbsd || openbsd

package index

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapped returns new memory with zeros, or nil. No file is behind the memory, so a read cannot
// fail.
func mapped(size uintptr) unsafe.Pointer {
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return p
}

// munmap is a variable so that tests can replace unix.MunmapPtr.
var munmap = unix.MunmapPtr

// unmap frees memory from mapped. A process at its limit of mappings cannot split a mapping. The
// addresses then stay in use, but the system gets the pages back.
func unmap(p unsafe.Pointer, size uintptr) {
	err := munmap(p, size)
	if errors.Is(err, unix.ENOMEM) {
		err = unix.Madvise(unsafe.Slice((*byte)(p), size), unix.MADV_DONTNEED)
	}
	if err != nil {
		panic(err) // the address is wrong
	}
}
