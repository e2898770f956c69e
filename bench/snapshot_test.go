package bench

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// BenchmarkSnapshot measures writing, reading and checking an index file in the page cache. It
// also measures building the index from names in wire form.
func BenchmarkSnapshot(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		var names []dname.Name
		for _, s := range list(n).Names {
			name, err := dname.Parse(s)
			must(b, err == nil, "a name of the corpus is not valid")
			names = append(names, name)
		}
		build := func() *index.Index {
			var x index.Builder
			x.Grow(len(names))
			for i, name := range names {
				x.Add(name, uint32(i))
			}
			return x.Freeze(func(refs []uint32) uint32 { return refs[0] }, func(uint32) bool { return false })
		}
		x := build()
		var text bytes.Buffer
		_, err := x.WriteTo(&text)
		must(b, err == nil, "the index is not written")
		path := filepath.Join(b.TempDir(), "snap")
		must(b, os.WriteFile(path, text.Bytes(), 0o600) == nil, "the file is not written")
		read := func() *index.Index {
			f, err := os.Open(path)
			must(b, err == nil, "the file cannot be opened")
			defer f.Close()
			y, err := index.Read(f, int64(text.Len()))
			must(b, err == nil && y.Len() == x.Len(), "the index is not read")
			return y
		}
		for _, step := range []struct {
			name string
			run  func()
		}{
			{"build", func() { build() }},
			{"write", func() { x.WriteTo(io.Discard) }},
			{"read", func() { read() }},
			{"check", func() { must(b, x.Check() == nil, "the index is wrong") }},
		} {
			b.Run(step.name, func(b *testing.B) {
				eachLoop(b, step.run)
				b.ReportMetric(float64(text.Len())/float64(x.Len()), "B/name")
			})
		}
	})
}
