//go:build !linux

package blocklist

import "testing"

// eventsPending cannot be known here; kqueue's readers are woken at once.
func eventsPending(*testing.T) bool { return false }
