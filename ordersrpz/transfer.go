package ordersrpz

import (
	"errors"

	"github.com/coredns/coredns/plugin/transfer"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/miekg/dns"
)

// The client gets SERVFAIL and tries again later.
var errNotLoaded = errors.New("orders_rpz: the zone has no version yet")

const batch = 500

// Transfer implements transfer.Transferer. The plugin transfer sends the records unchanged, so
// Transfer can also return an incremental transfer (RFC 1995, section 4).
func (o *OrdersRPZ) Transfer(zone string, serial uint32) (<-chan []dns.RR, error) {
	if o.zone == nil {
		return nil, transfer.ErrNotAuthoritative
	}
	i := o.zone.index(zone)
	if i < 0 || o.zone.probed() {
		return nil, transfer.ErrNotAuthoritative
	}
	v := o.zone.version.Load()
	if v == nil {
		return nil, errNotLoaded
	}
	h, part := &v.parts[i], v.zone.Part(i)
	steps, known := h.since(serial)
	n := 0
	for i := range steps {
		n += steps[i].Records()
	}
	p := o.zone.served[i]
	s := &sender{config: &o.config, origin: p.origin, out: make(chan []dns.RR)}
	switch {
	case serial != 0 && !later(h.serial, serial):
		p.transfers("current").Inc()
		go s.run(func() { s.soa(h.serial) })
	case serial != 0 && known && n < part.Records():
		p.transfers("ixfr").Inc()
		go s.run(func() { s.steps(h.serial, steps) })
	default:
		p.transfers("axfr").Inc()
		go s.run(func() { s.whole(h.serial, part) })
	}
	return s.out, nil
}

// A sender sends records in batches. The plugin transfer reads all batches, even after an error.
type sender struct {
	*config
	origin string // of the part
	out    chan []dns.RR
	list   []dns.RR
}

func (s *sender) run(send func()) {
	send()
	s.flush()
	close(s.out)
}

func (s *sender) add(rrs ...dns.RR) {
	if s.list = append(s.list, rrs...); len(s.list) >= batch {
		s.flush()
	}
}

func (s *sender) flush() {
	if len(s.list) > 0 {
		s.out <- s.list
		s.list = make([]dns.RR, 0, batch+8)
	}
}

func (s *sender) soa(serial uint32) { s.add(s.config.soa(s.origin, serial)) }

func (s *sender) entry(e *rpz.Entry) {
	s.list = e.AppendRecords(s.list, s.origin)
	s.add()
}

// whole sends all records of a part.
func (s *sender) whole(serial uint32, part rpz.Part) {
	s.soa(serial)
	s.add(s.ns(s.origin))
	for e := range part.Entries() {
		s.entry(e)
	}
	s.soa(serial)
}

func (s *sender) steps(serial uint32, steps []step) {
	s.soa(serial)
	for i := range steps {
		s.soa(steps[i].from)
		for j := range steps[i].Deleted {
			s.entry(&steps[i].Deleted[j])
		}
		s.soa(steps[i].to)
		for j := range steps[i].Added {
			s.entry(&steps[i].Added[j])
		}
	}
	s.soa(serial)
}
