package ordersrpz

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/miekg/dns"
)

// A version is one immutable version of the zone. It also contains the differences to earlier
// versions.
type version struct {
	zone  *rpz.Zone
	parts []history
}

// A history is the current serial of a part, and the differences between its recent versions. It is
// immutable.
type history struct {
	serial uint32
	// steps contains the differences between successive versions, the oldest first. The last step
	// leads to the version with the serial "serial".
	steps []step
}

// A step is the difference between two successive versions.
type step struct {
	from, to uint32
	rpz.Difference
}

// minHistory is the number of records that a history may always have, even in a small zone.
const minHistory = 1000

// next returns the history after one more difference. The parameter "records" is the number of
// records in the part. The history may have a quarter of this number, or minHistory records if that
// is more. Older differences are dropped, because a long incremental transfer is no faster than the
// whole part.
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

// since returns the steps from the version with the given serial to the newest version. It returns
// false if the history lacks this version.
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

// later reports whether the serial a is later than b (RFC 1982, section 3.2).
func later(a, b uint32) bool { return int32(a-b) > 0 }

// These are the timers of the SOA record, in seconds. If no NOTIFY arrives, a secondary asks for
// the serial every "refresh" seconds. If the primary does not answer, a secondary uses its last
// version for "expire" seconds.
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

// ns returns the NS record of the zone. BIND refuses a zone without NS records. No server
// uses the name, because resolvers do not look up names of a policy zone.
func (c *config) ns(origin string) *dns.NS {
	return &dns.NS{Hdr: dns.RR_Header{Name: origin, Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: uint32(c.ttl / time.Second)}, Ns: "localhost."}
}
