package ordersrpz

import (
	"fmt"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

func BenchmarkWhole(b *testing.B) {
	const names = 100_000
	file := ruleset.NewBuilder("f", ruleset.Options{})
	o := &order.Order{ID: "a", Terms: &order.Terms{TTL: -1, Scope: &order.Scope{Global: true}}, Issued: 1, From: order.NoTime, Until: order.NoTime, Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime}
	for i := range names {
		n, _, err := order.ParseTarget(fmt.Sprintf("name%d.d%d.example", i, i%997))
		if err != nil {
			b.Fatal(err)
		}
		o.Targets = append(o.Targets, order.Target{Name: n, Match: order.Subtree})
	}
	file.Add(o)
	p, _ := file.Freeze()
	tree := rpz.Build(ruleset.Merge([]*ruleset.Part{p}, ruleset.Options{}), 10, rpz.Config{Origin: 20}, &rpz.Table{})
	part := tree.Close().Part(0)
	for b.Loop() {
		s := &sender{config: &config{}, origin: origin, out: make(chan []dns.RR)}
		go s.run(func() { s.whole(1, part) })
		n := 0
		for list := range s.out {
			n += len(list)
		}
		if n != 2*names+3 {
			b.Fatal(n)
		}
	}
}
