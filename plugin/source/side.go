package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

func (s *Source) open(owner, abs, path string, v version, rc *receipt) (*reader, error) {
	r, err := newReader(s, func() (openFile, error) { return s.fs.open(abs) }, path, v, func(err error) {
		rc.failed(err)
		s.lost(owner, abs)
	})
	if err != nil {
		return nil, err
	}
	rc.count(1)
	r.onClose = func() { rc.count(-1) }
	return r, nil
}

func (s *Source) lost(owner, abs string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.byPath[owner]; o != nil {
		o.reported = nil
	}
	if t := s.tracked[abs]; t != nil && !s.ended() {
		s.cancel(t)
		t.settler.settled = version{}
		t.settler.disturb()
		s.markDirty(t)
		s.lookAt(s.clock.Now().Add(debounce))
	}
	s.kick()
}

func (s *Source) openSide(owner, path string, rc *receipt) (*reader, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	v, err := s.addSide(owner, abs, path)
	switch {
	case err != nil:
		return nil, err
	case v.state == Ready:
		return s.open(owner, abs, path, v, rc)
	case v.state == Pending:
		rc.failed(v.err)
	}
	return nil, v.err
}

func (s *Source) addSide(owner, abs, path string) (version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.byPath[owner]
	if o == nil || s.ended() {
		return version{}, fmt.Errorf("%s: %w", printable.Line(path), ErrClosed)
	}
	i := slices.IndexFunc(o.sides, func(t *tracked) bool { return t.abs == abs })
	if i < 0 {
		t := s.track(abs, path, true)
		t.list = t.list || s.byPath[abs] == nil
		t.owners = append(t.owners, o)
		i, _ = slices.BinarySearchFunc(o.sides, path, func(t *tracked, path string) int { return strings.Compare(t.path, path) })
		o.sides = slices.Insert(o.sides, i, t)
		if t.loc == nil {
			s.first(t)
		}
		if i = slices.Index(o.sides, t); i < 0 {
			return version{}, fmt.Errorf("%s: %w", printable.Line(path), ErrClosed)
		}
	}
	v := o.sides[i].version()
	if o.reported[o.file].there() { // false after lost has cleared the map
		o.reported[o.sides[i]] = v
	}
	s.dirty[o] = true
	return v, nil
}

const maxFirst = 64 << 20

// The caller must hold s.mu. During the wait, s.mu is unlocked.
func (s *Source) first(t *tracked) {
	wait := func(over <-chan struct{}) bool {
		s.mu.Unlock()
		defer s.mu.Lock()
		return s.returns(over, s.firstWait, nil)
	}
	s.takeEvents(s.clock.Now())
	seq, fs, over := s.events.seq, s.fs.once(), make(chan struct{})
	var l *location
	go func() { l = fs.resolve(t.abs); close(over) }()
	ok := wait(over)
	now := s.clock.Now()
	s.lookSoon(now) // the scan also starts to watch the directory
	s.kick()
	if !ok || t.loc != nil {
		return
	}
	s.compare(t, l, seq, now)
	if t.job != nil && l.size <= maxFirst {
		wait(t.job.over)
	}
}

// setSides replaces the side lists of an order file.
func (s *Source) setSides(owner string, paths []string) {
	keep := map[string]bool{}
	for _, path := range paths {
		if abs, err := filepath.Abs(path); err == nil {
			keep[abs] = true
			_, _ = s.addSide(owner, abs, path) // the only error means that the Source is closed
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.byPath[owner]
	if o == nil || s.ended() {
		return
	}
	o.sides = slices.DeleteFunc(o.sides, func(t *tracked) bool {
		if keep[t.abs] {
			return false
		}
		s.release(t, o)
		delete(o.reported, t)
		return true
	})
}
