//go:build !unix || solaris || aix

package durable

import (
	"errors"
	"os"
)

var errLocked = errors.New("locked")

func lock(*os.File) error { return errors.ErrUnsupported }

// keepOwner does nothing on this system.
func keepOwner(*os.File, string, bool) error { return nil }

// syncDirectory does nothing on this system.
func syncDirectory(*os.File) error { return nil }
