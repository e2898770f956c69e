package ordersrpz

import (
	"fmt"
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
)

// longestWait is the longest time between two checks of the clock. Frequent checks are necessary,
// because a person may set the clock of the machine.
const longestWait = 30 * time.Second

// A zone is a response policy zone, or the parts of one, that follows a Store.
type zone struct {
	config
	clock   source.Clock
	store   *store.Store
	served  []*part
	version atomic.Pointer[version] // nil until the first version
	// notifier sends NOTIFY to the secondaries. It uses the plugin transfer of the newest server
	// block.
	notifier atomic.Pointer[func(origin string) error]
	// strangers is true while strangersGet asks for a transfer. asked becomes true if this transfer
	// reaches the zone.
	strangers, asked atomic.Bool

	key  string
	refs int // guarded by zones
	stop chan struct{}
	done sync.WaitGroup
}

// A part is one zone of the DNS. It has all orders, or a part of them.
type part struct {
	origin  string
	counter *counter
	notice
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
		if other.origin == z.origin && other.parts == z.parts {
			return
		}
	}
	z.forget()
}

// run makes a new version of the zone when the orders change, and when an order starts or ends.
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

// drops reports whether the zone omits the order. The zone omits a sealed order, unless the zone
// has the property sealed. It also omits an order that exempts all its clients for ever, because
// this order blocks no client.
func (z *zone) drops(o *ruleset.Order) bool {
	return o.Terms.Disclosure.Sealed() && !z.sealed || o.Terms.ExemptsAll(ruleset.Forever)
}

// A maker makes the versions of a zone.
type maker struct {
	*zone
	sets ruleset.Excerpts
	tree *rpz.Tree
	set  *ruleset.Set
	at   order.Time
	due  order.Time // the time of a version that waits for its serial, or ruleset.Forever
}

func newMaker(z *zone) *maker {
	return &maker{zone: z, sets: ruleset.Excerpts{Drop: z.drops}, due: ruleset.Forever}
}

// next returns the time of the next look.
func (m *maker) next() order.Time { return min(m.tree.Until, m.due) }

// making allows only one zone at a time to make a version. Two zones at once would leave no CPU for
// queries on a machine with two CPUs.
var making sync.Mutex

// look makes a new version if the orders or the time require one.
func (m *maker) look() {
	set, now := m.store.Set(), order.Time(m.clock.Now().Unix())
	if m.tree != nil && set == m.set && now < m.next() && now >= m.at {
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
	if v := m.version.Load(); v != nil {
		for i, p := range m.served {
			if !p.counter.described() {
				m.logStore(p, p.counter.describe(v.parts[i].serial, v.zone.Part(i).Digest()))
			}
		}
	}
}

func (m *maker) make(set *ruleset.Set, now order.Time) {
	part := m.sets.Of(set)
	if m.tree == nil {
		cfg := rpz.Config{Countries: m.countries, TTL: m.ttl, Refused: m.refused, Parts: m.parts}
		for _, p := range m.served {
			cfg.Origin = max(cfg.Origin, wireLength(p.origin))
		}
		m.tree = rpz.Build(part, now, cfg, &rpz.Table{})
	} else {
		m.tree = m.tree.Update(part, now)
	}
	m.set, m.at = set, now
	closed := m.tree.Close()
	v := m.version.Load()
	var differences []rpz.Difference
	if v != nil {
		d := rpz.Compare(v.zone, closed)
		differences = d.Split(m.parts)
	}
	if m.due = m.wait(differences); m.due == ruleset.Forever {
		m.publish(v, closed, differences)
	}
}

// wait returns the time at which all parts with a difference can have a new serial, or
// ruleset.Forever if they can have it now. Without differences, all parts get their first serial.
func (m *maker) wait(differences []rpz.Difference) order.Time {
	now := m.clock.Now().Unix() // the making of the tree took some time
	for i, p := range m.served {
		if (differences == nil || !differences[i].Empty()) && p.counter.waits(now) {
			return order.Time(now + 1)
		}
	}
	return ruleset.Forever
}

// publish publishes the version after v, which is nil at first.
func (m *maker) publish(v *version, closed *rpz.Zone, differences []rpz.Difference) {
	now := m.clock.Now().Unix()
	next := &version{zone: closed, parts: make([]history, m.parts)}
	if v == nil {
		for i, p := range m.served {
			serial, err := p.counter.first(closed.Part(i).Digest(), now)
			m.logStore(p, err)
			next.parts[i].serial = serial
		}
		m.version.Store(next)
		for i := range m.served {
			m.announce(i, "")
		}
		return
	}
	copy(next.parts, v.parts)
	var stored sync.WaitGroup
	for i, p := range m.served {
		if differences[i].Empty() {
			continue
		}
		// Each part has a file with its serial. The writes wait for the disk, so they wait together.
		stored.Go(func() {
			serial, err := p.counter.next(now)
			m.logStore(p, err)
			next.parts[i] = v.parts[i].next(closed.Part(i).Records(), differences[i], serial)
		})
	}
	stored.Wait()
	m.version.Store(next)
	for i := range m.served {
		if !differences[i].Empty() {
			m.announce(i, changeText(&differences[i])+"; ")
		}
	}
}

// announce tells the secondaries and the log about the newest version of a part.
func (z *zone) announce(i int, change string) {
	p, v := z.served[i], z.version.Load()
	n := v.zone.Part(i).Records()
	l := label(p.origin)
	serialGauge.WithLabelValues(l).Set(float64(v.parts[i].serial))
	recordsGauge.WithLabelValues(l).Set(float64(n))
	historyGauge.WithLabelValues(l).Set(float64(v.parts[i].records()))
	z.notify(p)
	log.Infof("zone %s: serial %d: %s%d records in the zone", p.origin, v.parts[i].serial, change, n)
}

func (z *zone) logStore(p *part, err error) {
	if err != nil {
		log.Errorf("zone %s: the serial is not stored: %v", p.origin, err)
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

// probed reports whether the transfer comes from strangersGet.
func (z *zone) probed() bool {
	if !z.strangers.Load() {
		return false
	}
	z.asked.Store(true)
	return true
}

// wireLength returns the length of a name in wire form, in octets.
func wireLength(origin string) int {
	var w dname.Wire
	w.Set(origin) // CoreDNS has checked the name
	return w.Len()
}

func changeText(d *rpz.Difference) string {
	count := func(list []rpz.Entry) int {
		x := rpz.Difference{Added: list}
		return x.Records()
	}
	return fmt.Sprintf("%d records deleted, %d added", count(d.Deleted), count(d.Added))
}
