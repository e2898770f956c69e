package state

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Next is a new set, with functions that open the content of the files.
type Next struct {
	// Set is the whole set. Commit ignores the snapshots in Set.
	Set
	Blobs map[Digest]func() (io.ReadCloser, error)
	// Parts has functions that write compiled orders. The keys are the paths of the order files.
	// After a newer Commit, the State calls no more functions of Parts.
	Parts map[string]func(io.Writer) error
}

type parts map[string]func(io.Writer) error

// Commit stores the newest set in the background and returns at once. The caller must not change
// the set afterwards. After a failure, the State tries again in 30 seconds.
func (s *State) Commit(next Next) {
	s.mu.Lock()
	s.replace(next)
	s.mu.Unlock()
	s.signal()
}

// Keep the Blobs of the earlier pending set, because they may not be stored yet. The caller must
// hold s.mu.
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

// Flush waits for the attempt to store the newest set. It does not wait for a delayed snapshot.
func (s *State) Flush() error {
	done := make(chan error)
	select {
	case s.flushes <- done:
		return <-done
	case <-s.stopped:
		return s.Status().Err
	}
}

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

// Forget removes the stored version of a file, but not its lowest allowed serial. The orders of the
// file end at the next start. An unknown file is an error.
func (s *State) Forget(path string) error {
	return s.change(func(set *Set) error {
		if _, ok := set.Versions[path]; !ok {
			return fmt.Errorf("state: %s: no version is kept", printable.Line(path))
		}
		delete(set.Versions, path)
		return nil
	})
}

// SetSerial sets the lowest serial for the next version of a file. A version with exactly this
// serial may have any content. A negative serial is an error.
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

// Accept ends the alarm about an empty or damaged directory; see Set.Unaccepted. The State then
// removes refused.json and the blobs of lost versions.
func (s *State) Accept() {
	s.mu.Lock()
	s.accepts = true
	s.mu.Unlock()
	_ = s.change(func(*Set) error { return nil }) // the function returns no error
}
