package store

import (
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Parts returns the set in force. It also returns the compiled order files of the set, by path.
func (s *Store) Parts() (*ruleset.Set, map[string]*ruleset.Part) {
	out := map[string]*ruleset.Part{}
	h := s.handover.Load()
	if h == nil {
		return nil, out
	}
	for path, v := range h.files {
		if v.part != nil {
			out[path] = v.part
		}
	}
	return h.set, out
}

// Journaled reports whether the Store has a journal.
func (s *Store) Journaled() bool { return s.journal != nil }

// Record adds a record to the journal of the Store. Without a journal, Record does nothing.
func (s *Store) Record(r journal.Record) {
	if s.journal != nil {
		s.journal.Append(r)
	}
}

// Testing announces that the caller will test each new set (a self-test). The caller must call
// tested with a set when the test of the set is over. The caller must call end when the self-tests
// end.
func (s *Store) Testing() (tested func(*ruleset.Set), end func()) {
	s.testers.Add(1)
	return s.testedSet.Store, func() { s.testers.Add(-1) }
}

// tested reports whether no self-test is running or due.
func (s *Store) tested() bool { return s.testers.Load() == 0 || s.testedSet.Load() == s.set.Load() }
