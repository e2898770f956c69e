package bench

import (
	"runtime"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// kinds contains the formats for a list of names.
var kinds = []struct {
	name string
	make func(names []string) input
}{
	{"side-list", sideList}, {"yaml", yamlTargets}, {"json", jsonTargets}, {"register-jsonl", register},
}

func BenchmarkLoad(b *testing.B) {
	eachKind(b, func(b *testing.B, in input, n int) {
		eachLoop(b, func() { ruleset.Merge([]*ruleset.Part{compile(in)}, ruleset.Options{}) })
		before := heap()
		s := ruleset.Merge([]*ruleset.Part{compile(in)}, ruleset.Options{})
		b.ReportMetric(float64(heap()-before)/float64(n), "B/name")
		b.ReportMetric(float64(s.Bytes())/float64(n), "table-B/name")
		runtime.KeepAlive(s)
		b.ReportMetric(float64(peak(func() { s = ruleset.Merge([]*ruleset.Part{compile(in)}, ruleset.Options{}) }))/1e6, "peak-MB")
	})
}

func BenchmarkParse(b *testing.B) {
	eachKind(b, func(b *testing.B, in input, n int) {
		eachLoop(b, func() { parse(in, func(*order.Order) {}, func(*order.Order) order.Names { return nowhere{} }) })
	})
}

func eachKind(b *testing.B, f func(b *testing.B, in input, n int)) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			eachSize(b, func(b *testing.B, n int) {
				if k.name != "side-list" && n > 1_000_000 {
					b.Skip("10,000,000 names are for side lists")
				}
				f(b, k.make(list(n).Names), n)
			})
		})
	}
}

func BenchmarkReload(b *testing.B) {
	b.Run("side-list", func(b *testing.B) { reload(b, sideList) })
	b.Run("register-jsonl", func(b *testing.B) { reload(b, register) })
}

func reload(b *testing.B, write func([]string) input) {
	eachSize(b, func(b *testing.B, n int) {
		names := list(n).Names
		big, bigger := write(names), write(append(names[:n:n], "added-in-a-reload.example"))
		oldBig, oldSmall := compile(big), compile(small(1))
		swap := func(b *testing.B, changed, other, old *ruleset.Part) {
			must(b, len(ruleset.Duplicates(changed, []*ruleset.Part{other})) == 0, "an order id stands in both files")
			s := ruleset.Merge([]*ruleset.Part{changed, other}, ruleset.Options{})
			s.Warnings()
			s.NextChange(now)
			old.NamesNotIn(changed) // max_shrink needs this number
			ruleset.Compare(old, changed, 20)
		}
		b.Run("one-name-added", func(b *testing.B) {
			eachLoop(b, func() { swap(b, compile(bigger), oldSmall, oldBig) })
		})
		b.Run("other-file-changed", func(b *testing.B) {
			eachLoop(b, func() { swap(b, compile(small(2)), oldBig, oldSmall) })
		})
	})
}

type nowhere struct{}

func (nowhere) Grow(int)            {}
func (nowhere) AddWire(*dname.Wire) {}
