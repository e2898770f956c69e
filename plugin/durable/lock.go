package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// LockName is the name of the lock file in a directory. Never remove the lock file, or two
// processes could lock different files.
const LockName = "LOCK"

// A Lock keeps other processes out of a directory. The lock ends when the process ends, even after
// SIGKILL.
type Lock struct {
	f *os.File
}

// A LockedError means that the directory is already locked.
type LockedError struct {
	Path string // the path of the lock file
	// Holder is the text in the lock file, for example "process 12 on host ns1 since
	// 2026-05-01T12:00:00Z".
	Holder string
}

func (e *LockedError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("%s: locked by another process", printable.Line(e.Path))
	}
	return fmt.Sprintf("%s: locked by another process; the file names %s", printable.Line(e.Path), printable.Line(e.Holder))
}

const maxHolder = 512

// LockDir locks a directory without waiting. If the directory is already locked, LockDir returns a
// *LockedError.
func LockDir(dir string, now time.Time) (*Lock, error) {
	path := filepath.Join(dir, LockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		// A read-only file system does not open the file for writing. A lock also works on a file
		// that is open for reading.
		var readErr error
		if f, readErr = os.Open(path); readErr != nil {
			return nil, err
		}
	}
	switch err := lock(f); {
	case errors.Is(err, errLocked):
		text, _ := io.ReadAll(io.LimitReader(f, maxHolder))
		f.Close()
		return nil, &LockedError{path, strings.TrimSpace(string(text))}
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("%s: %w", printable.Line(path), err)
	}
	host, _ := os.Hostname()
	text := fmt.Sprintf("process %d on host %s since %s", os.Getpid(), printable.Line(host), now.UTC().Format(time.RFC3339))
	// Ignore errors. A full disk must not stop the process.
	if f.Truncate(0) == nil {
		f.WriteAt([]byte(text+"\n"), 0)
	}
	return &Lock{f}, nil
}

// ErrReplaced means that the lock file or its directory was removed or replaced. Another process
// can then lock the new file.
var ErrReplaced = errors.New("the lock file or its directory was removed or replaced")

// Check returns ErrReplaced if the lock file or its directory was removed or replaced.
func (l *Lock) Check() error {
	is, err := os.Stat(l.f.Name())
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: %w", ErrReplaced, err)
	}
	if err != nil {
		return err
	}
	was, err := l.f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(is, was) {
		return fmt.Errorf("%w: %s is another file", ErrReplaced, printable.Line(l.f.Name()))
	}
	return nil
}

// Close releases the lock.
func (l *Lock) Close() error { return l.f.Close() }
