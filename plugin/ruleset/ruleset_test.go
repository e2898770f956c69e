package ruleset

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// part compiles the orders of a file. The text is only the list of orders, without the
// head of the file.
func part(t testing.TB, path, orders string) *Part {
	t.Helper()
	b := NewBuilder(path, Options{})
	text := "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n" + orders
	if _, ps := order.Parse(path, strings.NewReader(text), order.Options{Emit: b.Add}); len(ps.Errors()) > 0 {
		t.Fatal(ps)
	}
	p, _ := b.Freeze()
	return p
}

func set(t testing.TB, orders string) *Set {
	return Merge([]*Part{part(t, "a.yaml", orders)}, Options{})
}

func asked(t testing.TB, name string) *QName {
	t.Helper()
	q := &QName{}
	if !q.Set(name) {
		t.Fatalf("%q is not a name", name)
	}
	return q
}

// at returns the first second of a date.
func at(t testing.TB, s string) order.Time {
	t.Helper()
	d := set(t, "- {id: x, issued: "+s+", targets: [a.example]}")
	return d.parts[0].entries.at(0).issued()
}

// TestPassedForQName checks names that pass only because of the asked name. A cache must not use
// the verdict for other asked names.
func TestPassedForQName(t *testing.T) {
	s := Merge([]*Part{part(t, "a.yaml", `
- {id: x, targets: [bad.example, freed.example], except: [spared.example]}
- {id: y, issued: 2024-01-01, targets: [bad.example, own.example, freed.example], except: [spared.example, but.bad.example]}
- {id: l, action: lift, lifts: [x, y], issued: 2024-01-02, targets: [freed.example, free.own.example, stray.example]}
- {id: z, targets: [other.example]}
- {id: d, status: draft, targets: [draft.example], except: [spared.example]}
`)}, Options{Guard: protects{"protected.example"}})
	for _, tc := range []struct {
		asked, name     string
		blocked, spared bool
	}{
		{"spared.example", "www.bad.example", false, true},
		{"freed.example", "bad.example", false, true},
		{"freed.example", "own.example", false, true},
		{"stray.example", "bad.example", true, false}, // the lift has no effect at the asked name
		{"protected.example", "bad.example", false, true},
		{"any.example", "bad.example", true, false},
		{"any.example", "free.own.example", false, false},
		{"freed.example", "free.own.example", false, false},
		{"spared.example", "other.example", true, false},
		{"spared.example", "draft.example", false, false},
		{"protected.example", "unordered.example", false, false},
		{"protected.example", "draft.example", false, false},
		{"protected.example", "free.own.example", false, false},
	} {
		v := s.Decide(asked(t, tc.name), Query{Now: at(t, "2025-01-01"), QName: asked(t, tc.asked)})
		if v.Blocked() != tc.blocked || v.PassedForQName != tc.spared {
			t.Errorf("%s leads to %s: blocked %v, spared %v, want %v, %v", tc.asked, tc.name, v.Blocked(), v.PassedForQName, tc.blocked, tc.spared)
		}
	}
}

// protects is a guard that protects one asked name. It protects no targets of orders.
type protects struct{ name string }

func (protects) Name(*dname.Wire) string        { return "" }
func (protects) Address(netip.Prefix) string    { return "" }
func (p protects) Protected(w *dname.Wire) bool { return w.Name().String() == p.name }

func TestHistory(t *testing.T) {
	for _, tc := range []struct {
		name, first, second string // the dates of the block order are first, and the dates of the lift are second
		blocked             bool
	}{
		{"lifted later", "issued: 2024-04-05", "issued: 2024-06-26", false},
		{"lifted before it was blocked again", "issued: 2024-07-19", "issued: 2024-06-26", true},
		{"place is issued, not from", "issued: 2024-07-19, from: 2024-01-01", "issued: 2024-06-26, from: 2024-08-01", true},
		{"without issued it is from", "from: 2024-07-19", "from: 2024-07-20", false},
		{"without both it is served", "served: 2024-07-19", "served: 2024-07-20", false},
		{"a block without a place is out of reach", "note: x", "issued: 2024-06-26", true},
		{"equal places go by from", "issued: 2024-01-01, from: 2024-01-02", "issued: 2024-01-01, from: 2024-01-03", false},
		{"equal places go by from, the other way", "issued: 2024-01-01, from: 2024-01-03", "issued: 2024-01-01, from: 2024-01-02", true},
		{"no from is before any from", "issued: 2024-01-01, from: 2024-01-03", "issued: 2024-01-01", true},
		{"then by the order in the file", "issued: 2024-01-01", "issued: 2024-01-01", false},
	} {
		block := "- {id: block, " + tc.first + ", targets: [a.example]}\n"
		lift := "- {id: lift, action: lift, " + tc.second + ", targets: [a.example]}\n"
		now := at(t, "2026-01-01")
		if got := set(t, block+lift).Decide(asked(t, "a.example."), Query{Now: now}).Blocked(); got != tc.blocked {
			t.Errorf("%s: blocked %v, want %v", tc.name, got, tc.blocked)
		}
		// If each order has its own file, only the result for equal dates is different.
		want := tc.blocked && !strings.HasPrefix(tc.name, "then by")
		s := Merge([]*Part{part(t, "b.yaml", lift), part(t, "a.yaml", block)}, Options{})
		if got := s.Decide(asked(t, "a.example."), Query{Now: now}).Blocked(); got != want {
			t.Errorf("%s, in two files: blocked %v, want %v", tc.name, got, want)
		}
		// A lift that lists the id of the order ends the order, whatever the dates are.
		byID := "- {id: lift, action: lift, lifts: [block], " + tc.second + ", targets: [a.example]}\n"
		if set(t, block+byID).Decide(asked(t, "a.example."), Query{Now: now}).Blocked() {
			t.Errorf("%s: a lift by id does not reach the order", tc.name)
		}
	}
}

func TestOtherAuthority(t *testing.T) {
	for _, tc := range []struct {
		authority string
		blocked   bool
	}{
		{"{name: NCU, country: UA}", false},
		{`{name: "  NCU ", country: ua, kind: court}`, false}, // the kind is not compared
		{"{name: NCU}", true},
		{"{name: ncu, country: UA}", true},
	} {
		s := set(t, "- {id: b, issued: 2024-01-01, authority: {name: NCU, country: UA}, targets: [a.example]}\n"+
			"- {id: l, action: lift, issued: 2024-01-02, authority: "+tc.authority+", targets: [a.example]}\n")
		if got := s.Decide(asked(t, "a.example."), Query{Now: at(t, "2026-01-01")}).Blocked(); got != tc.blocked {
			t.Errorf("%s: blocked %v", tc.authority, got)
		}
	}
}

func TestPrecedence(t *testing.T) {
	now := at(t, "2026-01-01")
	for _, tc := range []struct{ name, orders, want string }{
		{"longest target", "- {id: a, targets: [example]}\n- {id: b, targets: [a.example]}", "b"},
		{"longest target even when newer", "- {id: a, issued: 2020-01-01, targets: [example]}\n- {id: b, issued: 2025-01-01, targets: [a.example]}", "b"},
		{"exact before subtree", "- {id: a, targets: [a.example]}\n- {id: b, targets: [{name: a.example, match: exact}]}", "b"},
		{"subtree before mask", `- {id: a, targets: ["*.example"]}` + "\n- {id: b, targets: [example]}", "b"},
		{"earliest issued", "- {id: a, issued: 2025-01-01, targets: [a.example]}\n- {id: b, issued: 2024-01-01, targets: [a.example]}", "b"},
		{"not issued is last", "- {id: a, targets: [a.example]}\n- {id: b, issued: 2024-01-01, targets: [a.example]}", "b"},
		{"smallest id, bytewise", "- {id: a, targets: [a.example]}\n- {id: B, targets: [a.example]}", "B"},
		{"one that ended does not count", "- {id: a, until: 2025-01-01, targets: [a.example]}\n- {id: b, targets: [example]}", "b"},
	} {
		if v := set(t, tc.orders).Decide(asked(t, "a.example."), Query{Now: now}); v.Order == nil || v.Order.ID != tc.want {
			t.Errorf("%s: got %+v, want %s", tc.name, v.Order, tc.want)
		}
		// The result must not change if each order is in a segment of its own.
		var segments []*Part
		for i, o := range strings.Split(tc.orders, "\n") {
			segments = append(segments, part(t, fmt.Sprint(i, ".yaml"), o))
		}
		s := Merge(segments, Options{})
		s.segments = segments
		if v := s.Decide(asked(t, "a.example."), Query{Now: now}); v.Order == nil || v.Order.ID != tc.want {
			t.Errorf("%s, in segments: got %+v, want %s", tc.name, v.Order, tc.want)
		}
	}
}

// TestManyBelow checks a name with many exceptions below it. If there are more than
// maxBelow, the outcome must be SubtreePasses.
func TestManyBelow(t *testing.T) {
	for _, tc := range []struct {
		exceptions int
		want       SubtreeOutcome
	}{{0, SubtreeNXDOMAIN}, {1, SubtreePasses}, {maxBelow + 10, SubtreePasses}} {
		var b strings.Builder
		b.WriteString("- {id: a, targets: [example]}\n- {id: b, targets: [x.example], scope: {countries: [IT]}, except: [z.x.example")
		for i := range tc.exceptions {
			fmt.Fprintf(&b, ", e%d.example", i)
		}
		b.WriteString("]}\n")
		s := set(t, b.String())
		// The exceptions are for order b, so order a still blocks all names. Only the
		// limit causes SubtreePasses.
		want := tc.want
		if tc.exceptions <= maxBelow {
			want = SubtreeNXDOMAIN
		}
		if v := s.Decide(asked(t, "example."), Query{}); v.Subtree != want {
			t.Errorf("%d exceptions: below %v, want %v", tc.exceptions, v.Subtree, want)
		}
	}
}

func TestCountsAndTransitions(t *testing.T) {
	s := set(t, `
- {id: now, targets: [a.example, b.example, {address: 192.0.2.1}]}
- {id: soon, from: 2026-03-01, targets: [c.example]}
- {id: over, until: 2025-12-31, targets: [d.example]}
- {id: held-by-operator, status: suspended, targets: [e.example]}
- {id: draft, status: draft, targets: [f.example]}
- {id: shadow, status: shadow, targets: [g.example]}
- {id: whole, issued: 2025-01-01, targets: [h.example]}
- {id: lift, action: lift, issued: 2025-02-01, until: 2026-01-31, lifts: [whole]}
- {id: match, windows: [{from: 2026-02-01, until: 2026-02-01}, {from: 2026-04-01, until: 2026-04-01}], targets: [i.example]}
`)
	january, april := at(t, "2026-01-15"), at(t, "2026-04-01")
	c := s.Counts(january)
	for state, want := range map[State][2]int{InForce: {1, 2}, Pending: {2, 2}, Ended: {1, 1}, Suspended: {1, 1}, Draft: {1, 1}, Shadow: {1, 1}, Lifted: {1, 1}} {
		if got := [2]int{c.Orders[state], c.Targets[state]}; got != want {
			t.Errorf("%s: %v orders and targets, want %v", state, got, want)
		}
	}
	if c.Lifts[InForce] != 1 || c.NotDNS != 1 {
		t.Errorf("%d lifts in force, %d targets not for DNS", c.Lifts[InForce], c.NotDNS)
	}
	if next := s.NextChange(january); next != at(t, "2026-02-01") {
		t.Errorf("next change %v", next)
	}
	var got []string
	for _, x := range s.Transitions(january, april) {
		got = append(got, fmt.Sprint(x.Order.ID, " ", x.From, " ", x.To))
	}
	want := "soon pending in_force|whole lifted in_force|lift in_force ended|match pending in_force"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}

func TestExplain(t *testing.T) {
	s := set(t, `
- {id: far, targets: [example]}
- {id: near, targets: [a.example], until: 2027-01-01, from: 2025-01-01}
- {id: lifted, issued: 2024-01-01, targets: [a.example]}
- {id: lift, action: lift, lifts: [lifted], issued: 2024-01-02, targets: [a.example]}
- {id: exact, targets: [{name: example, match: exact}]}
- {id: italy, scope: {countries: [IT]}, targets: [a.example]}
- {id: hole, targets: [a.example], except: [w.a.example]}
- {id: free, targets: [a.example], exempt: [192.0.2.1]}
- {id: off, status: suspended, targets: [a.example]}
- {id: dark, status: shadow, targets: [a.example]}
- {id: dim, targets: [{name: a.example, status: shadow}]}
- {id: later, from: 2026-06-01, targets: [a.example]}
- {id: over, until: 2025-06-01, targets: [a.example]}
`)
	client := Client{Addr: netip.MustParseAddr("192.0.2.1")}
	v, reasons := s.Explain(asked(t, "w.a.example."), client, at(t, "2026-01-01"))
	if v.Order == nil || v.Order.ID != "near" {
		t.Fatalf("decided by %+v", v.Order)
	}
	names := [...]string{"decides", "outranked", "not active", "not yet", "over", "out of scope", "exempt", "excepted", "lifted", "other name", "held", "shadow"}
	got := map[string]string{}
	for i, r := range reasons {
		got[r.Order.ID] = names[r.Why]
		if by := r.By; by != nil {
			got[r.Order.ID] += " by " + by.ID
		}
		// The order "near" decides until the order "later" begins. The id "later" comes before the
		// id "near", so "later" then has precedence.
		if i == 0 && (r.Order.ID != "near" || r.Since != at(t, "2025-01-01") || r.Until != at(t, "2026-06-01")) {
			t.Errorf("first reason %+v", r)
		}
	}
	want := map[string]string{
		"near": "decides", "far": "outranked by near", "lifted": "lifted by lift", "exact": "other name", "italy": "out of scope",
		"hole": "excepted", "free": "exempt", "off": "not active", "dark": "shadow", "dim": "shadow", "later": "not yet", "over": "over",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestDuplicates(t *testing.T) {
	a := part(t, "a.yaml", "- {id: x, targets: [a.example]}\n- {id: y, targets: [a.example]}\n")
	b := part(t, "b.yaml", "- {id: z, targets: [a.example]}\n- {id: y, disclosure: none, targets: [a.example]}\n")
	ps := Duplicates(b, []*Part{a})
	if len(ps) != 1 || ps[0].Line != 5 || !strings.Contains(ps[0].Error(), `order "y": id: is used by an order of another file, a.yaml`) || !ps[0].Sealed {
		t.Errorf("got %v", ps)
	}
	if ps := Duplicates(a, []*Part{part(t, "c.yaml", "- {id: q, targets: [a.example]}\n")}); len(ps) != 0 {
		t.Errorf("got %v", ps)
	}
}

func TestCompareAndLost(t *testing.T) {
	before := part(t, "a.yaml", "- {id: a, targets: [a.example, b.example]}\n- {id: b, targets: [c.example]}\n- {id: c, until: 2020-01-01, targets: [d.example]}\n")
	after := part(t, "a.yaml", "- {id: a, targets: [a.example, e.example, f.example]}\n- {id: n, status: draft, targets: [c.example]}\n")
	if d := Compare(before, after, 20); d.Added != 1 || d.Removed != 2 || d.Changed != 1 || len(d.orders) != 4 {
		t.Errorf("got %+v", d)
	}
	if d := Compare(nil, before, 2); d.Added != 3 || d.Removed+d.Changed != 0 || len(d.orders) != 2 {
		t.Errorf("new: got %+v", d)
	}
	// b.example is lost. c.example is still in the file, as a draft. d.example was not in
	// force.
	now := at(t, "2026-01-01")
	if before.BlockedAt(now) != 3 || before.TargetsLost(after, now) != 1 {
		t.Errorf("in force %d, lost %d", before.BlockedAt(now), before.TargetsLost(after, now))
	}
}

func TestWarnings(t *testing.T) {
	for _, tc := range []struct{ name, a, b, want string }{
		{"a lift that works", "- {id: b, issued: 2024-01-01, targets: [a.example]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [a.example]}", ""},
		{"a lift of a part", "- {id: b, issued: 2024-01-01, targets: [example]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [a.example]}", ""},
		{"a lift from above", "- {id: b, issued: 2024-01-01, targets: [x.a.example]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [example]}", ""},
		{"too early", "- {id: b, issued: 2024-01-03, targets: [a.example]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [a.example]}", "reaches nothing"},
		{"another name", "- {id: b, issued: 2024-01-01, targets: [b.example]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [a.example]}", "reaches nothing"},
		{"unknown id", "- {id: b, issued: 2024-01-01, targets: [a.example]}", "- {id: l, action: lift, issued: 2024-01-02, lifts: [c]}", "not in the set"},
		{"whole", "- {id: b, issued: 2024-01-01, targets: [a.example]}", "- {id: l, action: lift, issued: 2024-01-02, lifts: [b]}", ""},
		{"an address", "- {id: b, issued: 2024-01-01, targets: [{address: 198.51.100.1, enforced_by: dns}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [{address: 198.51.100.1}]}", ""},
		{"an address of a network", "- {id: b, issued: 2024-01-01, targets: [{address: 198.51.100.0/24, enforced_by: dns}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [{address: 198.51.100.1}]}", ""},
		{"a network with an address", "- {id: b, issued: 2024-01-01, targets: [{address: 198.51.100.1, enforced_by: dns}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [{address: 198.51.100.0/24}]}", ""},
		{"another address", "- {id: b, issued: 2024-01-01, targets: [{address: 198.51.100.1, enforced_by: dns}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [{address: 198.51.100.2}]}", "reaches nothing"},
		{"an address, too early", "- {id: b, issued: 2024-01-03, targets: [{address: 198.51.100.1, enforced_by: dns}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [{address: 198.51.100.1}]}", "reaches nothing"},
		{"another name and an address", "- {id: b, issued: 2024-01-01, targets: [{address: 198.51.100.1, enforced_by: dns}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [typo.example, {address: 198.51.100.1}]}", ""},
		{"an address for routers, which is not kept", "- {id: c, issued: 2024-01-04, targets: [{address: 198.51.100.1}]}\n- {id: b, issued: 2024-01-01, targets: [{address: 198.51.100.1}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [{address: 198.51.100.1}]}", ""},
		{"an address for routers, by id", "- {id: b, targets: [{address: 198.51.100.1}]}", "- {id: l, action: lift, issued: 2024-01-02, lifts: [b], targets: [{address: 198.51.100.1}]}", ""},
		{"an address for routers, too early", "- {id: b, issued: 2024-01-03, targets: [{address: 198.51.100.1}]}", "- {id: l, action: lift, issued: 2024-01-02, targets: [{address: 198.51.100.1}]}", "reaches nothing"},
		{"same day in two files", "- {id: b, issued: 2024-01-01, targets: [a.example]}", "- {id: l, action: lift, issued: 2024-01-01, targets: [a.example]}", "the lift has the same time as an order"},
		{"same day in two files, other names", "- {id: b, issued: 2024-01-01, targets: [a.example]}\n- {id: c, issued: 2023-01-01, targets: [c.example]}", "- {id: l, action: lift, issued: 2024-01-01, targets: [c.example]}", ""},
	} {
		s := Merge([]*Part{part(t, "a.yaml", tc.a+"\n"), part(t, "b.yaml", tc.b+"\n")}, Options{Addresses: true})
		warnings, count := s.Warnings()
		got := warnings.Error()
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
		if useless := count > 0; useless != (tc.want == "reaches nothing" || tc.want == "not in the set") {
			t.Errorf("%s: useless %v", tc.name, useless)
		}
	}
}

func TestSegments(t *testing.T) {
	big := func(path string) *Part {
		b := NewBuilder(path, Options{})
		o := &order.Order{ID: path, Terms: &order.Terms{TTL: -1, Scope: &order.Scope{Global: true}}, Issued: order.NoTime, From: order.NoTime, Until: order.NoTime, Served: order.NoTime}
		o.Side = &order.SideList{}
		for i := range ownSegment {
			n, err := dname.Parse(fmt.Sprintf("n%d.%s.example", i, path))
			if err != nil {
				t.Fatal(err)
			}
			o.Side.Names.Append(n)
		}
		b.Add(o)
		p, _ := b.Freeze()
		return p
	}
	parts := []*Part{part(t, "s1.yaml", "- {id: s1, targets: [a.example]}"), big("b1"), part(t, "s2.yaml", "- {id: s2, targets: [b.example]}"), big("b2"), big("b3")}
	s := Merge(parts, Options{})
	if len(s.segments) != maxOwn+1 {
		t.Errorf("%d segments", len(s.segments))
	}
	for _, n := range []string{"a.example.", "b.example.", "n1.b1.example.", "x.n2.b2.example.", "n19999.b3.example."} {
		if !s.Decide(asked(t, n), Query{}).Blocked() {
			t.Errorf("%s passes", n)
		}
	}
	if s.Decide(asked(t, "b1.example."), Query{}).Blocked() || len(s.Parts()) != 5 || s.Bytes() == 0 {
		t.Error("the set differs from its parts")
	}
}

// TestServiceNames checks a blocked name whose HTTPS record passes. NXDOMAIN would deny
// the record, so Subtree must be SubtreePasses.
func TestServiceNames(t *testing.T) {
	s := set(t, "- {id: b, issued: 2024-01-01, targets: [a.example]}\n"+
		"- {id: l, action: lift, issued: 2024-01-02, targets: [{name: a.example, match: exact}]}\n")
	for name, want := range map[string]SubtreeOutcome{
		"_https.a.example.": SubtreePasses, "_8443._https.a.example.": SubtreePasses,
		"_x._8443._https.a.example.": SubtreeNXDOMAIN, "www.a.example.": SubtreeNXDOMAIN,
	} {
		if v := s.Decide(asked(t, name), Query{Now: at(t, "2026-01-01")}); !v.Blocked() || v.Subtree != want {
			t.Errorf("%s: blocked %v, below %v, want %v", name, v.Blocked(), v.Subtree, want)
		}
	}
}

// TestDNSKEYOutlivesNothing checks that a verdict ends when a name below begins to pass. An answer
// to a DNSKEY query may be a denial only until then.
func TestDNSKEYOutlivesNothing(t *testing.T) {
	now := at(t, "2026-01-01")
	for _, response := range []string{"nxdomain", "nodata", "refused", "{redirect: [192.0.2.1]}"} {
		s := set(t, "- {id: b, response: "+response+", targets: [a.example]}\n"+
			"- {id: l, action: lift, lifts: [b], issued: 2024-01-02, from: 2026-02-01, targets: [sub.a.example]}\n")
		if v := s.Decide(asked(t, "a.example."), Query{Now: now}); v.Until != at(t, "2026-02-01") {
			t.Errorf("%s: until %v", response, v.Until)
		}
	}
}

// TestWarningsKeepSealedIds checks that the log does not contain unknown ids. An unknown
// id may belong to a sealed order in a bad file.
func TestWarningsKeepSealedIds(t *testing.T) {
	s := set(t, "- {id: l, action: lift, issued: 2024-01-02, lifts: [secret-id]}\n")
	warnings, _ := s.Warnings()
	if len(warnings) != 1 || strings.Contains(warnings[0].Redacted(), "secret-id") || !strings.Contains(warnings[0].Error(), "secret-id") {
		t.Errorf("got %v", warnings)
	}
}
