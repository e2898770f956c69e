package guard

import (
	"testing"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/plugin/dname"
)

func BenchmarkName(b *testing.B) {
	var names []dname.Name
	for _, s := range corpus.New(1_000_000).Names {
		names = append(names, parsed(s))
	}
	run := func(name string, of func(*dname.Wire) string) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var w dname.Wire
			i, held := 0, 0
			for b.Loop() {
				w.SetName(names[i%len(names)])
				if of(&w) != "" {
					held++
				}
				i++
			}
			b.ReportMetric(float64(held)/float64(b.N)*1e6, "held/M")
		})
	}
	run("wire alone", func(*dname.Wire) string { return "" })
	run("built in", New().Name)
	run("with a list", New(starter(b)).Name)
}

func BenchmarkBuild(b *testing.B) {
	protect := starter(b)
	b.ReportAllocs()
	for b.Loop() {
		g := New(protect)
		t := g.table()
		b.ReportMetric(float64(t.Bytes()+8*len(t.filter)), "bytes")
	}
}
