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
	// Set is the whole set. The State fills in the snapshots of the versions, so the snapshots
	// in Set are ignored.
	Set
	// Blobs contains, by digest, the functions that open the content of blobs (stored copies
	// of order files and side lists). The function of a blob that is already stored may be
	// absent. The goroutine that writes calls each function at most once in an attempt. If the
	// content has another digest, for example because the file has changed, the State keeps
	// the stored version of that file, and the attempt has an error.
	Blobs map[Digest]func() (io.ReadCloser, error)
	// Parts contains, by path, the functions that write the compiled orders of an order file.
	// A function is called only if the version of the order file has no snapshot. After a
	// newer Commit, the functions of the older set are not called any more.
	Parts map[string]func(io.Writer) error
}

type parts map[string]func(io.Writer) error

// Commit stores a set in the background and returns at once. If several sets wait to be
// stored, only the newest set is stored. The caller must not change next after the call.
//
// Blobs and current.json are stored at once. Snapshots are stored afterwards, at most once in
// 10 seconds. If the version of a file cannot be stored, the stored set keeps the old version
// of this file, takes the new versions of the other files, and takes all floors (lowest
// serials) from next. The State tries again after 30 seconds.
func (s *State) Commit(next Next) {
	s.mu.Lock()
	s.replace(next)
	s.mu.Unlock()
	s.signal()
}

// replace makes next the pending set. The functions in Blobs of the earlier pending set are
// kept, because next may have blobs that are still not stored.
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

// Flush waits until the newest set is stored or until the attempt has failed. It returns the
// error of the attempt. Flush does not wait for a delayed snapshot.
func (s *State) Flush() error {
	done := make(chan error)
	select {
	case s.flushes <- done:
		return <-done
	case <-s.stopped:
		return s.Status().Err
	}
}

// change calls do with a copy of the newest set, and commits the changed copy.
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
// at the next start. The floor (lowest serial) of the file stays, so that a lower serial is
// refused later. Forget returns an error if the set has no version of the file.
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
// version with exactly this serial may have any content. SetSerial returns an error if the set
// has no version and no floor of the file.
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
