package store

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
)

// protect takes the protect lists among the reports, before any order file is
// read: what is protected must be known first. It says whether the guard, and so
// the set, has to change.
//
// A bad list never lessens what is protected: its last good version stays.
func (s *Store) protect(reports []source.File) bool {
	changed := false
	for _, r := range reports {
		if s.isProtectList[r.Path] {
			changed = s.reportList(r) || changed
		}
	}
	if !changed {
		return false
	}
	s.rules.Guard = guard.New(s.lists()...)
	// Nothing is parsed again: each part looks at its names with the new guard.
	for _, f := range s.files {
		if f.part != nil {
			f.part = f.part.Guarded(s.rules.Guard)
		}
		if f.waiting != nil {
			f.waiting.part = f.waiting.part.Guarded(s.rules.Guard)
		}
	}
	return true
}

// reportList acts on the state of one protect list and says whether it changed.
func (s *Store) reportList(r source.File) bool {
	f := s.fileAt(r.Path)
	f.gone = r.State == source.Missing
	switch r.State {
	case source.Ready:
	case source.Pending:
		s.fail(r.Path, f, r.Digest, pending(r))
		return false
	default:
		s.fail(r.Path, f, r.Digest, listGone(r, f))
		return false
	}
	digest := r.Digest.String()
	if f.list != nil && f.digest == digest {
		s.markGood(r, f)
		return false
	}
	var list *guard.List
	var err error
	if bug := s.catchPanic(r.Path, func() { list, err = s.readList(r) }); bug != nil {
		err = bug
	}
	if beingWritten(err) {
		if f.list == nil {
			f.err = err
		}
		return false
	}
	if err != nil {
		s.fail(r.Path, f, r.Digest, err)
		return false
	}
	if lost := f.list.Lost(list); lost > 0 {
		s.log.Warningf("%s: lost %d of its %d entries", r.Path, lost, f.list.Len())
	}
	f.version = version{list: list, digest: digest, ownDigest: r.Digest, serial: -1, expires: order.NoTime, since: versions.Add(1)}
	s.markGood(r, f)
	s.log.Infof("%s: in force: protect list of %d entries, version %.12s", r.Path, list.Len(), digest)
	return true
}

// listGone says what the loss of a protect list means.
func listGone(r source.File, f *file) error {
	err := r.Err
	if err == nil {
		err = fmt.Errorf("%s: %s", r.Path, r.State)
	}
	if f.list != nil {
		return fmt.Errorf("%w; what it protects stays protected", err)
	}
	return err
}

func (s *Store) readList(r source.File) (*guard.List, error) {
	in, err := r.Open()
	if err != nil {
		return nil, err
	}
	closed := false
	defer func() {
		if !closed {
			in.Close() // after a panic
		}
	}()
	list, problems := guard.Parse(r.Path, in)
	closed = true
	if err := in.Close(); err != nil {
		return nil, err
	}
	if err := r.Intact(); err != nil {
		return nil, err
	}
	if bad := problems.Errors(); len(bad) > 0 {
		return nil, bad
	}
	s.warn(r.Path, checkProtect, problems)
	return list, nil
}
