//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package index

import "unsafe"

// mapped returns nil, because all arrays are in the heap on this system.
func mapped(uintptr) unsafe.Pointer { return nil }

func unmap(unsafe.Pointer, uintptr) {}
