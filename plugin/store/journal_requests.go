package store

import (
	"encoding/hex"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/state"
)

// This file copies changes from the state directory to the journal. People can make such changes
// with blocklistctl while no server runs.

const maxRequests = 1000

// Record old changes before the first load. Otherwise a serial floor could be too low.
func (s *Store) journalRequests(st *state.State) {
	if s.journal == nil {
		return
	}
	changes, err := st.Changes()
	if err != nil {
		s.log.Errorf("state %s: the list of changes cannot be read, so the journal may lack changes: %v", s.dir.path, err)
	}
	if len(changes) == 0 {
		return
	}
	if n := len(changes) - maxRequests; n > 0 {
		changes = changes[n:]
	}
	s.journal.Do(maxRequests, func(b *journal.Batch) {
		seen := map[string]int{}
		for _, c := range changes {
			r := requestRecord(c)
			if seen[r.SHA256]++; seen[r.SHA256] > b.Requests(r.SHA256) && c.Time.After(b.Begin()) {
				b.Add(r)
			}
		}
	})
}

func (s *Store) journalRequest(c state.Change, a state.Answer) {
	if s.journal == nil {
		return
	}
	c.Refused = a.Refused
	s.journal.Append(requestRecord(c))
}

func requestRecord(c state.Change) journal.Record {
	sum := c.Digest()
	r := journal.Record{Event: journal.Request, File: c.Path, By: c.Command, Why: c.Reason, SHA256: hex.EncodeToString(sum[:]), Since: journal.At(c.Time)}
	if c.Serial != nil || c.Refused != "" {
		r.Files = []journal.Version{{File: c.Path, Serial: c.Serial, Problem: printable.Line(c.Refused)}}
	}
	return r
}
