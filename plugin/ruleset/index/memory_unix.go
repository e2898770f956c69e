//go:build linux || darwin || freebsd || netbsd || openbsd

package index

import (
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

// unmap frees memory from mapped.
func unmap(p unsafe.Pointer, size uintptr) {
	if err := unix.MunmapPtr(p, size); err != nil {
		panic(err) // the address is wrong
	}
}
