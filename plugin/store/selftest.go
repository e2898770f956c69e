package store

import (
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Parts returns the compiled order files in force, by path.
func (s *Store) Parts() map[string]*ruleset.Part {
	out := map[string]*ruleset.Part{}
	if h := s.handover.Load(); h != nil {
		for path, v := range h.files {
			if v.part != nil {
				out[path] = v.part
			}
		}
	}
	return out
}

// Journaled reports whether the Store has a journal.
func (s *Store) Journaled() bool { return s.journal != nil }

// Record adds a record to the journal of the Store, if it has one.
func (s *Store) Record(r journal.Record) {
	if s.journal != nil {
		s.journal.Append(r)
	}
}
