package state

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Next is a set for Commit, together with functions that return the content of its files.
type Next struct {
	// Set is the whole set. The snapshots in Set are ignored, because the State adds them
	// itself.
	Set
	// Blobs contains, by digest, functions that open the content of blobs (stored copies of
	// files). It may lack stored blobs. If the content has another digest, the file keeps its
	// old version.
	Blobs map[Digest]func() (io.ReadCloser, error)
	// Parts contains, by path, functions that write the compiled orders of a file. The State
	// calls a function only if the version of the file has no snapshot, and never after a
	// newer Commit.
	Parts map[string]func(io.Writer) error
}

type parts map[string]func(io.Writer) error

// Commit stores the newest set in the background and returns at once. The caller must not
// change next after the call.
//
// If a new version of a file cannot be stored, the old version stays, and the State tries
// again after 30 seconds. Snapshots are stored at most once in 10 seconds.
func (s *State) Commit(next Next) {
	s.mu.Lock()
	s.replace(next)
	s.mu.Unlock()
	s.signal()
}

// replace makes next the pending set. It keeps the Blobs of the earlier pending set, because
// next may need blobs that are still not stored.
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
	default: // a signal is waiting already, so the goroutine will see the new set
	}
}

// Flush waits until the newest set is stored or the attempt has failed, and returns the error
// of the attempt. It does not wait for a delayed snapshot.
func (s *State) Flush() error {
	done := make(chan error)
	select {
	case s.flushes <- done:
		return <-done
	case <-s.stopped:
		return s.Status().Err
	}
}

// change commits a copy of the newest set that the function do has changed.
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

// Forget removes the version of a file, so that its orders end at the next start. The floor
// (lowest allowed serial) of the file stays. An unknown file is an error.
func (s *State) Forget(path string) error {
	return s.change(func(set *Set) error {
		if _, ok := set.Versions[path]; !ok {
			return fmt.Errorf("state: %s: no version is kept", printable.Line(path))
		}
		delete(set.Versions, path)
		return nil
	})
}

// SetSerial sets the floor of a file: the lowest serial that the next version may have. A
// version with exactly this serial may have any content.
func (s *State) SetSerial(path string, serial int64) error {
	if serial < 0 {
		return errors.New("state: a serial is not negative")
	}
	return s.change(func(set *Set) error {
		if set.Floors == nil {
			set.Floors = map[string]Floor{}
		}
		set.Floors[path] = Floor{Serial: serial}
		return nil
	})
}

// Accept ends the alarm about a directory that was empty or damaged (see Set.Unaccepted). The
// next write of current.json removes refused.json, so that the blobs of lost versions are
// removed too.
func (s *State) Accept() {
	s.mu.Lock()
	s.accepts = true
	s.mu.Unlock()
	_ = s.change(func(*Set) error { return nil }) // the function returns no error
}
