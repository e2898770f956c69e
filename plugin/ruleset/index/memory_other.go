//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package index

import "unsafe"

func mapped(uintptr) unsafe.Pointer { return nil }

func unmap(unsafe.Pointer, uintptr) {}
