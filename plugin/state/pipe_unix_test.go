//go:build unix

package state

import (
	"syscall"
	"testing"
)

// pipe makes a named pipe at path. A process that opens the pipe to read it waits until
// another process opens the pipe to write.
func pipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}
