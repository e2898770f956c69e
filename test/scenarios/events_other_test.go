//go:build !linux

package scenarios

import "testing"

// eventsPending returns false, because the pending events are unknown on this system. kqueue
// wakes its readers at once.
func eventsPending(*testing.T) bool { return false }
