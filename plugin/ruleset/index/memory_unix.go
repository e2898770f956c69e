//go:build linux || darwin || freebsd || netbsd || openbsd

package index

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The new memory contains zeros. It does not belong to a file, so a read cannot fail. After an
// error, the result is nil.
func mapped(size uintptr) unsafe.Pointer {
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return p
}

var munmap = unix.MunmapPtr

// The kernel may refuse to unmap memory if the process has too many mappings. The function then
// frees the pages but keeps the addresses.
func unmap(p unsafe.Pointer, size uintptr) {
	err := munmap(p, size)
	if errors.Is(err, unix.ENOMEM) {
		err = unix.Madvise(unsafe.Slice((*byte)(p), size), unix.MADV_DONTNEED)
	}
	if err != nil {
		panic(err) // the address is wrong
	}
}
