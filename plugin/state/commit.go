package state

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Next is a set for Commit, with functions that open the content of its files.
type Next struct {
	// Set is the whole set. Its snapshots are ignored. The State adds the snapshots
	// itself.
	Set
	// Blobs has a function for each digest. The function opens the content of the blob.
	// Stored blobs may be missing. If the content has another digest, the file keeps its
	// old version.
	Blobs map[Digest]func() (io.ReadCloser, error)
	// Parts has a function for each path. The function writes the compiled orders of the
	// file. The State calls it only for a version without a snapshot, and not after a
	// newer Commit.
	Parts map[string]func(io.Writer) error
}

type parts map[string]func(io.Writer) error

// Commit stores the newest set in the background and returns at once. The caller must not
// change next afterwards.
//
// If a new version of a file cannot be stored, the old version stays. The State tries
// again after 30 seconds. Snapshots wait up to 10 seconds.
func (s *State) Commit(next Next) {
	s.mu.Lock()
	s.replace(next)
	s.mu.Unlock()
	s.signal()
}

// replace makes next the pending set. It keeps the Blobs of the pending set, because next
// may need them.
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

// Flush waits until the newest set is stored or the attempt has failed. It returns the
// error of the attempt. It does not wait for a delayed snapshot.
func (s *State) Flush() error {
	done := make(chan error)
	select {
	case s.flushes <- done:
		return <-done
	case <-s.stopped:
		return s.Status().Err
	}
}

// change copies the newest set, and calls do to change the copy. It then commits the copy.
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

// Forget removes the version of a file. The orders of the file end at the next start. The
// floor of the file stays. For an unknown file, Forget returns an error.
func (s *State) Forget(path string) error {
	return s.change(func(set *Set) error {
		if _, ok := set.Versions[path]; !ok {
			return fmt.Errorf("state: %s: no version is kept", printable.Line(path))
		}
		delete(set.Versions, path)
		return nil
	})
}

// SetSerial sets the floor of a file. The floor is the lowest allowed serial of the next
// version. The content of a version with exactly this serial does not matter.
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

// Accept ends the alarm about an empty or damaged directory (see Set.Unaccepted). The next
// write of current.json then removes refused.json. The blobs of lost versions are removed
// too.
func (s *State) Accept() {
	s.mu.Lock()
	s.accepts = true
	s.mu.Unlock()
	_ = s.change(func(*Set) error { return nil }) // the function returns no error
}
