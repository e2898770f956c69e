package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// run stores the committed sets until Close.
func (s *State) run() {
	defer close(s.stopped)
	var errs []error
	s.sweep(&errs) // a crash may have left blobs that current.json does not need
	if len(errs) > 0 {
		s.finish(nil, nil, 0, errors.Join(errs...))
	}
	for {
		select {
		case <-s.wake:
			s.attempt(false)
		case <-s.timer:
			s.timer = nil
			s.attempt(false)
		case done := <-s.flushes:
			done <- s.attempt(false)
		case <-s.stop:
			s.mu.Lock()
			abandoned := s.abandoned
			s.mu.Unlock()
			if !abandoned {
				s.attempt(true)
			}
			return
		}
	}
}

func (s *State) attempt(last bool) error {
	select {
	case <-s.wake: // the pending set of this signal is stored below
	default:
	}
	s.mu.Lock()
	next, todo, base := s.pending, s.parts, s.set
	if next == nil && len(todo) == 0 && s.status.Err == nil {
		s.mu.Unlock()
		return nil
	}
	s.pending, s.parts, s.storing = nil, nil, true
	s.mu.Unlock()
	defer coop.Start()()
	if err := s.lock.Check(); err != nil {
		err = fmt.Errorf("state: %w", err)
		s.finish(next, todo, 0, err)
		return err
	}
	var errs []error
	stored := true
	if next != nil {
		base, stored = s.store(base, next, &errs)
	}
	var wait time.Duration
	if stored {
		s.sweep(&errs) // frees disk space for the snapshots
		todo = lacking(base, next, todo)
		wait = s.snapshots.Add(snapshotEvery).Sub(s.opt.Now())
		if len(todo) > 0 && (last || wait <= 0 || wait > snapshotEvery) { // a clock may go back
			s.snapshots, wait = s.opt.Now(), 0
			todo = s.snapshot(base, todo, &errs)
			s.sweep(&errs)
		}
	}
	err := errors.Join(errs...)
	s.finish(next, todo, wait, err)
	return err
}

func lacking(base Set, next *Next, todo parts) parts {
	out := parts{}
	for path, write := range todo {
		v, ok := base.Versions[path]
		if ok && v.Snapshot.Size == 0 && (next == nil || v.sameContent(next.Versions[path])) {
			out[path] = write
		}
	}
	return out
}

func (s *State) finish(next *Next, left parts, wait time.Duration, err error) {
	now := s.opt.Now()
	s.mu.Lock()
	s.storing = false
	switch {
	case err == nil:
		s.status = Status{Stored: now}
	case s.status.Err == nil:
		s.status.Err, s.status.FailingSince = err, now
	default:
		s.status.Err = err
	}
	if newest := s.pending; newest == nil {
		s.parts = left
		if err != nil {
			s.pending = next
		}
	} else if err != nil && next != nil {
		// This commit has failed. Keep its Blobs, because the newer set may need them.
		s.pending = next
		s.replace(*newest)
	}
	s.mu.Unlock()
	if err != nil {
		s.timer = s.opt.After(retryAfter)
	} else if len(left) > 0 {
		s.timer = s.opt.After(wait)
	}
	if s.opt.Done != nil {
		s.opt.Done(err)
	}
}

func (s *State) store(base Set, next *Next, errs *[]error) (Set, bool) {
	if !s.exists {
		// Write current.json before the first blob. After a crash, a directory with blobs and
		// without current.json would count as damaged.
		if err := s.writeCurrent(base); err != nil {
			*errs = append(*errs, fmt.Errorf("state: %w", err))
			return base, false
		}
		s.exists = true
	}
	var placed []Digest
	set := Set{Options: next.Options, Guard: next.Guard, Versions: make(map[string]Version, len(next.Versions)), Floors: next.Floors, Unaccepted: base.Unaccepted}
	for path, v := range next.Sorted() {
		v.Snapshot = Snapshot{}
		v.Accepted = v.Accepted.UTC().Truncate(time.Second)
		was, known := base.Versions[path]
		if err := s.storeBlobs(v, next.Blobs, &placed); err != nil {
			*errs = append(*errs, fmt.Errorf("state: %s: %w", printable.Line(path), err))
			if known {
				set.Versions[path] = was
			}
			continue
		}
		if known && was.sameContent(v) {
			v.Snapshot = was.Snapshot
		}
		set.Versions[path] = v
	}
	if len(placed) > 0 { // one sync for all blobs, because a start can have thousands
		if err := s.fs.SyncDir(filepath.Join(s.dir, blobDir)); err != nil {
			for _, d := range placed {
				delete(s.have, d)
			}
			*errs = append(*errs, fmt.Errorf("state: %w", err))
			return base, false
		}
	}
	if base.Options != set.Options || base.Guard != set.Guard {
		for path, v := range set.Versions {
			v.Snapshot = Snapshot{} // the snapshot was compiled with other settings
			set.Versions[path] = v
		}
	}
	if err := s.writeCurrent(set); err != nil {
		*errs = append(*errs, fmt.Errorf("state: %w", err))
		return base, false
	}
	return set, true
}

// The caller must sync the directory of the blobs afterwards.
func (s *State) storeBlobs(v Version, from map[Digest]func() (io.ReadCloser, error), placed *[]Digest) error {
	for what, d := range v.blobs() {
		if s.have[d] && !s.isDamaged(d) {
			continue
		}
		open := from[d]
		if open == nil {
			return fmt.Errorf("%s: the content with the SHA-256 %s is not there", what, d)
		}
		if err := s.storeBlob(d, open); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		*placed = append(*placed, d)
	}
	return nil
}

func (s *State) storeBlob(d Digest, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := s.fs.Create(filepath.Join(s.dir, blobDir))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, sum), yielding{r}); err != nil {
		return err
	}
	if got := Digest(sum.Sum(nil)); got != d {
		return fmt.Errorf("the content has changed: it has the SHA-256 %s in place of %s", got, d)
	}
	if err := f.Prepare(blobName(d), 0o600); err != nil {
		return err
	}
	if err := f.Place(); err != nil {
		return err
	}
	s.have[d] = true
	s.setDamaged(d, false)
	return nil
}

func (s *State) snapshot(base Set, todo parts, errs *[]error) (left parts) {
	set, left := base, parts{}
	set.Versions = maps.Clone(base.Versions)
	for _, path := range slices.Sorted(maps.Keys(todo)) {
		snap, err := s.storePart(todo[path])
		if err != nil {
			*errs = append(*errs, fmt.Errorf("state: %s: snapshot: %w", printable.Line(path), err))
			left[path] = todo[path]
			continue
		}
		v := set.Versions[path]
		v.Snapshot = snap
		set.Versions[path] = v
	}
	if err := s.fs.SyncDir(filepath.Join(s.dir, partDir)); err != nil {
		*errs = append(*errs, fmt.Errorf("state: %w", err))
		return todo
	}
	if err := s.writeCurrent(set); err != nil {
		*errs = append(*errs, fmt.Errorf("state: %w", err))
		return todo
	}
	return left
}

func (s *State) storePart(write func(io.Writer) error) (Snapshot, error) {
	f, err := s.fs.Create(filepath.Join(s.dir, partDir))
	if err != nil {
		return Snapshot{}, err
	}
	defer f.Close()
	sum := xxhash.New()
	size := counter(0)
	if err := write(io.MultiWriter(f, sum, &size)); err != nil {
		return Snapshot{}, err
	}
	snap := Snapshot{int64(size), sum.Sum64()}
	if size == 0 {
		return snap, errors.New("a snapshot without bytes")
	}
	if err := f.Prepare(snap.File(), 0o600); err != nil {
		return snap, err
	}
	if err := f.Place(); err != nil {
		return snap, err
	}
	s.mu.Lock()
	delete(s.dropped, snap)
	s.mu.Unlock()
	return snap, nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// writeCurrent replaces current.json if the content has changed.
func (s *State) writeCurrent(set Set) error {
	s.mu.Lock()
	if s.accepts {
		set.Unaccepted = time.Time{}
	}
	set = s.withoutDropped(set)
	news := set.news(s.set)
	s.mu.Unlock()
	b, err := encode(set, s.opt.Writer)
	if err != nil {
		return err
	}
	if len(b) > maxCurrent {
		return fmt.Errorf("%s: would have %d bytes, more than %d", s.path(currentName), len(b), maxCurrent)
	}
	// An unreadable current.json would lose all stored orders at the next start.
	part, err := encode(news, s.opt.Writer)
	if err == nil {
		_, err = decode(part)
	}
	if err != nil {
		return fmt.Errorf("%s: would not be readable: %w", s.path(currentName), err)
	}
	if s.refused {
		if err := s.keepRefused(); err != nil {
			return err
		}
		s.refused = false
	}
	path := filepath.Join(s.dir, currentName)
	if old, err := readFile(path, maxCurrent); err != nil || !bytes.Equal(old, b) {
		if err := s.fs.WriteFile(path, b, 0o600); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.set = s.withoutDropped(set)
	accepts := s.accepts
	s.mu.Unlock()
	if accepts && s.hasRefused() {
		return s.fs.Remove(filepath.Join(s.dir, refusedName))
	}
	return nil
}

// keepRefused renames an unreadable current.json to refused.json.
func (s *State) keepRefused() error {
	current, refused := filepath.Join(s.dir, currentName), filepath.Join(s.dir, refusedName)
	err := s.fs.Move(current, refused)
	if errors.Is(err, fs.ErrNotExist) {
		return s.fs.WriteFile(refused, []byte("current.json was missing, but there were blobs\n"), 0o600)
	}
	return err
}

// Remove nothing while refused.json exists, because a person may need the old blobs.
func (s *State) sweep(errs *[]error) {
	if s.refused || s.hasRefused() {
		return
	}
	wanted := map[string]bool{}
	for _, v := range s.Set().Sorted() {
		for _, d := range v.blobs() {
			wanted[blobName(d)] = true
		}
		wanted[v.Snapshot.File()] = true
	}
	for _, sub := range []string{blobDir, partDir} {
		var old []string
		for _, name := range names(filepath.Join(s.dir, sub)) {
			d, isBlob := blobDigest(name)
			_, isPart := snapshotSum(name)
			if wanted[name] || !isBlob && !isPart {
				continue // another program has made files with other names
			}
			delete(s.have, d)
			old = append(old, filepath.Join(s.dir, sub, name))
		}
		if err := s.fs.Remove(old...); err != nil {
			*errs = append(*errs, fmt.Errorf("state: %w", err))
		}
	}
}
