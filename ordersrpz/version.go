package ordersrpz

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/miekg/dns"
)

type version struct {
	zone  *rpz.Zone
	parts []history
}

// A history contains the serial and the recent differences of a part. It is immutable.
type history struct {
	serial uint32
	steps  []step
}

// A step is the difference between two successive versions.
type step struct {
	from, to uint32
	rpz.Difference
}

const minHistory = 1000

// The limit of a history is a quarter of the records of the part, but at least minHistory records.
// The oldest differences are dropped. A longer incremental transfer is no faster than the whole
// part.
func (h *history) next(records int, d rpz.Difference, serial uint32) history {
	steps := append(h.steps[:len(h.steps):len(h.steps)], step{h.serial, serial, d})
	room := max(records/4, minHistory)
	first := len(steps)
	for first > 0 {
		if room -= steps[first-1].Records(); room < 0 {
			break
		}
		first--
	}
	return history{serial, append([]step(nil), steps[first:]...)}
}

func (h *history) since(serial uint32) ([]step, bool) {
	for i := range h.steps {
		if h.steps[i].from == serial {
			return h.steps[i:], true
		}
	}
	return nil, false
}

// records returns the number of records in the history.
func (h *history) records() (n int) {
	for i := range h.steps {
		n += h.steps[i].Records()
	}
	return n
}

// The comparison of the serials is as in RFC 1982, section 3.2.
func later(a, b uint32) bool { return int32(a-b) > 0 }

// These are the timers of the SOA record, in seconds.
const (
	refresh = 60
	retry   = 30
	expire  = 30 * 24 * 3600
)

func (c *config) soa(origin string, serial uint32) *dns.SOA {
	ttl := uint32(c.ttl / time.Second)
	return &dns.SOA{Hdr: dns.RR_Header{Name: origin, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns: "localhost.", Mbox: "hostmaster.localhost.", Serial: serial, Refresh: refresh, Retry: retry, Expire: expire, Minttl: ttl}
}

func (c *config) ns(origin string) *dns.NS {
	return &dns.NS{Hdr: dns.RR_Header{Name: origin, Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: uint32(c.ttl / time.Second)}, Ns: "localhost."}
}
