package store

import (
	"slices"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// This file opens the journal. The journal is the evidence of the orders that were in force. A
// goroutine writes the journal, so the journal never delays an order.

// A process can lock a path only once. Two Stores therefore share one journal during a reload.
var journals = struct {
	sync.Mutex
	open map[string]*sharedJournal
}{open: map[string]*sharedJournal{}}

// Several Stores can share a journal. Only the newest Store writes the states of the orders.
type sharedJournal struct {
	*journal.Journal
	path  string
	log   *queue
	users []*Store // the newest last; guarded by journals

	// Only the goroutine of the journal may use this set.
	recorded *ruleset.Set
}

func acquireJournal(s *Store, log Log, clock Clock) *sharedJournal {
	journals.Lock()
	defer journals.Unlock()
	x := journals.open[s.opt.Journal]
	if x == nil {
		x = &sharedJournal{path: s.opt.Journal, log: newQueue(log)}
		x.Journal = journal.Open(x.path, journal.Options{
			Origin: s.opt.Origin, Program: stateWriter, Now: clock.Now,
			Notice: func(text string, alarm bool) {
				logf := x.log.Infof
				if alarm {
					logf = x.log.Errorf
				}
				logf("journal %s: %s", printable.Line(x.path), printable.Line(text))
			},
		})
		journals.open[x.path] = x
	}
	x.users = append(x.users, s)
	return x
}

func (x *sharedJournal) release(s *Store) {
	journals.Lock()
	x.users = slices.DeleteFunc(x.users, func(u *Store) bool { return u == s })
	last := len(x.users) == 0
	if last {
		delete(journals.open, x.path)
	} else {
		x.users[len(x.users)-1].rejournal.Store(true)
	}
	journals.Unlock()
	if !last {
		return
	}
	if !x.Close(closePatience) {
		x.log.Warningf("journal %s: the disk did not answer within %v; the server goes on without waiting", printable.Line(x.path), closePatience)
	}
	x.log.flush(flushPatience)
}

func (x *sharedJournal) newest(s *Store) bool {
	journals.Lock()
	defer journals.Unlock()
	return x.users[len(x.users)-1] == s
}

// Journals returns the status of each journal of the process.
func Journals() (out []journal.Status) {
	journals.Lock()
	defer journals.Unlock()
	for _, x := range journals.open {
		out = append(out, x.Status())
	}
	return out
}

func (s *Store) beat() time.Time {
	now := s.clock.Now()
	if s.nextBeat.IsZero() || now.Before(s.nextBeat.Add(-time.Hour)) { // the second: the clock was set back
		s.nextBeat = now.Truncate(time.Hour).Add(time.Hour)
	}
	if !now.Before(s.nextBeat) {
		s.nextBeat = now.Truncate(time.Hour).Add(time.Hour)
		s.journalBeat()
	}
	return s.nextBeat
}
