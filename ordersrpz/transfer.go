package ordersrpz

import (
	"errors"

	"github.com/coredns/coredns/plugin/transfer"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/miekg/dns"
)

// errNotLoaded is the error of a transfer before the first version of the zone. The client gets
// SERVFAIL and tries again later.
var errNotLoaded = errors.New("orders_rpz: the zone has no version yet")

const batch = 500

// Transfer implements transfer.Transferer. It can return the records of an incremental transfer
// (RFC 1995, section 4), because the plugin transfer sends the records unchanged.
func (o *OrdersRPZ) Transfer(zone string, serial uint32) (<-chan []dns.RR, error) {
	if dns.CanonicalName(zone) != o.origin || o.zone == nil {
		return nil, transfer.ErrNotAuthoritative
	}
	if o.zone.probed() {
		return nil, transfer.ErrNotAuthoritative
	}
	v := o.zone.version.Load()
	if v == nil {
		return nil, errNotLoaded
	}
	steps, known := v.since(serial)
	n := 0
	for i := range steps {
		n += steps[i].Records()
	}
	s := &sender{config: &o.config, out: make(chan []dns.RR)}
	switch {
	case serial != 0 && !later(v.serial, serial):
		o.zone.transfers("current").Inc()
		go s.run(func() { s.add(o.soa(v.serial)) })
	case serial != 0 && known && n < v.zone.Records():
		o.zone.transfers("ixfr").Inc()
		go s.run(func() { s.steps(v, steps) })
	default:
		o.zone.transfers("axfr").Inc()
		go s.run(func() { s.whole(v) })
	}
	return s.out, nil
}

// A sender sends records to the plugin transfer in batches. The plugin transfer reads all batches,
// even after an error.
type sender struct {
	*config
	out  chan []dns.RR
	list []dns.RR
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

func (s *sender) entries(list []rpz.Entry) {
	for i := range list {
		s.list = list[i].AppendRecords(s.list, s.origin)
		s.add()
	}
}

// whole sends all records of the zone.
func (s *sender) whole(v *version) {
	s.add(s.soa(v.serial), s.ns())
	s.entries(v.zone.Entries)
	s.add(s.soa(v.serial))
}

// steps sends an incremental transfer: the differences between the version of the client and the
// version v.
func (s *sender) steps(v *version, steps []step) {
	s.add(s.soa(v.serial))
	for i := range steps {
		s.add(s.soa(steps[i].from))
		s.entries(steps[i].Deleted)
		s.add(s.soa(steps[i].to))
		s.entries(steps[i].Added)
	}
	s.add(s.soa(v.serial))
}
