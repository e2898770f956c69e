package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/plugin/export"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/store"
)

func (c *exportCmd) watch(e *env, s *server, maker *export.Maker) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	opt := s.Store
	// The running server has locked the state directory. The watch needs no state.
	opt.State = ""
	opt.Patterns = nil
	for _, p := range s.Store.Patterns {
		abs, err := absolutePattern(p)
		if err != nil {
			return err
		}
		opt.Patterns = append(opt.Patterns, abs)
	}
	for i, p := range opt.Protect {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		opt.Protect[i] = abs
	}
	st, err := store.Open(opt, watchLog{e}, nil)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := c.spare(st.SideLists()); err != nil {
		return err
	}
	return c.follow(ctx, e, st, source.WallClock, maker)
}

// longestWait limits the wait between two reads of the clock, because a person may set the clock.
const longestWait = 30 * time.Second

// The function writes the file after each change of the set. It also writes when an order starts or
// ends.
func (c *exportCmd) follow(ctx context.Context, e *env, st *store.Store, clock source.Clock, maker *export.Maker) error {
	changes, cancel := st.Subscribe()
	defer cancel()
	var written *ruleset.Set
	var at, next order.Time
	for {
		set, now := st.Set(), clock.Now()
		if t := order.Time(now.Unix()); set != written || t >= next || t < at {
			x := exported{maker.Make(set, t), t}
			written, at, next = set, t, x.Until
			c.put(e, x, now, st.SideLists())
		}
		wait := longestWait
		if next != ruleset.Forever {
			wait = max(min(wait, next.Time().Sub(clock.Now())), 0)
		}
		alarm, free := clock.After(wait)
		select {
		case <-ctx.Done():
			free()
			return nil
		case <-changes:
			free()
		case <-alarm:
		}
	}
}

// After an error, the old file stays. The function never overwrites a side list.
func (c *exportCmd) put(e *env, x exported, now time.Time, sides []string) {
	c.report(e, x)
	if err := c.spare(sides); err != nil {
		e.say("%v; nothing is written", err)
		return
	}
	if x.Body == nil {
		e.say("%s: the old file stays in place", c.Watch)
		return
	}
	if err := writeFile(c.Watch, append(c.header(x, now), x.Body...), c.mode()); err != nil {
		e.say("%v; the old file stays in place", err)
		return
	}
	e.say("%s: wrote %s in force, %s", c.Watch, count(x.Counts.InForce, "order"), count(x.Names, "name"))
}

type watchLog struct{ e *env }

func (l watchLog) Infof(format string, args ...any)    { l.e.say(format, args...) }
func (l watchLog) Warningf(format string, args ...any) { l.e.say("warning: "+format, args...) }
func (l watchLog) Errorf(format string, args ...any)   { l.e.say("error: "+format, args...) }
