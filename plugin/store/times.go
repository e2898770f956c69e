package store

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const maxTransitions = 100

type timeLog struct {
	set     *ruleset.Set
	then    order.Time            // the changes of set up to this time are logged
	next    order.Time            // the first time after then at which something changes
	expired map[string]order.Time // the path of a file -> the expiry time that was logged
}

func (s *Store) next() time.Time {
	retry := s.recallLate()
	s.requested()
	more := s.recheck()
	s.dropBytes()
	at := s.due()
	if s.journal != nil {
		s.takeFloors()
		if s.rejournal.Swap(false) {
			s.keepVersions()
			s.journalStates()
		}
		if beat := s.beat(); at.IsZero() || beat.Before(at) {
			at = beat
		}
	}
	if more {
		return s.clock.Now()
	}
	if !retry.IsZero() && (at.IsZero() || retry.Before(at)) {
		return retry
	}
	return at
}

func (s *Store) due() time.Time {
	l, now, set := &s.times, seconds(s.clock.Now()), s.Set()
	// If the operator sets the clock back, an ended order may be in force again.
	changed := l.set != nil && (now >= l.next || now < l.then)
	if changed {
		if err := s.catchPanic("the log of orders that start and end", func() { s.logTransitions(l.set, l.then, now) }); err != nil {
			s.log.Errorf("%v; the orders start and end nevertheless", err)
		}
		s.journalStates()
	}
	if changed || set != l.set {
		s.logExpired(now)
		l.set, l.then, l.next = set, now, s.nextChange(now)
	}
	giveBack(s.touched)
	s.touched = 0
	if l.next == ruleset.Forever {
		return time.Time{}
	}
	return l.next.Time()
}

func (s *Store) nextChange(now order.Time) order.Time {
	next := ruleset.Forever
	if err := s.catchPanic("the next change of an order", func() {
		next = min(s.Set().NextChange(now), s.Set().Deadlines(now).NextDeadline)
	}); err != nil {
		s.log.Errorf("%v; the log does not report which orders start and end", err)
	}
	for _, f := range s.Status().Files {
		if f.Expires != order.NoTime && f.Expires > now {
			next = min(next, f.Expires)
		}
	}
	return next
}

func (s *Store) logExpired(now order.Time) {
	for _, f := range s.Status().Files {
		if f.Stale(now) && s.times.expired[f.Path] != f.Expires {
			s.times.expired[f.Path] = f.Expires
			s.log.Errorf("%s: is stale: its expires, %s, has passed; its orders stay %s", f.Path, f.Expires.EndText(s.timezone(f.Path)), s.stateText(ruleset.InForce))
		}
	}
}

func (s *Store) logTransitions(set *ruleset.Set, then, now order.Time) {
	ts := set.Transitions(then, now)
	logAtMost(s.log.Infof, len(ts), maxTransitions, func(i int) string {
		t := ts[i]
		is := "is " + s.stateText(t.To) + " now"
		if t.To == ruleset.Ended {
			is = "has ended"
		}
		return fmt.Sprintf("%s %s: %s (it was %s)", kind(t.Lift), t.Label(), is, s.stateText(t.From))
	}, func(n int) string { return more(n, "order") + " changed state now" })
	ds := set.MissedDeadlines(then, now)
	logAtMost(s.log.Warningf, len(ds), maxTransitions, func(i int) string {
		d := ds[i]
		order, date := kind(d.Lift)+" "+d.Label, d.Deadline.EndText(s.timezone(d.File))
		switch {
		case d.Target:
			return fmt.Sprintf("%s: the deadline of a target, %s, has passed and the target is not enforced", order, date)
		case d.State == ruleset.InForce:
			return fmt.Sprintf("%s: its deadline, %s, has passed and not all of its targets are enforced", order, date)
		}
		return fmt.Sprintf("%s: its deadline, %s, has passed and it is not enforced: it is %s", order, date, s.stateText(d.State))
	}, func(n int) string {
		return more(n, "deadline") + " passed now while the orders were not enforced"
	})
}
