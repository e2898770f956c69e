package ordersrpz

import (
	"fmt"
	"sync"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

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

// Only one zone makes a version at a time. Two zones would use both CPUs of a small machine, and
// queries would wait.
var making sync.Mutex

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

// The result is ruleset.Forever if the new version can be published now. Otherwise, the result is
// the start of the next second.
func (m *maker) wait(differences []rpz.Difference) order.Time {
	now := m.clock.Now().Unix() // the making of the tree took some time
	for i, p := range m.served {
		if (differences == nil || !differences[i].Empty()) && p.counter.waits(now) {
			return order.Time(now + 1)
		}
	}
	return ruleset.Forever
}

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
		// Each write waits for the disk, so write the serials of all parts at the same time.
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

// The warnings must not contain blocked names.
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

func changeText(d *rpz.Difference) string {
	count := func(list []rpz.Entry) int {
		x := rpz.Difference{Added: list}
		return x.Records()
	}
	return fmt.Sprintf("%d records deleted, %d added", count(d.Deleted), count(d.Added))
}
