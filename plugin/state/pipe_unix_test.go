//go:build unix

package state

import (
	"syscall"
	"testing"
)

// pipe makes a named pipe. A process that opens the pipe for reading waits for a writer.
func pipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}
