package store

import (
	"context"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// maxTransitions bounds the log lines of one moment.
const maxTransitions = 100

// watchTimes logs the orders that start and end. Nothing depends on it: queries
// ask the clock themselves. It is the last to let go of a set that was replaced, and so
// has the garbage collected.
func (s *Store) watchTimes(ctx context.Context) {
	set, then := s.Set(), seconds(s.clock.Now())
	expired := expiry{}
	off := coop.Start()
	defer func() { off() }()
	for {
		wait := time.Hour // at most: a clock that is set must not leave us asleep
		next := ruleset.Forever
		if err := s.attempt("the next change of an order", func() { next = min(set.NextChange(then), set.Deadlines(then).NextDeadline) }); err != nil {
			s.log.Errorf("%v; the log does not say which orders start and end", err)
		}
		if next != ruleset.Forever {
			wait = min(wait, max(0, next.Time().Sub(s.clock.Now())))
		}
		if next := expired.next(s, then); next != order.NoTime {
			wait = min(wait, max(0, next.Time().Sub(s.clock.Now())))
		}
		off()
		alarm, stop := s.clock.After(wait)
		targets := 0
		select {
		case <-ctx.Done():
			stop()
			return
		case targets = <-s.settled:
			stop()
		case <-alarm:
		}
		off = coop.Start()
		now := seconds(s.clock.Now())
		expired.log(s, now)
		if err := s.attempt("the log of orders that start and end", func() { s.tellTransitions(set, then, now) }); err != nil {
			s.log.Errorf("%v; the orders start and end all the same", err)
		}
		// What a new set began with was told when it was loaded.
		set, then = s.Set(), now
		giveBack(targets)
	}
}

// tellTransitions logs the orders of a set whose states differ between two moments.
func (s *Store) tellTransitions(set *ruleset.Set, then, now order.Time) {
	for i, t := range set.Transitions(then, now) {
		if i == maxTransitions {
			s.log.Infof("more than %d orders start or end now", maxTransitions)
			break
		}
		is := "is " + stateText(t.To) + " now"
		if t.To == ruleset.Ended {
			is = "has ended"
		}
		s.log.Infof("%s %s: %s (it was %s)", kind(t.Lift), t.Label(), is, stateText(t.From))
	}
	for i, d := range set.MissedDeadlines(then, now) {
		if i == maxTransitions {
			s.log.Warningf("more than %d deadlines have passed now on orders that are not enforced", maxTransitions)
			break
		}
		date := d.Deadline.EndText(s.zone(d.File))
		switch {
		case d.Target:
			s.log.Warningf("%s %s: the deadline of a target, %s, has passed and the target is not enforced", kind(d.Lift), d.Label, date)
		case d.State == ruleset.InForce:
			s.log.Warningf("%s %s: its deadline, %s, has passed and not all of its targets are enforced", kind(d.Lift), d.Label, date)
		default:
			s.log.Warningf("%s %s: its deadline, %s, has passed and it is not enforced: it is %s", kind(d.Lift), d.Label, date, stateText(d.State))
		}
	}
}
