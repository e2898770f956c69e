package ordersrpz

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
)

// longestWait is the maximum time between two checks of the clock, because a person may set the
// clock.
const longestWait = 30 * time.Second

type zone struct {
	config
	clock            source.Clock
	store            *store.Store
	served           []*part
	version          atomic.Pointer[version] // nil until the first version
	notifier         atomic.Pointer[func(origin string) error]
	strangers, asked atomic.Bool

	key  string
	refs int // guarded by zones
	stop chan struct{}
	done sync.WaitGroup
}

type part struct {
	origin  string
	counter *counter
	notice
}

// Server blocks with the same Store and equal settings share a zone.
var zones = struct {
	sync.Mutex
	all map[string]*zone
}{all: map[string]*zone{}}

// The caller must call release.
func acquire(cfg config, opt store.Options) (*zone, error) {
	s, err := store.Acquire(opt, log, nil)
	if err != nil {
		return nil, err
	}
	// The pointer is a valid key, because the zone keeps the Store in use.
	key := fmt.Sprintf("%p %#v", s, cfg)
	zones.Lock()
	defer zones.Unlock()
	if z := zones.all[key]; z != nil {
		z.refs++
		store.Release(s)
		return z, nil
	}
	z := newZone(cfg, s, source.WallClock)
	z.key = key
	zones.all[key] = z
	z.begin()
	z.done.Go(z.run)
	return z, nil
}

func newZone(cfg config, s *store.Store, clock source.Clock) *zone {
	z := &zone{config: cfg, clock: clock, store: s, refs: 1, stop: make(chan struct{})}
	for _, origin := range cfg.origins() {
		c, err := counterOf(cfg.state, origin, clock.Now().Unix())
		if err != nil {
			log.Errorf("zone %s: %v; the next serial is the present time", origin, err)
		}
		z.served = append(z.served, &part{origin: origin, counter: c})
	}
	return z
}

func (z *zone) index(origin string) int {
	origin = dns.CanonicalName(origin)
	return slices.IndexFunc(z.served, func(p *part) bool { return p.origin == origin })
}

// release ends one use of the zone.
func (z *zone) release() {
	zones.Lock()
	z.refs--
	last := z.refs == 0
	if last {
		delete(zones.all, z.key)
	}
	zones.Unlock()
	if last {
		close(z.stop)
		z.done.Wait()
		store.Release(z.store)
		z.forgetUnused()
	}
}

// Another zone may have the same name. Its metrics must stay.
func (z *zone) forgetUnused() {
	zones.Lock()
	defer zones.Unlock()
	for _, other := range zones.all {
		if other.origin == z.origin && other.parts == z.parts {
			return
		}
	}
	z.forget()
}

func (z *zone) run() {
	changes, cancel := z.store.Subscribe()
	defer cancel()
	m := newMaker(z)
	for {
		m.look()
		wait := longestWait
		if next := m.next(); next != ruleset.Forever {
			wait = max(min(wait, next.Time().Sub(z.clock.Now())), 0)
		}
		alarm, free := z.clock.After(wait)
		select {
		case <-z.stop:
			free()
			return
		case <-changes:
			free()
		case <-alarm:
		}
	}
}

// A zone without the property sealed omits sealed orders. All zones omit orders that exempt all
// clients for ever.
func (z *zone) drops(o *ruleset.Order) bool {
	return o.Terms.Disclosure.Sealed() && !z.sealed || o.Terms.ExemptsAll(ruleset.Forever)
}

// probed reports whether the transfer comes from strangersGet.
func (z *zone) probed() bool {
	if !z.strangers.Load() {
		return false
	}
	z.asked.Store(true)
	return true
}

func wireLength(origin string) int {
	var w dname.Wire
	w.Set(origin) // CoreDNS has checked the name
	return w.Len()
}
