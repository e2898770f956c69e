package source

import (
	"context"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// Scan looks at all files now and returns the files that are new or changed since the last report.
// The first Scan returns all files. Scan waits for files that are being written, for wait at most,
// and then returns them as Pending. It does not wait if no file is being written. Scan is for the
// start, before Run: call Scan, load the files, and call Scan again if a load returned ErrPending
// or ErrChanged.
func (s *Source) Scan(ctx context.Context, wait time.Duration) []File {
	deadline := s.clock.Now().Add(wait)
	s.mu.Lock()
	s.lookAt(s.clock.Now())
	s.mu.Unlock()
	for {
		s.mu.Lock()
		next, busy := s.turn()
		now := s.clock.Now()
		late := !now.Before(deadline)
		work := busy
		if late {
			work = s.look != nil || s.hashing() // both take little time
		}
		if s.ended() || ctx.Err() != nil || !work && now.Before(next) && (late || !slices.ContainsFunc(s.list, (*tracked).unsettled)) {
			out, _ := s.report(now, true)
			s.mu.Unlock()
			return out
		}
		s.mu.Unlock()
		switch {
		case busy: // the loop waits for the work, and not for the clock
			next = time.Time{}
		case deadline.Before(next) && now.Before(deadline):
			next = deadline
		}
		s.pause(ctx, next, busy)
	}
}

// Run calls fn with changes until ctx ends or Close is called. Run then closes the Source: no
// inotify instance is left, and only goroutines that wait for the file system. Run calls fn in its
// own goroutine. Changes that happen while fn runs are reported together, as the last state of each
// file, in the next call. Run returns ctx.Err(), or nil after Close.
func (s *Source) Run(ctx context.Context, fn func([]File)) error {
	defer s.Close()
	for !s.ended() {
		if err := ctx.Err(); err != nil {
			return err
		}
		off := coop.Start()
		s.mu.Lock()
		next, busy := s.turn()
		out, patience := s.ready(s.clock.Now())
		s.mu.Unlock()
		if len(out) > 0 {
			fn(out)
			off()
			continue
		}
		for _, at := range []time.Time{patience, s.due()} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		off()
		s.pause(ctx, next, busy)
	}
	return nil
}

// ready returns the changes to be reported now. While small files are being hashed, ready returns
// no changes for a moment, so that files that change together are one load. patience is the time
// at which Patience with an unsettled file ends, or zero if there is none.
func (s *Source) ready(now time.Time) (out []File, patience time.Time) {
	if s.ended() {
		return nil, time.Time{}
	}
	if s.hashing() {
		if s.heldSince.IsZero() {
			s.heldSince = time.Now()
		}
		if time.Since(s.heldSince) < batchWait {
			return nil, time.Time{}
		}
	}
	s.heldSince = time.Time{}
	if out, patience = s.report(now, false); len(out) == 0 {
		s.noticeIgnored(now)
	}
	return out, patience
}

// turn starts the work that is due. busy reports whether a look or a worker is in progress. next is
// the time at which other work is due.
func (s *Source) turn() (next time.Time, busy bool) {
	s.rest.turn()
	now := s.clock.Now()
	if s.ended() {
		return now, false
	}
	if s.newWatch != nil {
		w, err := s.newWatch(s.kick)
		s.newWatch = nil
		if err != nil {
			s.noEvents(err)
		} else {
			s.watch = w
		}
	}
	s.takeEvents(now)
	next = s.pollAt
	if !s.askedAt.IsZero() && s.askedAt.Before(next) {
		next = s.askedAt
	}
	if s.look == nil && !now.Before(next) {
		s.startLook(now)
	}
	if s.look != nil {
		return now.Add(s.poll), true
	}
	return next, s.worker != nil
}

// pause waits until the loop is woken, and until next at most; zero is no limit. While work is in
// progress, pause also returns after a tick.
func (s *Source) pause(ctx context.Context, next time.Time, work bool) {
	var after, again <-chan time.Time
	if !next.IsZero() {
		var release func()
		after, release = s.clock.After(next.Sub(s.clock.Now()))
		defer release()
	}
	if work {
		t := time.NewTimer(tick)
		defer t.Stop()
		again = t.C
	}
	s.rest.pause(next, work) // after clock.After
	select {
	case <-ctx.Done():
	case <-s.stop:
	case <-after:
	case <-again:
	case <-s.wake:
	}
}

// kick wakes the loop.
func (s *Source) kick() {
	s.rest.kicks.Add(1)
	select {
	case s.wake <- struct{}{}:
	default: // the loop is about to wake
	}
}

// lookSoon asks for a look after an event, at the given time or later. Looks after events use a
// tenth of the CPU at most.
func (s *Source) lookSoon(at time.Time) {
	if at.Before(s.nextEventLook) {
		at = s.nextEventLook
	}
	s.lookAt(at)
}

// lookAt asks for a look at the given time; zero asks for none.
func (s *Source) lookAt(at time.Time) {
	if !at.IsZero() && (s.askedAt.IsZero() || at.Before(s.askedAt)) {
		s.askedAt = at
	}
}
