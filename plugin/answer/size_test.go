package answer

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

var longest = strings.Repeat(strings.Repeat("xY", 31)+".", 3) + strings.Repeat("Z", 60) + ".Q."

// wordy adds long texts to an order.
func wordy(v *ruleset.Verdict, terms *order.Terms) {
	terms.Justification = strings.Repeat("Because. ", 40)
	terms.Organization = "Example Networks"
	terms.Contact = []string{"mailto:abuse@isp.example"}
	v.Order.FilteringDatabases = []order.FilteringDatabase{{DB: "lumen", ID: "123"}}
	v.Order.Reference = strings.Repeat("914/2719 ", 60)
}

// uncontactable removes the contacts of an order.
func uncontactable(_ *ruleset.Verdict, terms *order.Terms) { terms.Contact = nil }

func unlisted(v *ruleset.Verdict, _ *order.Terms) { v.Order.FilteringDatabases = nil }

func level(t testing.TB, m *dns.Msg) int {
	t.Helper()
	e := ede(t, m)
	switch {
	case m.Truncated:
		return 4
	case e == nil:
		return 3
	case e.ExtraText == "":
		return 2
	case strings.HasPrefix(e.ExtraText, "{"):
		checkObject(t, e.ExtraText)
		if !strings.Contains(e.ExtraText, `"j":`) {
			return 1
		}
	}
	return 0
}

func asWriter(t testing.TB, m *dns.Msg, size int) []byte {
	t.Helper()
	before := brief(t, m)
	tc := m.Truncated
	m.Truncate(size)
	if after := brief(t, m); after != before || m.Truncated != tc {
		t.Fatalf("size %d: the writer cut\n%s to\n%s", size, before, after)
	}
	return pack(t, m)
}

func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		what   string
		v      ruleset.Verdict
		q      *dns.Msg
		levels []int // the levels that must occur
	}{
		{"structured", verdict(order.NXDOMAIN, wordy), query(t, "www.example.com.", dns.TypeA, signal), []int{0, 1, 2, 3}},
		{"structured, no contact", verdict(order.NXDOMAIN, wordy, uncontactable), query(t, "www.example.com.", dns.TypeA, signal), []int{0, 1, 2, 3}},
		{"structured, prose only", verdict(order.NXDOMAIN, wordy, uncontactable, unlisted), query(t, "www.example.com.", dns.TypeA, signal), []int{0, 2, 3}},
		{"structured, longest name", verdict(order.NODATA, wordy), query(t, longest, dns.TypeA, signal), []int{0, 1, 2, 3}},
		{"structured, longest name, sealed", verdict(order.NODATA, wordy, disclosure(order.Code)), query(t, longest, dns.TypeA, signal), []int{2, 3}},
		{"structured, refused", verdict(order.Refused, wordy), query(t, longest, dns.TypeA, signal), []int{0, 1, 2, 3}},
		{"sentence", verdict(order.NXDOMAIN, wordy), query(t, "www.example.com.", dns.TypeA, edns), []int{0, 2, 3}},
		{"sentence, longest name", verdict(order.NXDOMAIN, wordy), query(t, longest, dns.TypeA, edns), []int{0, 2, 3}},
		{"sentence, redirect", verdict(order.Redirect, wordy), query(t, longest, dns.TypeA, edns), []int{0, 2, 3}},
		{"no EDNS", verdict(order.NXDOMAIN, wordy), query(t, longest, dns.TypeA), []int{3}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			seen := make(map[int]int) // the largest size for each level
			last := 0
			for size := 2000; size >= 0; size-- {
				m := Build(tt.q, size, tt.v, now, config())
				if n := len(asWriter(t, m.Copy(), size)); n > max(size, dns.MinMsgSize) {
					t.Fatalf("size %d: %d octets", size, n)
				}
				n := len(pack(t, m))
				l := level(t, m)
				if l < last {
					t.Fatalf("size %d says more than size %d", size, size+1)
				}
				if last = l; seen[l] == 0 {
					seen[l] = size
				}
				if m.Truncated {
					t.Fatalf("size %d: TC", size)
				}
				if soa := len(m.Ns) == 1; soa != (m.Rcode == dns.RcodeNameError || m.Rcode == 0 && len(m.Answer) == 0) {
					t.Fatalf("size %d: SOA %t\n%v", size, soa, m)
				}
				if n > size && l != 3 {
					t.Fatalf("size %d: %d octets, but there was more to drop", size, n)
				}
			}
			if len(seen) != len(tt.levels) {
				t.Errorf("levels %v, want %v", seen, tt.levels)
			}
			for i, l := range tt.levels {
				if seen[l] == 0 {
					t.Errorf("level %d was left out: %v", l, seen)
				}
				if i+1 < len(tt.levels) {
					size := seen[tt.levels[i+1]] + 1
					if n := len(pack(t, Build(tt.q, size, tt.v, now, config()))); n != size {
						t.Errorf("level %d was given up below %d octets, but takes only %d", l, size, n)
					}
				}
			}
		})
	}
}

func TestTruncate(t *testing.T) {
	var addrs []netip.Addr
	for a := v4; len(addrs) < 100; a = a.Next() {
		addrs = append(addrs, a)
	}
	v := verdict(order.Redirect, to(addrs...))
	full := 12 + 4 + 17 + 100*16
	for _, tt := range []struct {
		what    string
		edit    func(*dns.Msg)
		size    int
		answers int
		tc, opt bool
	}{
		{"all", edns, full + 11 + 6 + 32, 100, false, true},
		{"without the text", edns, full + 11 + 6 + 31, 100, false, true},
		{"without the option", edns, full + 11, 100, false, true},
		{"too many", edns, full + 10, 99, true, true},
		{"no EDNS, all", func(*dns.Msg) {}, full, 100, false, false},
		{"no EDNS", func(*dns.Msg) {}, 512, 29, true, false},
		{"less than 512", func(*dns.Msg) {}, 0, 29, true, false},
		{"a size that DNS has not", edns, 1 << 20, 100, false, true},
	} {
		m := Build(query(t, "www.example.com.", dns.TypeA, tt.edit), tt.size, v, now, config())
		if len(m.Answer) != tt.answers || m.Truncated != tt.tc || (m.IsEdns0() != nil) != tt.opt {
			t.Errorf("%s: %d answers, TC %t, OPT %v", tt.what, len(m.Answer), m.Truncated, m.IsEdns0())
		}
		if tt.tc && ede(t, m) != nil {
			t.Errorf("%s: cut the answer, not its explanation", tt.what)
		}
		if n := len(asWriter(t, m, tt.size)); n > max(tt.size, 512) {
			t.Errorf("%s: %d octets for %d", tt.what, n, tt.size)
		}
	}
}

func TestHugeText(t *testing.T) {
	for _, n := range []int{65_000, 65_500, 65_530, 65_536, 70_000, 140_000} {
		v := verdict(order.NXDOMAIN, func(v *ruleset.Verdict, terms *order.Terms) {
			v.Order.Reference = strings.Repeat("x", n)
			terms.Justification = v.Order.Reference
		})
		for _, edit := range []func(*dns.Msg){edns, signal} {
			for _, size := range []int{dns.MaxMsgSize, 1 << 20} {
				m := Build(query(t, "www.example.com.", dns.TypeA, edit), size, v, now, config())
				b := asWriter(t, m, dns.MaxMsgSize)
				got := new(dns.Msg)
				if err := got.Unpack(b); err != nil || len(b) > dns.MaxMsgSize {
					t.Fatalf("%d octets of text: %d packed, %v", n, len(b), err)
				}
				if e := ede(t, got); e == nil || (e.ExtraText == "") != (n > 65_400) {
					t.Errorf("%d octets of text for %d: kept %d", n, size, len(e.ExtraText))
				}
			}
		}
	}
}

func TestSentenceStandsIn(t *testing.T) {
	long := func(_ *ruleset.Verdict, terms *order.Terms) {
		terms.Justification, terms.Language, terms.Organization = strings.Repeat("Weil. ", 500), "de", "Beispiel"
	}
	for what, tt := range map[string]struct {
		edit []func(*ruleset.Verdict, *order.Terms)
		want string
	}{
		"nothing else": {nil, `{"j":"Blocked by order 914/2719 of NCU","l":"en"}`},
		"a database":   {[]func(*ruleset.Verdict, *order.Terms){listed}, `{"j":"Blocked by order 914/2719 of NCU","l":"en","fdbs":[{"db":"lumen","id":"1"}]}`},
		"a contact":    {[]func(*ruleset.Verdict, *order.Terms){contact}, `{"c":["tel:+1"]}`},
	} {
		v := verdict(order.NXDOMAIN, append(tt.edit, long)...)
		m := Build(query(t, "www.example.com.", dns.TypeA, signal), 1232, v, now, config())
		if e := ede(t, m); e == nil || e.ExtraText != tt.want {
			t.Errorf("%s: got %v, want %s", what, e, tt.want)
		}
	}
}

func listed(v *ruleset.Verdict, _ *order.Terms) {
	v.Order.FilteringDatabases = []order.FilteringDatabase{{DB: "lumen", ID: "1"}}
}

func contact(_ *ruleset.Verdict, terms *order.Terms) { terms.Contact = []string{"tel:+1"} }
