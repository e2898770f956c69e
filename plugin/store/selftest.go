package store

import (
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Parts returns the set in force and its compiled order files. The keys are the paths of the files.
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

// Record adds r to the journal. Without a journal, Record does nothing.
func (s *Store) Record(r journal.Record) {
	if s.journal != nil {
		s.journal.Append(r)
	}
}

// Testing tells the Store that the caller tests each new set. The caller passes each tested set to
// the first function. At the end of all tests, the caller calls the second function.
func (s *Store) Testing() (tested func(*ruleset.Set), end func()) {
	s.testers.Add(1)
	return s.testedSet.Store, func() { s.testers.Add(-1) }
}

func (s *Store) tested() bool { return s.testers.Load() == 0 || s.testedSet.Load() == s.set.Load() }
