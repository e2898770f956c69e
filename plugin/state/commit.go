package state

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// Next is a set that is to be stored, with the content that may not be stored yet.
type Next struct {
	// Set is the whole set. The snapshots of its versions are ignored: the State knows them.
	Set
	// Blobs open the content of blobs. They may lack blobs that are stored already. A function
	// is called by the goroutine that writes, at most once for each attempt. If its
	// bytes do not have the digest, for example because the file has changed since, the State
	// keeps the stored version of the file, and the attempt has an error.
	Blobs map[Digest]func() (io.ReadCloser, error)
	// Parts write the compiled parts of versions, by path. They are called only for versions
	// without a snapshot, and never for a set that a newer set has replaced.
	Parts map[string]func(io.Writer) error
}

type parts map[string]func(io.Writer) error

// Commit stores a set in the background and returns at once. The newest set wins: a set that waits
// to be stored when the next set comes is never stored. The caller must not change next afterwards.
//
// Blobs and current.json are stored at once. Snapshots are stored afterwards, at most once in 10
// seconds. If the version of one file cannot be stored, the versions of the other files are stored,
// and the stored set keeps the version that it had of the file. The State tries again after 30
// seconds. The floors are those of next in any case.
func (s *State) Commit(next Next) {
	s.mu.Lock()
	s.replace(next)
	s.mu.Unlock()
	s.signal()
}

// replace makes next the pending set. It keeps the functions for blobs of a pending set, because
// the new set may have the same blobs.
func (s *State) replace(next Next) {
	if s.pending != nil {
		blobs := maps.Clone(s.pending.Blobs)
		if blobs == nil {
			blobs = next.Blobs
		} else {
			maps.Copy(blobs, next.Blobs)
		}
		next.Blobs = blobs
	}
	s.parts = next.Parts
	s.newest = next.Set
	s.pending = &next
}

func (s *State) signal() {
	select {
	case s.wake <- struct{}{}:
	default: // the goroutine will wake up anyway
	}
}

// Flush waits until the newest set is stored or could not be stored, and returns the error of the
// attempt. It does not wait for a snapshot that is delayed.
func (s *State) Flush() error {
	done := make(chan error)
	select {
	case s.flushes <- done:
		return <-done
	case <-s.stopped:
		return s.Status().Err
	}
}

// change commits the newest set with a change.
func (s *State) change(do func(*Set) error) error {
	s.mu.Lock()
	next := Next{Set: s.newest, Parts: s.parts}
	next.Versions, next.Floors = maps.Clone(next.Versions), maps.Clone(next.Floors)
	err := do(&next.Set)
	if err == nil {
		s.replace(next)
	}
	s.mu.Unlock()
	s.signal()
	return err
}

// Forget removes the version of a file from the set, so that the orders of a removed file end
// with the next start. The serial of the file stays as its floor. Forget returns an error if the
// set has no version of the file.
func (s *State) Forget(path string) error {
	return s.change(func(set *Set) error {
		if _, ok := set.Versions[path]; !ok {
			return fmt.Errorf("state: %s: no version is kept", printable.Line(path))
		}
		delete(set.Versions, path)
		return nil
	})
}

// SetSerial sets the lowest serial that the next version of a file may have. Any bytes may have
// the serial. SetSerial returns an error if the set neither has a version nor a floor of the
// file.
func (s *State) SetSerial(path string, serial int64) error {
	if serial < 0 {
		return errors.New("state: a serial is not negative")
	}
	return s.change(func(set *Set) error {
		_, version := set.Versions[path]
		_, floor := set.Floors[path]
		if !version && !floor {
			return fmt.Errorf("state: %s: the file is not known", printable.Line(path))
		}
		if set.Floors == nil {
			set.Floors = map[string]Floor{}
		}
		set.Floors[path] = Floor{Serial: serial}
		return nil
	})
}
