package rpz

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/world"
)

func block(id string, terms order.Terms, targets ...string) *order.Order {
	terms.Scope = &order.Scope{Global: true}
	o := &order.Order{ID: id, Terms: &terms, Issued: 1, From: order.NoTime, Until: order.NoTime, Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime}
	for _, t := range targets {
		n, match, err := order.ParseTarget(t)
		if err != nil {
			panic(err)
		}
		o.Targets = append(o.Targets, order.Target{Name: n, Match: match})
	}
	return o
}

func zoneOf(cfg Config, orders ...*order.Order) (*Tree, *Zone) {
	b := ruleset.NewBuilder("f", ruleset.Options{})
	for _, o := range orders {
		b.Add(o)
	}
	p, _ := b.Freeze()
	t := Build(ruleset.Merge([]*ruleset.Part{p}, ruleset.Options{}), 10, cfg, &Table{})
	return t, t.Close()
}

func TestRecords(t *testing.T) {
	redirect := order.Response{Kind: order.Redirect, Addresses: []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}}
	exact := block("exact", order.Terms{TTL: time.Hour, Response: redirect}, "a.b.sub.example")
	exact.Targets[0].Match = order.Exact
	except := block("except", order.Terms{TTL: -1}, "other.example")
	except.Except = append(except.Except, world.Name("good.other.example"))
	_, z := zoneOf(testConfig, exact, except,
		block("sub", order.Terms{TTL: -1}, "sub.example", "deep.er.sub.example"),
		block("refused", order.Terms{TTL: -1, Response: order.Response{Kind: order.Refused}}, "refused.example"),
		block("below", order.Terms{TTL: -1}, "*.below.example"))
	want := `*.below.example	30	IN	CNAME	.
other.example	30	IN	CNAME	*.
*.other.example	30	IN	CNAME	.
good.other.example	0	IN	CNAME	rpz-passthru.
*.good.other.example	0	IN	CNAME	rpz-passthru.
refused.example	30	IN	CNAME	*.
*.refused.example	30	IN	CNAME	*.
sub.example	30	IN	CNAME	*.
*.sub.example	30	IN	CNAME	.
b.sub.example	30	IN	CNAME	*.
*.b.sub.example	30	IN	CNAME	.
a.b.sub.example	3600	IN	A	192.0.2.1
a.b.sub.example	3600	IN	AAAA	2001:db8::1
*.a.b.sub.example	30	IN	CNAME	.
`
	if got := zoneText(z.Entries); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if n := strings.Count(want, "\n"); z.Records() != n {
		t.Errorf("%d records, want %d", z.Records(), n)
	}
}

func TestOmitted(t *testing.T) {
	label := strings.Repeat("x", 60)
	long := "z." + label + "." + label + "." + label + "." + strings.Repeat("y", 59)
	names := []string{"good.example", "24.0.2.0.192.rpz-ip", "rpz-nsdname", "rpz-ip.example", long}
	for origin, want := range map[int]string{0: "", 8: "24.0.2.0.192.rpz-ip rpz-nsdname", 9: long + " 24.0.2.0.192.rpz-ip rpz-nsdname"} {
		cfg := testConfig
		cfg.Origin = origin
		tree, z := zoneOf(cfg, block("o", order.Terms{TTL: -1}, names...))
		var got []string
		for _, n := range tree.Omitted {
			got = append(got, n.String())
			why := "is too long for the zone"
			if i := strings.Index(n.String(), "rpz-"); i >= 0 {
				why = "ends in " + n.String()[i:] + ", which has another meaning in a response policy zone"
			}
			if got := WhyOmitted(n); got != why {
				t.Errorf("%s: %s", n, got)
			}
		}
		for _, w := range strings.Fields(want) {
			if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+w+" ") {
				t.Errorf("origin of %d octets: %s is not omitted", origin, w)
			}
		}
		if len(got) != len(strings.Fields(want)) || z.Records() != 2*(len(names)-len(got)) {
			t.Errorf("origin of %d octets: omitted %q and wrote %d records", origin, got, z.Records())
		}
		for _, e := range z.Entries {
			if n := len(e.wire(nil)) - 1 + 2 + origin; n > 255 && origin > 0 {
				t.Errorf("an owner has %d octets", n)
			}
		}
	}
}
