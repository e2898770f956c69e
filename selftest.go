package blocklist

import (
	"context"
	"sync"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
)

const (
	maxSelfTest = 1000
	askAttempts = 3
	wrongAgain  = 10 * time.Minute
)

// These are the pause between two queries, the pause before a new attempt, and the timeout.
var askPause, askAgain, askPatience = 20 * time.Millisecond, time.Second, 2 * time.Second

// Each instance must register the hook again, because SIGUSR1 removes all event hooks.
func hookSelfTests() {
	defer func() { _ = recover() }() // caddy panics if the hook is there
	caddy.RegisterEventHook("blocklist_selftest", whenListening)
}

// CoreDNS sends InstanceStartupEvent when the new instance listens and the replaced instance is
// shut down.
func whenListening(event caddy.EventName, info any) error {
	inst, ok := info.(*caddy.Instance)
	if !ok || event != caddy.InstanceStartupEvent {
		return nil
	}
	inst.StorageMu.RLock()
	i, ok := loaded.In(inst.Storage)
	inst.StorageMu.RUnlock()
	if ok {
		i.testItself(inst)
	}
	return nil
}

func (i *instance) testItself(inst *caddy.Instance) {
	ctx, cancel := context.WithCancel(context.Background())
	loaded.Lock()
	defer loaded.Unlock()
	if !loaded.Has(i) { // the instance is shut down already
		cancel()
		return
	}
	var running sync.WaitGroup
	i.stopTests = func() { cancel(); running.Wait() }
	known := map[*store.Store]bool{}
	for _, s := range i.stores {
		if known[s] || !s.Journaled() {
			continue
		}
		known[s] = true
		t := &selfTest{store: s, route: newRoutes(i.blocks, s, inst), replaced: i.beingReplaced, log: log, pause: askPause, again: askAgain}
		i.tests = append(i.tests, t)
		tested, end := s.Testing()
		running.Go(func() {
			defer end()
			t.run(ctx, tested)
		})
	}
}

func (i *instance) beingReplaced() bool {
	loaded.Lock()
	defer loaded.Unlock()
	return loaded.Replacing(i)
}

// A selfTest runs the self-tests of one store.
type selfTest struct {
	store    *store.Store
	route    *routes
	replaced func() bool
	log      interface{ Errorf(string, ...any) }
	pause    time.Duration
	again    time.Duration

	wrong []ruleset.Target // the targets with wrong answers in the last test

	mu     sync.Mutex
	counts map[string]int // the results of the last test
}

const (
	testRight     = "right"
	testWrong     = "wrong"
	testNotTested = "not_tested" // for example, the order is not for this server's own address
)

func (t *selfTest) run(ctx context.Context, tested func(*ruleset.Set)) {
	changes, cancel := t.store.Subscribe()
	defer cancel()
	var was map[string]*ruleset.Part
	for {
		set, is := t.store.Parts()
		t.test(ctx, was, is)
		tested(set)
		was = is
		var again <-chan time.Time
		if len(t.wrong) > 0 {
			again = time.After(wrongAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-again:
		}
	}
}

func (t *selfTest) test(ctx context.Context, was, is map[string]*ruleset.Part) {
	sample, total := t.sample(was, is)
	if total == 0 {
		return
	}
	r := journal.Record{Event: journal.SelfTest, Count: uint64(total), Set: t.store.Status().Digest, Targets: map[string]int{}}
	if t.store.Shadow() {
		r.Why = "not tested: the orders are in shadow and change no answer"
		t.store.Record(r)
		return
	}
	x := newAsker(t.route, t.pause)
	defer x.close()
	stop := context.AfterFunc(ctx, x.close)
	defer stop()
	t.wrong = nil
	for _, target := range sample {
		result, record := t.one(ctx, x, target)
		if ctx.Err() != nil {
			return
		}
		if result == "" { // the target is not in force any more
			continue
		}
		r.Targets[result]++
		if result == testWrong {
			t.wrong = append(t.wrong, target)
			t.alarm(target, record.Why, len(t.wrong))
		}
		t.store.Record(record)
		if x.dead != "" {
			r.Why = "not tested further: " + x.dead
			t.log.Errorf("self-test: %s; the other changed targets were not tested", x.dead)
			break
		}
	}
	t.store.Record(r)
	t.mu.Lock()
	t.counts = r.Targets
	t.mu.Unlock()
	if n := len(t.wrong); n > maxAlarms {
		t.log.Errorf("self-test: %d of %d tested targets have wrong answers; the journal has all of them", n, len(sample))
	}
}

const maxAlarms = 10

// The log must not name sealed orders and their targets.
func (t *selfTest) alarm(target ruleset.Target, why string, n int) {
	if n > maxAlarms {
		return
	}
	what := "a target of order " + printable.Line(target.Order.Label())
	if !target.Order.Terms.Disclosure.Sealed() {
		what = target.Match.Pattern(target.Name) + " of order " + printable.Line(target.Order.Label())
	}
	t.log.Errorf("self-test: the server does not answer as ordered for %s: %s", what, why)
}

func (t *selfTest) one(ctx context.Context, x *asker, target ruleset.Target) (result string, r journal.Record) {
	for attempt := 1; ; {
		if result, r = x.ask(ctx, target); result != testWrong {
			return result, r
		}
		replaced := t.replaced()
		if attempt == askAttempts && !replaced {
			return result, r
		}
		if !replaced {
			attempt++
		}
		select {
		case <-ctx.Done():
			return "", r
		case <-time.After(t.again):
		}
	}
}

func (t *selfTest) sample(was, is map[string]*ruleset.Part) (out []ruleset.Target, total int) {
	defer coop.Start()()
	s := sampler{seed: t.store.Status().Digest, most: maxSelfTest}
	now := order.Time(t.store.Now().Unix())
	for path, part := range is {
		if part != was[path] {
			part.NewTargets(was[path], now, s.add)
		}
	}
	for _, w := range t.wrong {
		if !s.has(w) {
			out = append(out, w)
		}
	}
	return append(out, s.targets()...), s.total + len(out)
}

func selfTestCounts() map[string]int {
	loaded.Lock()
	defer loaded.Unlock()
	var out map[string]int
	for _, i := range loaded.All() {
		for _, t := range i.tests {
			t.mu.Lock()
			if out == nil {
				out = map[string]int{testRight: 0, testWrong: 0, testNotTested: 0}
			}
			for result, n := range t.counts {
				out[result] += n
			}
			t.mu.Unlock()
		}
	}
	return out
}
