package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// now is the time of the tests.
var now = order.FromTime(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))

// compile compiles orders.
func compile(t testing.TB, text string) *ruleset.Set {
	t.Helper()
	b := ruleset.NewBuilder("a.yaml", ruleset.Options{})
	_, problems := order.Parse("a.yaml", strings.NewReader("version: 1\ndefaults: {authority: {name: A, country: IT}, scope: global}\norders:\n"+text), order.Options{Emit: func(o *order.Order) { b.Add(o) }})
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatal(bad)
	}
	part, problems := b.Freeze()
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatal(bad)
	}
	return ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})
}

// list returns the questions of a plan as text.
func list(p *Plan) (out []string) {
	for _, q := range p.Questions {
		id := ""
		if q.Order != nil {
			id = q.Order.ID
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", strings.Replace(q.Name.String(), "blocklist--any", "any", 1), dns.Type(q.Type), q.Kind, id, q.Target)))
	}
	slices.Sort(out)
	return out
}

const world = `
- {id: tree, targets: [tree.example], except: [good.tree.example]}
- {id: exact, targets: [{name: www.shop.example, match: exact}]}
- {id: below, targets: ["*.below.example"]}
- {id: lifted, targets: [lifted.example, still.example]}
- {id: lift, action: lift, lifts: [lifted], issued: 2026-02-01, disclosure: full, targets: [lifted.example]}
- {id: ended, until: 2026-01-01, targets: [ended.example]}
- {id: later, from: 2027-01-01, targets: [later.example]}
- {id: draft, status: draft, targets: [draft.example]}
- {id: shadow, status: shadow, targets: [shadow.example]}
- {id: secret, disclosure: none, targets: [secret.example, both.example]}
- {id: public, until: 2026-01-01, targets: [both.example]}
- {id: french, scope: {countries: [FR]}, targets: [french.example]}
- {id: net, scope: {clients: [192.0.2.0/24]}, targets: [net.example]}
- {id: exempt, exempt: [{clients: [198.51.100.0/24]}], targets: [exempt.example]}
`

// TestPlan checks the questions for all kinds of orders.
func TestPlan(t *testing.T) {
	set := compile(t, world)
	opt := Options{Now: now, Types: []uint16{dns.TypeA}, AnyCountry: true, AnyAddress: true}
	p := NewPlan(set, opt)
	want := []string{
		"any.below.example A below_target below *.below.example",
		"any.good.tree.example A exception tree tree.example",
		"any.lifted.example A lifted lifted lifted.example",
		"any.shop.example A sibling",
		"any.still.example A below_target lifted still.example",
		"any.tree.example A below_target tree tree.example",
		"any.www.shop.example A beside_exact exact www.shop.example (exact)",
		"below.example A beside_exact below *.below.example",
		"draft.example A inactive draft draft.example",
		"ended.example A ended ended ended.example",
		"good.tree.example A exception tree tree.example",
		"later.example A pending later later.example",
		"lifted.example A lifted lifted lifted.example",
		"shadow.example A shadow shadow shadow.example",
		"shop.example A sibling",
		"still.example A target lifted still.example",
		"tree.example A target tree tree.example",
		"www.shop.example A target exact www.shop.example (exact)",
	}
	if got := list(p); !slices.Equal(got, want) {
		t.Errorf("questions\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if p.All != 15 || p.Names != 15 || p.Sealed != 2 || p.ClientDependent != 3 || p.Elsewhere != 0 {
		t.Errorf("%+v", p)
	}

	opt.AnyCountry, opt.AnyAddress, opt.Client = false, false, ruleset.Client{Addr: netip.MustParseAddr("192.0.2.1"), Country: "FR"}
	more := list(NewPlan(set, opt))
	for _, q := range []string{"french.example A target french french.example", "net.example A target net net.example", "exempt.example A target exempt exempt.example"} {
		if !slices.Contains(more, q) {
			t.Errorf("no %q in\n%s", q, strings.Join(more, "\n"))
		}
	}
	opt.Client = ruleset.Client{Addr: netip.MustParseAddr("198.51.100.1"), Country: "IT"}
	more = list(NewPlan(set, opt))
	for _, q := range []string{"french.example A other_clients french french.example", "net.example A other_clients net net.example", "exempt.example A other_clients exempt exempt.example"} {
		if !slices.Contains(more, q) {
			t.Errorf("no %q in\n%s", q, strings.Join(more, "\n"))
		}
	}

	opt.Sealed = true
	if p := NewPlan(set, opt); p.Sealed != 0 || !slices.Contains(list(p), "secret.example A target secret secret.example") {
		t.Errorf("%+v", p)
	}

	opt.Types = []uint16{dns.TypeA, dns.TypeHTTPS}
	opt.Serves = func(n dname.Name) bool { return strings.HasSuffix(n.String(), "tree.example") }
	if got := list(NewPlan(set, opt)); len(got) != 8 {
		t.Errorf("questions %q", got)
	}
}

func TestPlanSample(t *testing.T) {
	text := "- {id: many, targets: ["
	for i := range 200 {
		text += fmt.Sprintf("n%d.example, ", i)
	}
	set := compile(t, text+"last.example]}\n")
	sample := func(seed uint64) string {
		p := NewPlan(set, Options{Now: now, Types: []uint16{dns.TypeA}, Sample: 10, Seed: seed})
		if p.Names != 10 || p.All != 201 || len(p.Questions) != 20 {
			t.Errorf("%d of %d names, %d questions", p.Names, p.All, len(p.Questions))
		}
		return strings.Join(list(p), "\n")
	}
	first, again, other := sample(1), sample(1), sample(2)
	if first != again || first == other {
		t.Error("the sample does not depend on the seed alone")
	}
}
