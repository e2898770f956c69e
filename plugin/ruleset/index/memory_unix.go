//go:build linux || darwin || freebsd || netbsd || openbsd

package index

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapped returns new memory filled with zeros, or nil if the system provides none. The memory does
// not belong to a file, so a read cannot fail.
func mapped(size uintptr) unsafe.Pointer {
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return p
}

var munmap = unix.MunmapPtr

// unmap frees memory from mapped. If the process has too many mappings, the system may refuse.
// unmap then gives the pages back to the system, but keeps the addresses.
func unmap(p unsafe.Pointer, size uintptr) {
	err := munmap(p, size)
	if errors.Is(err, unix.ENOMEM) {
		err = unix.Madvise(unsafe.Slice((*byte)(p), size), unix.MADV_DONTNEED)
	}
	if err != nil {
		panic(err) // the address is wrong
	}
}
