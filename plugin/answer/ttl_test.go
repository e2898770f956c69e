package answer

import (
	"math"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func TestTTL(t *testing.T) {
	const sec = time.Second
	at := func(s int64, ns int64) time.Time { return time.Unix(s, ns) }
	for _, tt := range []struct {
		what      string
		cfg, term time.Duration
		until     order.Time
		now       time.Time
		want      uint32
	}{
		{"operator's", 30 * sec, -1, ruleset.Forever, at(1000, 0), 30},
		{"order's", 30 * sec, 300 * sec, ruleset.Forever, at(1000, 0), 300},
		{"order's is 0", 30 * sec, 0, ruleset.Forever, at(1000, 0), 0},
		{"operator's is 0", 0, -1, ruleset.Forever, at(1000, 0), 0},
		{"parts of a second are dropped", 1999 * time.Millisecond, -1, ruleset.Forever, at(1000, 0), 1},
		{"less than a second", 999 * time.Millisecond, -1, ruleset.Forever, at(1000, 0), 0},
		{"negative", -5 * sec, -1, ruleset.Forever, at(1000, 0), 0},
		{"more than a TTL holds", math.MaxInt64, -1, ruleset.Forever, at(1000, 0), math.MaxInt32},
		{"change far away", 30 * sec, -1, 5000, at(1000, 0), 30},
		{"change when it runs out", 30 * sec, -1, 1030, at(1000, 0), 30},
		{"change a second before", 30 * sec, -1, 1029, at(1000, 0), 29},
		{"a part of a second short", 30 * sec, -1, 1030, at(1000, 1), 29},
		{"nearly a second short", 30 * sec, -1, 1030, at(1000, 999_999_999), 29},
		{"two seconds", 30 * sec, -1, 1002, at(1000, 0), 2},
		{"1.9 seconds", 30 * sec, -1, 1002, at(1000, 100_000_000), 1},
		{"one second", 30 * sec, -1, 1001, at(1000, 0), 1},
		{"less than a second", 30 * sec, -1, 1001, at(1000, 1), 0},
		{"the change is now", 30 * sec, -1, 1000, at(1000, 0), 0},
		{"the change is over", 30 * sec, -1, 900, at(1000, 0), 0},
		{"order's TTL is cut too", 30 * sec, 3600 * sec, 1010, at(1000, 0), 10},
		{"no time", 30 * sec, -1, order.NoTime, at(1000, 0), 0},
		{"nearly forever", 30 * sec, -1, ruleset.Forever - 1, at(1000, 0), 30},
		{"nearly forever, before 1970", 30 * sec, -1, ruleset.Forever - 1, at(-1000, 5), 30},
		{"before 1970", 30 * sec, -1, -990, at(-1000, 1), 9},
	} {
		t.Run(tt.what, func(t *testing.T) {
			cfg := &Config{TTL: tt.cfg}
			edit := func(v *ruleset.Verdict, terms *order.Terms) { v.Until, terms.TTL = tt.until, tt.term }
			m := Build(query(t, "example.com.", dns.TypeA), 512, verdict(order.NXDOMAIN, edit), tt.now, cfg)
			soa := m.Ns[0].(*dns.SOA)
			if soa.Hdr.Ttl != tt.want || soa.Minttl != tt.want {
				t.Errorf("SOA has TTL %d and MINIMUM %d, want %d", soa.Hdr.Ttl, soa.Minttl, tt.want)
			}
			m = Build(query(t, "example.com.", dns.TypeA), 512, verdict(order.Redirect, edit), tt.now, cfg)
			if got := m.Answer[0].Header().Ttl; got != tt.want {
				t.Errorf("A has TTL %d, want %d", got, tt.want)
			}
			if end := tt.now.Add(time.Duration(soa.Hdr.Ttl) * sec); soa.Hdr.Ttl > 0 && tt.until < ruleset.Forever-1 && end.After(tt.until.Time()) {
				t.Errorf("outlives the change: ends %v, change %v", end, tt.until.Time())
			}
		})
	}
}
