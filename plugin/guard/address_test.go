package guard

import (
	"net/netip"
	"testing"
)

func addresses(t testing.TB, in map[string]string) map[string]netip.Prefix {
	t.Helper()
	out := map[string]netip.Prefix{}
	for k, s := range in {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			t.Fatal(err)
		}
		out[k] = p
	}
	return out
}

func TestAddress(t *testing.T) {
	g := New(
		mustParse(t, "protect.txt", "1.1.1.1\n8.8.8.0/24\n2606:4700::/32\n2606:4700:4700::/48\n10.1.0.0/16\n"),
		mustParse(t, "more.txt", "104.16.0.0/13\n8.8.8.0/24\n"),
	)
	for _, tt := range []struct{ net, want string }{
		{"93.184.215.14/32", ""},
		{"93.184.215.0/24", ""},
		{"93.184.215.14/24", ""}, // the host bits are ignored
		{"203.0.113.200/24", "is special-use (203.0.113.0/24, RFC 5737: documentation)"},
		{"2606:2800:21f::/48", ""},
		{"2606:2800:21f::1/128", ""},

		{"93.184.214.0/23", "is wider than /24"},
		{"2606:2800:21e::/47", "is wider than /48"},
		{"0.0.0.0/0", "is wider than /24, is special-use (0.0.0.0/8, RFC 791: this network), contains a protected address (protect.txt:1: 1.1.1.1)"},

		{"10.0.0.1/32", "is special-use (10.0.0.0/8, RFC 1918: private use)"},
		{"172.31.255.0/24", "is special-use (172.16.0.0/12, RFC 1918: private use)"},
		{"172.32.0.0/24", ""},
		{"192.168.1.0/24", "is special-use (192.168.0.0/16, RFC 1918: private use)"},
		{"100.127.0.0/24", "is special-use (100.64.0.0/10, RFC 6598: shared address space)"},
		{"127.0.0.53/32", "is special-use (127.0.0.0/8, RFC 1122: loopback)"},
		{"192.0.2.1/32", "is special-use (192.0.2.0/24, RFC 5737: documentation)"},
		{"224.0.0.251/32", "is special-use (224.0.0.0/4, RFC 5771: multicast)"},
		{"255.255.255.255/32", "is special-use (240.0.0.0/4, RFC 1112: reserved)"},
		{"198.19.255.0/24", "is special-use (198.18.0.0/15, RFC 2544: benchmarking)"},
		{"::1/128", "is special-use (::/96, RFC 4291: unspecified, loopback, IPv4-compatible)"},
		{"64:ff9b::1.2.3.4/128", "is special-use (64:ff9b::/96, RFC 6052: IPv4/IPv6 translation)"},
		{"2001::/48", "is special-use (2001::/23, RFC 2928: protocol assignments)"},
		{"2001:20::/48", "is special-use (2001::/23, RFC 2928: protocol assignments)"},
		{"2001:db8::/48", "is special-use (2001:db8::/32, RFC 3849: documentation)"},
		{"fd00::1/128", "is special-use (fc00::/7, RFC 4193: unique local)"},
		{"fe80::1/128", "is special-use (fe80::/10, RFC 4291: link local)"},
		{"ff02::fb/128", "is special-use (ff00::/8, RFC 4291: multicast)"},

		{"::ffff:93.184.215.14/128", ""},
		{"::ffff:93.184.215.0/120", ""},
		{"::ffff:93.184.0.0/112", "is wider than /24"},
		{"::ffff:10.0.0.1/128", "is special-use (10.0.0.0/8, RFC 1918: private use)"},
		{"::ffff:0:0/95", "is special-use (::ffff:0.0.0.0/96, RFC 4291: IPv4-mapped)"},

		{"1.1.1.1/32", "is protected (protect.txt:1: 1.1.1.1)"},
		{"1.1.1.2/32", ""},
		{"1.1.1.0/24", "contains a protected address (protect.txt:1: 1.1.1.1)"},
		{"1.1.1.77/24", "contains a protected address (protect.txt:1: 1.1.1.1)"},
		{"8.8.8.8/32", "is protected (protect.txt:2: 8.8.8.0/24)"},
		{"104.17.1.1/32", "is protected (more.txt:1: 104.16.0.0/13)"},
		{"2606:4700:4700::1111/128", "is protected (protect.txt:4: 2606:4700:4700::/48)"},
		{"2606:4700:1::/48", "is protected (protect.txt:3: 2606:4700::/32)"},
		{"10.1.2.3/32", "is special-use (10.0.0.0/8, RFC 1918: private use), is protected (protect.txt:5: 10.1.0.0/16)"},
	} {
		p, err := netip.ParsePrefix(tt.net)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Address(p); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.net, got, tt.want)
		}
	}
	if got := New().Address(netip.Prefix{}); got != "is not a network" {
		t.Errorf("the zero Prefix: %q", got)
	}
}

func TestSpecialNets(t *testing.T) {
	for i, s := range specialNets {
		if s.net.Masked() != s.net {
			t.Errorf("%s has host bits", s.net)
		}
		for _, o := range specialNets[:i] {
			if o.net.Overlaps(s.net) {
				t.Errorf("%s and %s overlap", o.net, s.net)
			}
		}
	}
}

func overlap(a, b netip.Prefix) bool {
	if a.Addr().BitLen() != b.Addr().BitLen() {
		return false
	}
	x, y := a.Addr().AsSlice(), b.Addr().AsSlice()
	for i := range min(a.Bits(), b.Bits()) {
		if (x[i/8]^y[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}

func FuzzAddress(f *testing.F) {
	protect := mustParse(f, "p", "1.1.1.1\n8.8.8.0/24\n8.8.0.0/16\n2606:4700::/32\n2606:4700:4700::/48\n::/0\n")
	g := New(protect)
	for _, s := range []string{"1.1.1.1/32", "1.1.1.0/24", "8.8.8.8/32", "8.0.0.0/8", "10.0.0.0/8", "::/0", "2606::/16", "::ffff:1.1.1.1/128", "::ffff:0:0/96"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		isProtected, isSpecial := false, false
		for _, e := range protect.entries {
			isProtected = isProtected || overlap(e.net, p)
		}
		for _, n := range specialNets {
			isSpecial = isSpecial || overlap(n.net, p)
		}
		wide := p.Bits() < 24 || p.Addr().Is6() && p.Bits() < 48
		if got := g.Address(p); got != "" != (wide || isSpecial || isProtected) {
			t.Errorf("%s: %q, but wide %v, special %v, protected %v", p, got, wide, isSpecial, isProtected)
		}
		if got := New().Address(p); got != "" != (wide || isSpecial) {
			t.Errorf("%s: built in: %q, but wide %v, special %v", p, got, wide, isSpecial)
		}
	})
}
