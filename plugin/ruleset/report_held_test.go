package ruleset

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// bank returns a guard for two names and a network. All names above and below the first
// name are protected. Names below the second name are not.
func bank(t testing.TB) Guard {
	t.Helper()
	name := func(s string) dname.Name {
		n, err := dname.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return &stubGuard{
		names: []protect{{name("bank.example"), false}, {name("only.example"), true}},
		nets:  []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}
}

// with compiles the orders into a set.
func with(t testing.TB, opt Options, orders string) *Set {
	t.Helper()
	b := NewBuilder("a.yaml", opt)
	text := "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n" + orders
	if _, ps := order.Parse("a.yaml", strings.NewReader(text), order.Options{Emit: b.Add}); len(ps.Errors()) > 0 {
		t.Fatal(ps)
	}
	p, _ := b.Freeze()
	return Merge([]*Part{p}, opt)
}

func heldList(s *Set) (out []string) {
	for _, h := range s.Held() {
		out = append(out, strings.TrimSpace(h.Order.ID+" "+h.Target))
	}
	return out
}

func TestHeld(t *testing.T) {
	for _, tc := range []struct {
		name, orders string
		opt          Options
		held         string
		state        State
		// targets has the number of targets in the state of the order, and the number of held
		// targets.
		targets [2]int
	}{
		{"nothing", "targets: [a.example]", Options{}, "", InForce, [2]int{1, 0}},
		{"one of two", "targets: [a.example, w.bank.example]", Options{}, "b w.bank.example", InForce, [2]int{1, 1}},
		{"all", "targets: [bank.example, example]", Options{}, "b example|b bank.example", OnHold, [2]int{2, 2}},
		{"all, not yet", "from: 2027-01-01, targets: [bank.example]", Options{}, "b bank.example", OnHold, [2]int{1, 1}},
		{"one of two, not yet", "from: 2027-01-01, targets: [a.example, bank.example]", Options{}, "b bank.example", Pending, [2]int{1, 1}},
		{"all, and over", "until: 2025-01-01, targets: [bank.example]", Options{}, "b bank.example", Ended, [2]int{1, 0}},
		{"below a name that is protected alone", "targets: [w.only.example, only.example]", Options{}, "b only.example", InForce, [2]int{1, 1}},
		{"by its base", `targets: ["*.example"]`, Options{}, "b *.example", OnHold, [2]int{1, 1}},
		{"forced", "force: {bank.example: reason}, targets: [bank.example]", Options{}, "", InForce, [2]int{1, 0}},
		{"forced, exact or not", "force: {bank.example: reason}, targets: [{name: bank.example, match: exact}]", Options{}, "", InForce, [2]int{1, 0}},
		{"the names below not forced", "force: {bank.example: reason}, targets: [{name: bank.example, match: exact}, \"*.bank.example\"]", Options{}, "b *.bank.example", InForce, [2]int{1, 1}},
		{"both forced", "force: {bank.example: reason, \"*.bank.example\": another}, targets: [bank.example, \"*.bank.example\"]", Options{}, "", InForce, [2]int{2, 0}},
		{"the subtree not forced", `force: {"*.bank.example": reason}, targets: ["*.bank.example", bank.example]`, Options{}, "b bank.example", InForce, [2]int{1, 1}},
		{"twice, at different times", "targets: [{name: bank.example, until: 2030-01-01}, {name: bank.example, from: 2031-01-01}, a.example]", Options{}, "b bank.example", InForce, [2]int{1, 1}},
		{"in shadow", "status: shadow, targets: [bank.example]", Options{}, "b bank.example", Shadow, [2]int{1, 0}},
		{"an address", "targets: [a.example, {address: 192.0.2.1, enforced_by: dns}]", Options{Addresses: true}, "b 192.0.2.1/32", InForce, [2]int{1, 1}},
		{"an address that routers see to", "targets: [a.example, {address: 192.0.2.1}]", Options{Addresses: true}, "", InForce, [2]int{1, 0}},
		{"an address that nobody looks at", "targets: [a.example, {address: 192.0.2.1, enforced_by: dns}]", Options{}, "", InForce, [2]int{1, 0}},
		{"an address, forced", "force: {192.0.2.1: reason}, targets: [{address: 192.0.2.1, enforced_by: dns}]", Options{Addresses: true}, "", InForce, [2]int{1, 0}},
		{"a redirect's", "response: {redirect: [198.51.100.1]}, targets: [a.example, {address: 198.51.100.0/24, enforced_by: dns}]", Options{Addresses: true}, "b 198.51.100.0/24", InForce, [2]int{1, 1}},
		{"a redirect's by default", "targets: [{address: 198.51.100.1, enforced_by: dns}]",
			Options{Addresses: true, Response: order.Response{Kind: order.Redirect, Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.1")}}}, "b 198.51.100.1/32", OnHold, [2]int{1, 1}},
		{"for a country", "scope: {countries: [IT]}, targets: [a.example]", Options{}, "", InForce, [2]int{1, 0}},
		{"for an unknown country", "scope: {countries: [IT]}, targets: [a.example]", Options{NoCountry: true}, "b", OnHold, [2]int{1, 1}},
		{"for clients too", "scope: {countries: [IT], clients: [10.0.0.0/8]}, targets: [a.example]", Options{NoCountry: true}, "", InForce, [2]int{1, 0}},
	} {
		tc.opt.Guard = bank(t)
		s := with(t, tc.opt, "- {id: b, "+tc.orders+"}\n")
		c := s.Counts(at(t, "2026-01-01"))
		if got := strings.Join(heldList(s), "|"); got != tc.held {
			t.Errorf("%s: held %q, want %q", tc.name, got, tc.held)
		}
		if c.Orders[tc.state] != 1 || c.Targets[tc.state] != tc.targets[0] || c.Targets[OnHold] != tc.targets[1] {
			t.Errorf("%s: want an order %s of %v targets, counts %+v", tc.name, tc.state, tc.targets, c)
		}
	}
}

// TestHeldPasses checks that a query for a protected name passes. An order can override
// the guard.
func TestHeldPasses(t *testing.T) {
	s := with(t, Options{Guard: bank(t)}, `
- {id: b, targets: [w.bank.example, a.example, only.example]}
- {id: f, force: {only.example: reason}, targets: [only.example]}
`)
	for name, want := range map[string]string{"w.bank.example.": "", "a.example.": "b", "only.example.": "f"} {
		got := ""
		if v := s.Decide(asked(t, name), Query{}); v.Blocked() {
			got = v.Order.ID
		}
		if got != want {
			t.Errorf("%s: blocked by %q, want %q", name, got, want)
		}
	}
	v, reasons := s.Explain(asked(t, "only.example."), Client{}, 0)
	if v.Order.ID != "f" || len(reasons) != 2 || reasons[1].Why != HeldBack || reasons[1].Held != "protects only.example" {
		t.Errorf("explained by %+v", reasons)
	}
	// Another guard needs no new compilation.
	s = Merge([]*Part{s.parts[0].Guarded(nil)}, Options{})
	if len(s.Held()) > 0 || !s.Decide(asked(t, "w.bank.example."), Query{}).Blocked() {
		t.Errorf("still held: %v", s.Held())
	}
}

// TestExplainNoCountry checks an order for some countries if the country of clients is
// unknown. The reason must be HeldBack and not OutOfScope.
func TestExplainNoCountry(t *testing.T) {
	s := with(t, Options{NoCountry: true}, "- {id: b, scope: {countries: [IT]}, targets: [a.example]}\n")
	if _, reasons := s.Explain(asked(t, "a.example."), Client{}, 0); len(reasons) != 1 || reasons[0].Why != HeldBack || reasons[0].Held != noCountry {
		t.Errorf("explained by %+v", reasons)
	}
}

// TestExplainCountryOfCaller checks the dates of an order for some countries. The server cannot
// find countries, but the caller of Explain gives a country.
func TestExplainCountryOfCaller(t *testing.T) {
	for dates, want := range map[string][2]order.Time{
		"":                                      {order.NoTime, Forever},
		"from: 2026-01-01, until: 2026-12-31, ": {at(t, "2026-01-01"), at(t, "2027-01-01")},
	} {
		s := with(t, Options{NoCountry: true}, "- {id: b, "+dates+"scope: {countries: [IT]}, targets: [a.example]}\n")
		_, reasons := s.Explain(asked(t, "a.example."), Client{Country: "IT"}, at(t, "2026-06-01"))
		if len(reasons) != 1 || reasons[0].Why != Decides || [2]order.Time{reasons[0].Since, reasons[0].Until} != want {
			t.Errorf("%q: explained by %+v, want Decides with since and until %d", dates, reasons, want)
		}
	}
}

// TestHeldWords checks the warning about a held target. The reason must fit after the word "it" in
// the sentence.
func TestHeldWords(t *testing.T) {
	s := with(t, Options{Guard: bank(t), Addresses: true},
		"- {id: b, response: {redirect: [198.51.100.1]}, targets: [{address: 198.51.100.0/24, enforced_by: dns}]}\n")
	warnings, _ := s.Warnings()
	const want = "the target is held and not enforced, because it has 198.51.100.1 in it, to which answers redirect;"
	if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), want) {
		t.Errorf("got %v", warnings)
	}
}

func TestShadowRedirects(t *testing.T) {
	orders := "- {id: b, targets: [{address: 198.51.100.1, enforced_by: dns}]}\n" +
		"- {id: s, status: %s, response: {redirect: [198.51.100.1]}, targets: [a.example]}\n"
	for status, held := range map[string][]string{"active": {"b 198.51.100.1/32"}, "shadow": nil, "draft": nil, "suspended": nil} {
		s := with(t, Options{Guard: bank(t), Addresses: true}, fmt.Sprintf(orders, status))
		if got := heldList(s); !slices.Equal(got, held) {
			t.Errorf("%s: held %q, want %q", status, got, held)
		}
	}
}

func TestDecideAddress(t *testing.T) {
	now := at(t, "2026-01-01")
	orders := `
- {id: wide, issued: 2025-01-01, targets: [{address: 198.51.100.0/24, enforced_by: dns, except: [free.example]}, w.example, lifted.example]}
- {id: narrow, issued: 2025-01-02, targets: [{address: 198.51.100.5, enforced_by: dns}]}
- {id: lift, action: lift, lifts: [wide], issued: 2025-01-03, targets: [{address: 198.51.100.128/25}, lifted.example, stray.example]}
- {id: six, targets: [{address: "2001:db8::/48", enforced_by: dns}]}
- {id: routers, targets: [{address: 203.0.113.1}, {address: 203.0.113.2, enforced_by: none}]}
`
	s := with(t, Options{Addresses: true}, orders)
	for _, tc := range []struct{ addr, asked, want string }{
		{"198.51.100.5", "www.example.", "narrow"},
		{"198.51.100.6", "www.example.", "wide"},
		{"::ffff:198.51.100.6", "www.example.", "wide"}, // an IPv4-mapped address is the IPv4 address
		{"198.51.100.200", "www.example.", ""},          // the lift applies without the field enforced_by
		{"198.51.101.1", "www.example.", ""},
		{"2001:db8::1", "www.example.", "six"},
		{"203.0.113.1", "www.example.", ""},
		{"203.0.113.2", "www.example.", ""},
		{"198.51.100.6", "x.free.example.", ""},
		{"198.51.100.6", "lifted.example.", ""},
		// The order has no target at this name. The lift therefore has no effect there.
		{"198.51.100.6", "stray.example.", "wide"},
		{"198.51.100.5", "free.example.", "narrow"}, // the exception is for another target
	} {
		v := s.DecideAddress(netip.MustParseAddr(tc.addr), Query{Now: now, QName: asked(t, tc.asked)})
		got := ""
		if v.Blocked() {
			got = v.Order.ID
		}
		if got != tc.want {
			t.Errorf("%s for %s: blocked by %q, want %q", tc.addr, tc.asked, got, tc.want)
		}
	}
	// The exception is for the network target. It is not for the name targets.
	if v := s.Decide(asked(t, "w.example."), Query{Now: now, QName: asked(t, "free.example.")}); !v.Blocked() {
		t.Error("the exception of one target applies to another target")
	}
	if s := with(t, Options{}, orders); s.DecideAddress(netip.MustParseAddr("198.51.100.5"), Query{Now: now}).Blocked() {
		t.Error("blocked though addresses are not judged")
	}
}

// TestQName checks an exception and a lift for the asked name. The names in the answer must then
// pass too.
func TestQName(t *testing.T) {
	now := at(t, "2026-01-01")
	s := with(t, Options{Guard: bank(t)}, `
- {id: b, issued: 2025-01-01, except: [free.example], targets: [cdn.example, lifted.example, once.example, far.example, {name: point.example, match: exact}, {name: own.example, except: [ours.example]}, whole.example]}
- {id: l, action: lift, lifts: [b], issued: 2025-02-01, until: 2026-02-01, targets: [lifted.example, {name: once.example, match: exact}, stray.example, point.example]}
- {id: o, issued: 2025-01-01, targets: [other.example, open.example]}
- {id: n, action: lift, issued: 2025-02-01, targets: [open.example]}
- {id: e, action: lift, lifts: [b], issued: 2025-02-01, targets: [far.example], except: [near.far.example]}
- {id: w, issued: 2025-01-01, targets: [wide.example]}
- {id: a, action: lift, lifts: [w], issued: 2025-02-01, except: [stays.wide.example]}
`)
	for _, tc := range []struct {
		asked, name string
		blocked     bool
	}{
		{"www.example.", "cdn.example.", true},
		{"x.free.example.", "cdn.example.", false},
		{"lifted.example.", "x.cdn.example.", false},
		{"once.example.", "cdn.example.", false},
		{"x.once.example.", "cdn.example.", true},
		{"stray.example.", "cdn.example.", true}, // the order has no target for the asked name
		{"point.example.", "cdn.example.", false},
		{"x.point.example.", "cdn.example.", true},
		{"open.example.", "other.example.", false},
		// Order b has no target for open.example.
		{"open.example.", "cdn.example.", true},
		{"far.example.", "cdn.example.", false},
		{"near.far.example.", "cdn.example.", true},
		{"far.example.", "wide.example.", false},
		{"far.example.", "stays.wide.example.", true},
		{"ours.example.", "own.example.", false},
		{"ours.example.", "cdn.example.", true},
		{"x.bank.example.", "cdn.example.", false},
		{"x.only.example.", "cdn.example.", true},
		{"only.example.", "cdn.example.", false},
	} {
		v := s.Decide(asked(t, tc.name), Query{Now: now, QName: asked(t, tc.asked)})
		if v.Blocked() != tc.blocked {
			t.Errorf("%s leads to %s: blocked %v", tc.asked, tc.name, v.Blocked())
		}
		if lifted := !tc.blocked && slices.Contains([]string{"lifted.example.", "once.example.", "point.example."}, tc.asked); lifted != (v.Until == at(t, "2026-02-02")) {
			t.Errorf("%s leads to %s: until %v", tc.asked, tc.name, v.Until)
		}
	}
}

func TestShadowShowsNothing(t *testing.T) {
	enforced := "- {id: b, targets: [example]}\n- {id: c, from: 2027-01-01, scope: {countries: [IT]}, targets: [a.example]}\n"
	var many strings.Builder
	for i := range maxBelow + 1 {
		fmt.Fprintf(&many, ", e%d.example", i)
	}
	now := at(t, "2026-01-01")
	want := set(t, enforced).Decide(asked(t, "example."), Query{Now: now})
	for _, shadow := range []string{
		"except: [x.a.example" + many.String() + "], targets: [b.example]",
		"response: nodata, targets: [a.example]",
		"targets: [{name: a.example, match: exact, except: [x.a.example]}]",
		"action: lift, lifts: [b], issued: 2025-01-01, until: 2026-03-01, targets: [a.example], except: [x.a.example]",
		"action: lift, lifts: [b], issued: 2025-01-01, until: 2026-03-01",
	} {
		got := set(t, enforced+"- {id: s, status: shadow, "+shadow+"}\n").Decide(asked(t, "example."), Query{Now: now})
		if got.Order == nil || got.Order.ID != "b" || got.Subtree != want.Subtree || got.Until != want.Until || got.CountryDependent != want.CountryDependent {
			t.Errorf("%.40s: got %+v, want %+v", shadow, got, want)
		}
	}
}
