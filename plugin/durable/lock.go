package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// LockName is the name of the file that a Lock locks. The file stays when the lock ends, because
// a removal could let two processes lock two different files of that name.
const LockName = "LOCK"

// A Lock keeps other processes out of a directory. The system ends the lock when the process
// ends, also after SIGKILL.
type Lock struct {
	f *os.File
}

// A LockedError reports that a directory is locked by another Lock.
type LockedError struct {
	Path string // of the lock file
	// Holder is the text in the lock file: the process, its host and the time of the lock. It is
	// empty if the lock file has no text.
	Holder string
}

func (e *LockedError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("%s: locked by another process", printable.Line(e.Path))
	}
	return fmt.Sprintf("%s: locked by another process; the file names %s", printable.Line(e.Path), printable.Line(e.Holder))
}

// maxHolder is more than the length in bytes of the text in a lock file.
const maxHolder = 512

// LockDir locks a directory for this process without waiting. It writes the number of the
// process, the host and the time into the lock file, if that file can be written. If the
// directory is locked, LockDir returns a *LockedError.
//
// A second LockDir of the same process fails too.
func LockDir(dir string, now time.Time) (*Lock, error) {
	path := filepath.Join(dir, LockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		// A file that cannot be written can be locked, for example on a disk that has become
		// read-only.
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
	// The text is only for people. A full disk must not stop the process.
	if f.Truncate(0) == nil {
		f.WriteAt([]byte(text+"\n"), 0)
	}
	return &Lock{f}, nil
}

// Close ends the lock.
func (l *Lock) Close() error { return l.f.Close() }
