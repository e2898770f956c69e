package explain

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const orders = `version: 1
timezone: Europe/Rome
defaults: {authority: {name: Tribunal, country: IT, kind: court}, scope: global}
orders:
- {id: one, references: [1/2026, 2/2026], from: 2026-01-01, targets: [one.example]}
- {id: two, targets: [one.example]}
- {id: dark, status: shadow, targets: [one.example]}
- {id: draft, status: draft, targets: [one.example]}
- {id: past, from: 2025-01-01, until: 2026-01-01, targets: [one.example]}
- {id: future, from: 2099-01-01, targets: [one.example]}
- {id: partly, targets: [one.example, {name: a.one.example, status: suspended}, {name: "*.one.example", status: shadow}]}
- {id: net, scope: {clients: [198.51.100.0/24]}, targets: [one.example]}
- {id: exempting, exempt: [{clients: [192.0.2.7], until: 2098-01-01, reference: E7}], targets: [one.example]}
- {id: hole, targets: [one.example], except: [a.one.example]}
- {id: exact, targets: [{name: one.example, match: exact}]}
- {id: windows, windows: [{from: 2025-01-01T10:00:00, until: 2025-01-01T12:00:00}], targets: [one.example]}
- {id: hidden, disclosure: none, targets: [one.example]}
- {id: stay, action: lift, issued: 2026-02-01, until: 2097-01-01, lifts: [two], targets: [one.example]}
`

func TestCompiled(t *testing.T) {
	b := ruleset.NewBuilder("orders.yaml", ruleset.Options{})
	if _, problems := order.Parse("orders.yaml", strings.NewReader(orders), order.Options{Emit: b.Add}); len(problems) > 0 {
		t.Fatal(problems)
	}
	part, _ := b.Freeze()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at, err := order.ParseTime("2026-11-29T12:00:00Z", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	f := &Facts{Set: ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{}), Now: at,
		Whole:  func(string) *order.Order { return nil },
		Hidden: func(o *ruleset.Order) bool { return o.Terms.Disclosure.Sealed() },
		Zone:   func(string) *time.Location { return rome },
	}
	name, err := dname.Parse("a.one.example")
	if err != nil {
		t.Fatal(err)
	}
	cfg := new(directive.Config)
	cfg.Defaults()
	s := &Server{Config: cfg, Block: &directive.Block{Addresses: []string{"dns://.:53"}, Config: cfg}, Running: true}
	q, cl := &Query{Name: name, Type: 1, EDNS: true, Size: 1232}, NewClient(netip.MustParseAddr("192.0.2.7"), "")
	x := Begin(f, s, q, &cl)
	x.Decide(f, s, q, &cl)
	x.Answer = ""
	var out strings.Builder
	x.Print(&out)
	const want = `a.one.example is blocked for client 192.0.2.7 of unknown country at 2026-11-29T13:00:00+01:00
server block: dns://.:53
by order "sealed:e564b4081d7a" (sealed)
target: not shown
since:  not shown
until:  not shown

Other orders for this name, which do not decide:
  order "partly" at orders.yaml:11, target a.one.example: the target's status is not active, or its from, until and windows do not overlap
  order "exact" at orders.yaml:15, target one.example (exact): the target does not cover this name
  order "dark" at orders.yaml:7, target one.example: in shadow: decided and counted, not enforced; the order's status is shadow
  order "draft" at orders.yaml:8, target one.example: the order's status is draft
  order "exempting" at orders.yaml:13, target one.example: the client is exempt: 192.0.2.7/32 (E7), until the end of 2098-01-01
  order "future" at orders.yaml:10, target one.example: in force from 2099-01-01
  order "hole" at orders.yaml:14, target one.example: excepted: the name is in the except list of the order
  order "net" at orders.yaml:12, target one.example: out of scope: the order is for 198.51.100.0/24
  order "one" at orders.yaml:5, target one.example: in force too; order "sealed:e564b4081d7a" has precedence
  order "partly" at orders.yaml:11, target one.example: in force too; order "sealed:e564b4081d7a" has precedence
  order "past" at orders.yaml:9, target one.example: ended at the end of 2026-01-01
  order "two" at orders.yaml:6, target one.example: lifted by order "stay" of Tribunal; in force from 2097-01-02
  order "windows" at orders.yaml:16, target one.example: ended at 2025-01-01T12:00:00+01:00
  order "partly" at orders.yaml:11, target *.one.example: in shadow: decided and counted, not enforced; the target's status is shadow

`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
