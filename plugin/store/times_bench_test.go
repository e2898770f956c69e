package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/clock"
)

func BenchmarkDue(b *testing.B) {
	const n = 100_000
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var text strings.Builder
	fmt.Fprintf(&text, `{"version": 1, "count": %d, "defaults": {"authority": {"name": "A"}, "scope": "global"}}`+"\n", n)
	for i := range n {
		at := begin.Add(time.Duration(2*i) * time.Second)
		fmt.Fprintf(&text, `{"id": "o/%d", "deadline": %q, "until": %q, "targets": ["n%d.example"]}`+"\n", i, at.Add(time.Hour).Format(time.RFC3339), at.Add(2*time.Hour).Format(time.RFC3339), i)
	}
	path := filepath.Join(b.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	clock := clock.NewJumping(begin)
	s, err := prepare(Options{Patterns: []string{path}, MaxShrink: 50, Poll: time.Second}, &lines{}, clock, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.Run("change", func(b *testing.B) {
		for range b.N {
			if next := s.due(); !next.IsZero() {
				clock.After(next.Sub(clock.Now()))
			}
		}
	})
	b.Run("rest", func(b *testing.B) {
		for range b.N {
			s.due()
		}
	})
}
