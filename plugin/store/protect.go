package store

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// Load the protect lists before the order files.
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
	s.reguard()
	return true
}

func (s *Store) reguard() {
	s.rules.Guard = guard.New(s.lists()...)
	for _, f := range s.files {
		if f.part != nil {
			f.part = f.part.Guarded(s.rules.Guard)
		}
		if f.waiting != nil {
			f.waiting.part = f.waiting.part.Guarded(s.rules.Guard)
		}
	}
}

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
	kept := map[state.Digest]held{}
	if bug := s.catchPanic(r.Path, func() { list, err = s.readList(r.Path, r, func(h held) { kept[state.Digest(r.Digest)] = h }) }); bug != nil {
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
	f.version = listVersion(list, state.Version{Order: state.Digest(r.Digest), Serial: state.NoSerial, Accepted: s.clock.Now()})
	f.sizes, f.bytes = map[state.Digest]int64{f.stored.Order: r.Size}, kept
	s.markGood(r, f)
	s.log.Infof("%s: in force: protect list of %s, version %.12s", r.Path, count(list.Len(), "entry"), digest)
	return true
}

// listVersion returns the version of a protect list.
func listVersion(list *guard.List, stored state.Version) version {
	return version{list: list, digest: stored.Order.String(), ownDigest: source.Digest(stored.Order), serial: -1, expires: order.NoTime, number: versions.Add(1), stored: stored}
}

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
func (s *Store) readList(path string, from content, keep func(held)) (*guard.List, error) {
	in, err := from.Open()
	if err != nil {
		return nil, err
	}
	in = s.keepBytes(in, keep)
	closed := false
	defer func() {
		if !closed {
			in.Close() // only after a panic
		}
	}()
	list, problems := guard.Parse(path, in)
	closed = true
	if err := in.Close(); err != nil {
		return nil, err
	}
	if err := from.Intact(); err != nil {
		return nil, err
	}
	if bad := problems.Errors(); len(bad) > 0 {
		return nil, bad
	}
	s.warn(path, checkProtect, problems)
	return list, nil
}
