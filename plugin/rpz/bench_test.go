package rpz

import (
	"fmt"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/world"
)

func BenchmarkZone(b *testing.B) {
	terms := &order.Terms{TTL: -1, Scope: &order.Scope{Global: true}, Authority: order.Authority{Name: "A"}}
	file := func(name string, names ...string) *ruleset.Part {
		builder := ruleset.NewBuilder(name, ruleset.Options{})
		o := &order.Order{ID: name, Terms: terms, Issued: 1, From: order.NoTime, Until: order.NoTime, Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime}
		for _, n := range names {
			x := order.Target{Name: world.Name(n), Match: order.Subtree}
			o.Targets = append(o.Targets, x)
		}
		builder.Add(o)
		p, _ := builder.Freeze()
		return p
	}
	var list []string
	for i := range 1_000_000 {
		list = append(list, fmt.Sprintf("name%d.d%d.example", i, i%1000))
	}
	register := file("register", list...)
	one, two := file("small", "one.example"), file("small", "one.example", "two.example")
	x := &ruleset.Excerpts{}
	before := x.Of(ruleset.Merge([]*ruleset.Part{register, one}, ruleset.Options{}))
	after := x.Of(ruleset.Merge([]*ruleset.Part{register, two}, ruleset.Options{}))
	tree := Build(before, 5, testConfig, &Table{})
	zone := tree.Close()
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			Build(before, 5, testConfig, &Table{})
		}
	})
	b.Run("update", func(b *testing.B) {
		for b.Loop() {
			tree.Update(after, 5)
		}
	})
	b.Run("close", func(b *testing.B) {
		for b.Loop() {
			tree.Close()
		}
	})
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			Compare(zone, zone)
		}
	})
	b.Run("digest", func(b *testing.B) {
		for b.Loop() {
			zone.Part(0).Digest()
		}
	})
}
