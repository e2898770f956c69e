package ruleset

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

func TestBytes(t *testing.T) {
	const n = 10_000
	terms := func(s *order.Scope) *order.Terms { return &order.Terms{TTL: -1, Scope: s} }
	global := terms(&order.Scope{Global: true})
	ids, names := make([]string, 2*n), make([]dname.Name, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("order/%06d", i)
	}
	for i := range names {
		var err error
		if names[i], err = dname.Parse(fmt.Sprintf("name%d.example", i)); err != nil {
			t.Fatal(err)
		}
	}
	own := make([]*order.Terms, n)
	for i := range own {
		own[i] = terms(&order.Scope{Clients: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)}})
	}
	target := func(i int) []order.Target { return []order.Target{{Name: names[i], Match: order.Subtree}} }
	address := []order.Target{{Kind: order.TargetAddress, Attr: &order.Attr{
		From: order.NoTime, Until: order.NoTime, Served: order.NoTime, Deadline: order.NoTime,
		Address: netip.MustParsePrefix("198.51.100.0/24"), EnforcedBy: order.ByDNS,
	}}}
	var o order.Order
	add := func(b *Builder, i int, as order.Order) {
		o = as
		o.ID, o.Index, o.Issued = ids[i], i, order.Time(i)
		o.Served, o.From, o.Until, o.Review, o.Deadline = order.NoTime, order.NoTime, order.NoTime, order.NoTime, order.NoTime
		b.Add(&o)
	}
	for _, tc := range []struct {
		name string
		add  func(b *Builder, i int)
	}{
		{"register", func(b *Builder, i int) { add(b, i, order.Order{Terms: global, Targets: target(i)}) }},
		{"one name", func(b *Builder, i int) { add(b, i, order.Order{Terms: global, Targets: target(0)}) }},
		{"one name, scopes", func(b *Builder, i int) { add(b, i, order.Order{Terms: own[i], Targets: target(0)}) }},
		{"one address, scopes", func(b *Builder, i int) { add(b, i, order.Order{Terms: own[i], Targets: address}) }},
		{"one name, lifts", func(b *Builder, i int) {
			add(b, i, order.Order{Terms: global, Targets: target(0)})
			add(b, n+i, order.Order{Terms: global, Action: order.Lift, Lifts: ids[i : i+1], Targets: target(1)})
		}},
	} {
		before := heapInUse()
		b := NewBuilder("a", Options{})
		for i := range n {
			tc.add(b, i)
		}
		p, _ := b.Freeze()
		s := Merge([]*Part{p}, Options{})
		b = nil
		got, want := s.Bytes(), int(heapInUse()-before)
		t.Logf("%s: %d of %d octets", tc.name, got, want)
		if got < want*8/10 || got > want*12/10 {
			t.Errorf("%s: %d bytes, but %d on the heap", tc.name, got, want)
		}
		runtime.KeepAlive(s)
	}
	runtime.KeepAlive([]any{ids, names, own})
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + uint64(index.Mapped())
}
