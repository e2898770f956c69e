package ruleset

import (
	"net/netip"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestEmbedded(t *testing.T) {
	opt := Options{Addresses: true}
	for _, p := range []string{"2001:db8::/32", "2001:db8:100::/40", "2001:db8:122::/48", "2001:db8:122:300::/56", "2001:db8:122:344::/64", "2001:db8:abcd:344::/96"} {
		opt.NAT64 = append(opt.NAT64, netip.MustParsePrefix(p))
	}
	const orders = `- {id: a, targets: [{address: 192.0.2.33, enforced_by: dns}, {address: 0.0.0.0/8, enforced_by: dns}]}`
	known, unknown := with(t, opt, orders), with(t, Options{Addresses: true}, orders)
	off := with(t, Options{NAT64: opt.NAT64}, orders)
	for _, tc := range []struct {
		addr           string
		blocked, known bool // with the NAT64 prefixes in the options, and without
	}{
		{"192.0.2.33", true, true},
		{"192.0.2.34", false, false},
		{"::ffff:192.0.2.33", true, true},
		{"::192.0.2.33", true, true},
		{"::", false, false}, // :: and ::1 are not IPv4-compatible addresses
		{"::1", false, false},
		{"64:ff9b::192.0.2.33", true, true},
		{"64:ff9b::192.0.2.34", false, false},
		{"64:ff9b:0:0:0:1:c000:221", false, false},
		{"64:ff9b:1::192.0.2.33", true, true},
		{"64:ff9b:1:fffe:0:1:192.0.2.33", true, true},
		{"64:ff9b:2::192.0.2.33", false, false},
		{"2002:c000:221::1", true, true},
		{"2002:c000:222::c000:221", false, false},
		{"2001:db8:c000:221::", true, false},
		{"2001:db8:1c0:2:21::", true, false},
		{"2001:db8:122:c000:2:2100::", true, false},
		{"2001:db8:122:3c0:0:221::", true, false},
		{"2001:db8:122:344:c0:2:2100::", true, false},
		{"2001:db8:abcd:344::192.0.2.33", true, false},
		{"2001:db9:c000:221::", false, false},
	} {
		a := netip.MustParseAddr(tc.addr)
		for i, want := range []bool{tc.blocked, tc.known, false} {
			s := []*Set{known, unknown, off}[i]
			v := s.DecideAddress(a, Query{Now: order.Time(1)})
			if v.Blocked() != want {
				t.Errorf("set %d, %s: blocked is %t", i, a, v.Blocked())
			}
			if want && !s.CoversAddress(a) {
				t.Errorf("set %d, %s: is blocked and not covered", i, a)
			}
		}
	}
}

func TestEmbeddedHeld(t *testing.T) {
	opt := Options{Addresses: true, Guard: &stubGuard{nets: []netip.Prefix{netip.MustParsePrefix("203.0.113.66/32")}}, NAT64: []netip.Prefix{netip.MustParsePrefix("2001:db8:64::/96"), netip.MustParsePrefix("2001:db8:100::/40")}}
	for target, held := range map[string]bool{
		"203.0.113.66":                 true,
		"2001:db8:64::203.0.113.66":    true,
		"2001:db8:64::203.0.113.67":    false,
		"2001:db8:64::203.0.113.0/120": true,
		"2001:db8:64::/96":             true,
		"2001:db8:64::/48":             true, // contains all IPv4 addresses
		"2001:db8:1cb:71:42::/80":      true,
		"2001:db8:1cb:71:43::/80":      false,
		"2001:db8:1cb:71::/72":         true, // bits 64 to 71 are not part of the IPv4 address
		"2001:db8:1cb:71::/64":         true,
		"64:ff9b::203.0.113.66":        true,
		"2002:cb00:7142::/48":          true,
		"2001:db8:65::203.0.113.66":    false,
	} {
		s := with(t, opt, `- {id: a, targets: [{address: "`+target+`", enforced_by: dns}]}`)
		if got := len(s.Held()) == 1; got != held {
			t.Errorf("%s: held is %t, %+v", target, got, s.Held())
		}
		again := Merge([]*Part{s.parts[0].Guarded(nil).Guarded(opt.Guard)}, opt)
		if len(again.Held()) != len(s.Held()) {
			t.Errorf("%s: held %v with another guard", target, again.Held())
		}
	}
}
