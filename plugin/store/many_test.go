package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/clock"
)

func BenchmarkManyFiles(b *testing.B) {
	for _, n := range []int{1000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			write := func(i int) {
				for f := range n {
					path := filepath.Join(dir, fmt.Sprintf("f%05d.yaml", f))
					text := orders("", fmt.Sprintf("t/%d: n%d.example k%d-%d.example", f, f, f, i))
					if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
						b.Fatal(err)
					}
				}
			}
			clock := clock.NewJumping(time.Now().Add(time.Hour))
			write(0)
			s, err := prepare(Options{Patterns: []string{dir}, MaxShrink: 50, Poll: time.Second}, &lines{}, clock, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				write(i + 1)
				clock.After(2 * time.Minute)
				reports := s.src.Scan(context.Background(), 10*time.Second)
				if len(reports) != n {
					b.Fatalf("%d reports", len(reports))
				}
				b.StartTimer()
				s.load(reports)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "us/file")
		})
	}
}
