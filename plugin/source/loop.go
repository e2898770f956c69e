package source

import (
	"context"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// Scan checks all files and returns the changed files. The duration limits the wait. A file that
// still changes is Pending. Call Scan before Run.
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
			work = s.look != nil || s.hashing() // scanning and hashing end soon
		}
		if s.ended() || ctx.Err() != nil || !work && now.Before(next) && (late || !slices.ContainsFunc(s.list, (*tracked).unsettled)) {
			out, _ := s.report(now, true)
			s.mu.Unlock()
			return out
		}
		s.mu.Unlock()
		switch {
		case busy: // wait for the work, not for the clock
			next = time.Time{}
		case deadline.Before(next) && now.Before(deadline):
			next = deadline
		}
		s.pause(ctx, next, busy)
	}
}

// Run calls a function with the changed files until the context ends or Close is called. Run then
// closes the Source. It returns the error of the context. After Close, it returns nil.
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
		due := s.due()
		if !due.IsZero() {
			due = s.clock.steady(due)
		}
		for _, at := range []time.Time{patience, due} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		off()
		s.pause(ctx, next, busy)
	}
	return nil
}

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

func (s *Source) turn() (next time.Time, busy bool) {
	s.begin()
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
	s.rest.pause(next, work) // must follow clock.After, because Idle may return true from now on
	select {
	case <-ctx.Done():
	case <-s.stop:
	case <-after:
	case <-again:
	case <-s.wake:
	}
}

func (s *Source) lookSoon(at time.Time) {
	if at.Before(s.nextEventLook) {
		at = s.nextEventLook
	}
	s.lookAt(at)
}

func (s *Source) lookAt(at time.Time) {
	if !at.IsZero() && (s.askedAt.IsZero() || at.Before(s.askedAt)) {
		s.askedAt = at
	}
}
