package store

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
)

// protect loads the changed protect lists, and reports whether the guard has changed. It must
// run before the order files are read, because the guard checks the targets of the orders.
//
// If a protect list has errors, the last good version of the list stays in force.
func (s *Store) protect(reports []source.File) bool {
	changed := false
	for _, r := range reports {
		if s.isProtectList[r.Path] {
			changed = s.loadList(r) || changed
		}
	}
	if !changed {
		return false
	}
	s.rules.Guard = guard.New(s.lists()...)
	// Check the compiled orders with the new guard. The order files need not be parsed again.
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

// loadList processes a report about one protect list. It returns true if a new version of the
// list is in force.
func (s *Store) loadList(r source.File) bool {
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
		s.log.Warningf("%s: lost %d of its %s", r.Path, lost, count(f.list.Len(), "entry"))
	}
	f.version = version{list: list, digest: digest, ownDigest: r.Digest, serial: -1, expires: order.NoTime, number: versions.Add(1)}
	s.markGood(r, f)
	s.log.Infof("%s: in force: protect list of %s, version %.12s", r.Path, count(list.Len(), "entry"), digest)
	return true
}

// listGone returns the error for a protect list that can no longer be read.
func listGone(r source.File, f *file) error {
	err := r.Err
	if err == nil {
		err = fmt.Errorf("%s: %s", r.Path, r.State)
	}
	if f.list != nil {
		return fmt.Errorf("%w; its names and networks stay protected", err)
	}
	return err
}

// readList reads and parses a protect list.
func (s *Store) readList(r source.File) (*guard.List, error) {
	in, err := r.Open()
	if err != nil {
		return nil, err
	}
	closed := false
	defer func() {
		if !closed {
			in.Close() // only after a panic
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
