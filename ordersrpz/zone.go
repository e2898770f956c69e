package ordersrpz

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/prometheus/client_golang/prometheus"
)

// longestWait is the longest time between two checks of the clock. Frequent checks are necessary,
// because a person may set the clock of the machine.
const longestWait = 30 * time.Second

// A zone is a response policy zone with the orders of a Store. It makes a new version when the
// orders change.
type zone struct {
	config
	clock   source.Clock
	store   *store.Store
	counter *counter
	version atomic.Pointer[version] // nil until the first version
	// notifier sends NOTIFY to the secondaries. It uses the plugin transfer of the newest server
	// block.
	notifier atomic.Pointer[func() error]
	notifies chan struct{}
	// rounds counts the rounds of NOTIFY that have begun. ended is the number of the newest round
	// that has ended; the lock of zones guards it.
	rounds atomic.Int64
	ended  int64
	// strangers is true while strangersGet asks for a transfer. asked becomes true if this transfer
	// reaches the zone.
	strangers, asked atomic.Bool

	key  string
	refs int // guarded by zones
	stop chan struct{}
	done sync.WaitGroup
}

// zones contains the zones of the process. The key depends on the Store and the config. Server
// blocks with equal keys share a zone. A zone and its history survive a reload of the Corefile.
var zones = struct {
	sync.Mutex
	all map[string]*zone
}{all: map[string]*zone{}}

// acquire returns the zone with a config, and starts the zone if there is none. The caller must
// call release.
func acquire(cfg config, opt store.Options) (*zone, error) {
	s, err := store.Acquire(opt, log, nil)
	if err != nil {
		return nil, err
	}
	// Equal options give the same Store. The pointer is a valid key, because the zone keeps the
	// Store in use.
	key := fmt.Sprintf("%p %#v", s, cfg)
	zones.Lock()
	defer zones.Unlock()
	if z := zones.all[key]; z != nil {
		z.refs++
		store.Release(s)
		return z, nil
	}
	z := &zone{config: cfg, clock: source.WallClock, store: s, key: key, refs: 1, stop: make(chan struct{}), notifies: make(chan struct{}, 1)}
	if z.counter, err = counterOf(cfg.state, cfg.origin); err != nil {
		log.Errorf("zone %s: %v; the next serial is the present time", cfg.origin, err)
	}
	zones.all[key] = z
	z.begin()
	z.done.Go(z.run)
	go z.notifyAll()
	return z, nil
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

// forgetUnused removes the metrics of the zone. It keeps them if another zone has the same name.
// For example, a new Corefile may have the zone with other settings.
func (z *zone) forgetUnused() {
	zones.Lock()
	defer zones.Unlock()
	for _, other := range zones.all {
		if other.origin == z.origin {
			return
		}
	}
	z.forget()
}

// run makes a new version of the zone when the orders change, and when an order starts or ends.
func (z *zone) run() {
	changes, cancel := z.store.Subscribe()
	defer cancel()
	m := &maker{zone: z, sets: ruleset.Excerpts{Drop: z.drops}}
	for {
		m.look()
		wait := longestWait
		if m.tree.Until != ruleset.Forever {
			wait = max(min(wait, m.tree.Until.Time().Sub(z.clock.Now())), 0)
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

// drops reports whether the zone omits the order. The zone omits a sealed order, unless the zone
// has the property sealed. It also omits an order that exempts all its clients for ever, because
// this order blocks no client.
func (z *zone) drops(o *ruleset.Order) bool {
	return o.Terms.Disclosure.Sealed() && !z.sealed || ruleset.ExemptsAll(o.Terms, ruleset.Forever)
}

// A maker makes the versions of a zone.
type maker struct {
	*zone
	sets ruleset.Excerpts
	tree *rpz.Tree
	set  *ruleset.Set
	at   order.Time
}

// making allows only one zone at a time to make a version. Two zones at once would leave no CPU for
// queries on a machine with two CPUs.
var making sync.Mutex

// look makes a new version if the orders or the time require one.
func (m *maker) look() {
	set, now := m.store.Set(), order.Time(m.clock.Now().Unix())
	if m.tree != nil && set == m.set && now < m.tree.Until && now >= m.at {
		return
	}
	defer coop.Start()() // yield to queries
	changed := set != m.set
	making.Lock()
	m.make(set, now)
	making.Unlock()
	// Between the unlock and this lock, another zone can make its version. Its version is more
	// urgent than the warnings and the digest of this zone.
	making.Lock()
	defer making.Unlock()
	if changed {
		m.warn(set, now)
	}
	v := m.version.Load()
	m.logStore(m.counter.describe(v.serial, v.zone.Digest()))
}

func (m *maker) make(set *ruleset.Set, now order.Time) {
	part := m.sets.Of(set)
	if m.tree == nil {
		m.tree = rpz.Build(part, now, rpz.Config{Countries: m.countries, TTL: m.ttl, Refused: m.refused, Origin: wireLength(m.origin)}, &rpz.Table{})
	} else {
		m.tree = m.tree.Update(part, now)
	}
	m.set, m.at = set, now
	closed := m.tree.Close()
	v := m.version.Load()
	if v == nil {
		m.first(closed, now)
	} else if d := rpz.Compare(v.zone, closed); !d.Empty() {
		serial, err := m.counter.next(int64(now))
		m.logStore(err)
		m.publish(v.next(closed, d, serial))
		log.Infof("zone %s: serial %d: %s; %s", m.origin, serial, changeText(&d), records(closed.Records()))
	}
}

// first publishes the first version after a start.
func (m *maker) first(closed *rpz.Zone, now order.Time) {
	serial, err := m.counter.first(closed.Digest(), int64(now))
	m.logStore(err)
	m.publish(&version{zone: closed, serial: serial})
	log.Infof("zone %s: serial %d: %s", m.origin, serial, records(closed.Records()))
}

func (z *zone) publish(v *version) {
	z.version.Store(v)
	serialGauge.WithLabelValues(z.label()).Set(float64(v.serial))
	recordsGauge.WithLabelValues(z.label()).Set(float64(v.zone.Records()))
	historyGauge.WithLabelValues(z.label()).Set(float64(v.historyRecords()))
	z.notify()
}

func (z *zone) logStore(err error) {
	if err != nil {
		log.Errorf("zone %s: the serial is not stored: %v", z.origin, err)
	}
}

// warn logs warnings about orders that the zone cannot express. The warnings contain no blocked
// names.
func (m *maker) warn(set *ruleset.Set, now order.Time) {
	exempting, lifts := 0, 0
	for o := range set.OrderStates(now) {
		t := o.Order.Terms
		switch networks := t.Scope != nil && len(t.Scope.Clients) > 0; {
		case o.State != ruleset.InForce, t.Disclosure.Sealed() && !m.sealed:
		case o.Lift && networks:
			lifts++
		case !o.Lift && len(t.Exempt) > 0 && !m.drops(o.Order):
			exempting++
		}
	}
	if exempting > 0 {
		log.Warningf("zone %s: %d orders have exempt clients; a zone has no place for them, so secondaries block these clients too", m.origin, exempting)
	}
	if lifts > 0 {
		log.Warningf("zone %s: %d lifts are for certain client networks; a zone has no place for these lifts, so secondaries block these clients", m.origin, lifts)
	}
	if n := len(m.tree.Omitted); n > 0 {
		log.Warningf("zone %s: %d names are not in the zone, because they are too long for the zone or look like addresses in the zone", m.origin, n)
	}
}

// notify asks for a NOTIFY and does not wait.
func (z *zone) notify() {
	select {
	case z.notifies <- struct{}{}:
	default: // a NOTIFY is due
	}
}

// maxRounds is the largest number of NOTIFY rounds that run at the same time.
const maxRounds = 4

// notifyAll sends NOTIFY to the secondaries when notify was called. Each round has its own
// goroutine. A silent secondary delays a round by 6 s, and the next round must not wait for this
// secondary.
func (z *zone) notifyAll() {
	rounds := make(chan struct{}, maxRounds)
	for {
		select {
		case <-z.stop:
			return
		case <-z.notifies:
		}
		select {
		case <-z.stop:
			return
		case rounds <- struct{}{}:
		}
		go func() {
			z.notifyRound()
			<-rounds
		}()
	}
}

func (z *zone) notifyRound() {
	send := z.notifier.Load()
	if send == nil {
		return
	}
	round := z.rounds.Add(1)
	err := (*send)()
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			log.Warning(strings.TrimSpace(line))
		}
	}
	zones.Lock()
	defer zones.Unlock()
	if z.refs == 0 {
		return // the zone has no series any more
	}
	l, ok := z.label(), 1.0
	if err != nil {
		ok = 0
		notifyFailures.WithLabelValues(l).Inc()
	} else {
		notifyGauge.WithLabelValues(l).Set(float64(z.clock.Now().Unix()))
	}
	if round > z.ended { // a round can end after a later round
		z.ended = round
		notifyOK.WithLabelValues(l).Set(ok)
	}
}

// setNotifier sets the function that sends NOTIFY. If the zone has a version, setNotifier also
// sends a NOTIFY.
func (z *zone) setNotifier(send func() error) {
	z.notifier.Store(&send)
	if z.version.Load() != nil {
		z.notify()
	}
}

// probed reports whether the transfer comes from strangersGet.
func (z *zone) probed() bool {
	if !z.strangers.Load() {
		return false
	}
	z.asked.Store(true)
	return true
}

func (z *zone) transfers(kind string) prometheus.Counter {
	return transferCounter.WithLabelValues(z.label(), kind)
}

// wireLength returns the length of a name in wire form, in octets.
func wireLength(origin string) int {
	var w dname.Wire
	w.Set(origin) // CoreDNS has checked the name
	return w.Len()
}

func records(n int) string { return fmt.Sprintf("%d records in the zone", n) }

func changeText(d *rpz.Difference) string {
	count := func(list []rpz.Entry) int {
		x := rpz.Difference{Added: list}
		return x.Records()
	}
	return fmt.Sprintf("%d records deleted, %d added", count(d.Deleted), count(d.Added))
}
