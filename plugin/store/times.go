package store

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// maxTransitions is the largest number of orders, and of deadlines, that the log lists for one
// moment.
const maxTransitions = 100

// A timeLog is the state of the log of changes that time alone makes: orders start and end,
// deadlines pass, and files expire. Queries do not depend on the log, because each query
// compares the clock with the dates of the orders.
type timeLog struct {
	set     *ruleset.Set
	then    order.Time            // the log has the changes of set up to this time
	next    order.Time            // the first time after then at which something changes
	expired map[string]order.Time // for each path, the expires that the log has reported
}

// due logs the changes since the last call, and returns the time of the next change, or the
// zero time if nothing will change. due returns at once if there was no change and the set is
// the same. After a load, due also gives memory back, because the log was the last user of the
// old set.
func (s *Store) due() time.Time {
	l, now, set := &s.times, seconds(s.clock.Now()), s.Set()
	// If the operator sets the clock back, orders that had ended may be in force again.
	changed := l.set != nil && (now >= l.next || now < l.then)
	if changed {
		if err := s.catchPanic("the log of orders that start and end", func() { s.logTransitions(l.set, l.then, now) }); err != nil {
			s.log.Errorf("%v; the orders start and end nevertheless", err)
		}
	}
	if changed || set != l.set {
		s.logExpired(now)
		// The log of the load has the states of a new set, so its changes are logged from now on.
		l.set, l.then, l.next = set, now, s.nextChange(now)
	}
	giveBack(s.touched)
	s.touched = 0
	if l.next == ruleset.Forever {
		return time.Time{}
	}
	return l.next.Time()
}

// nextChange returns the next time after now at which an order starts or ends, a deadline is
// missed, or a file expires. nextChange returns ruleset.Forever if there is no such time.
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

// logExpired logs the files whose version in force has expired. Each version is logged once.
func (s *Store) logExpired(now order.Time) {
	for _, f := range s.Status().Files {
		if f.Stale(now) && s.times.expired[f.Path] != f.Expires {
			s.times.expired[f.Path] = f.Expires
			s.log.Errorf("%s: is stale: its expires, %s, has passed; its orders stay %s", f.Path, f.Expires.EndText(s.timezone(f.Path)), s.stateText(ruleset.InForce))
		}
	}
}

// logTransitions logs the orders of a set whose states differ between two times, and the
// deadlines between these times that were missed.
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
