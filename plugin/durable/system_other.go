//go:build !unix || solaris || aix

package durable

import (
	"errors"
	"os"
)

// errLocked is never returned, because lock always fails on this system.
var errLocked = errors.New("locked")

// lock returns an error, because this system has no flock.
func lock(*os.File) error { return errors.ErrUnsupported }

// keepOwner does nothing on this system.
func keepOwner(*os.File, string, bool) error { return nil }

// syncDirectory does nothing on this system.
func syncDirectory(*os.File) error { return nil }
