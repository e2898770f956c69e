package register

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func bigTable(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("SITE;URL;DATE DE LA DECISION\r\n")
	tops := []string{"com", "net", "org", "example"}
	for i := range n {
		fmt.Fprintf(&b, "SITE %d;%s%x-%x.%s;%02d/%02d/%d\r\n", i, []string{"", "www."}[i%2], rnd.Uint32(), i, tops[i%4], 1+i%28, 1+i/28%12, 2020+i/400%5)
	}
	return []byte(b.String())
}

// BenchmarkImport imports one million rows for the first time.
func BenchmarkImport(b *testing.B) {
	data := bigTable(1_000_000)
	p, err := Load("fr-anj", "")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"out.yaml", "out.jsonl"} {
		b.Run(path[3:], func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				res, err := Import(p, data, Options{Path: path, AsOf: order.NoTime, Served: order.NoTime, Now: 2e9, DropOK: -1, RowsOK: -1})
				if err != nil || res.Content == nil {
					b.Fatal(err, res.Problems)
				}
				if f, err := os.ReadFile("/proc/self/status"); err == nil {
					for line := range strings.Lines(string(f)) {
						if name, kb, ok := strings.Cut(line, ":"); ok && name == "VmHWM" {
							var n float64
							fmt.Sscan(kb, &n)
							b.ReportMetric(n/1024, "peak-MiB")
						}
					}
				}
			}
		})
	}
}
