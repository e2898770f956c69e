package bench

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

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

func BenchmarkPart(b *testing.B) {
	for _, kind := range []struct {
		name string
		make func([]string) input
	}{{"side-list", sideList}, {"register-jsonl", register}} {
		b.Run(kind.name, func(b *testing.B) {
			eachSize(b, func(b *testing.B, n int) { part(b, compile(kind.make(list(n).Names)), n) })
		})
	}
}

func part(b *testing.B, p *ruleset.Part, n int) {
	origin := ruleset.Origin{Path: p.Path()}
	path := filepath.Join(b.TempDir(), "snap")
	write := func(to io.Writer) {
		must(b, ruleset.WriteSnapshot(to, origin, ruleset.Snapshot{Part: p}) == nil, "the snapshot is not written")
	}
	f, err := os.Create(path)
	must(b, err == nil, "the file is not created")
	write(f)
	size, err := f.Seek(0, io.SeekCurrent)
	must(b, err == nil && f.Close() == nil, "the file is not written")
	read := func() ruleset.Snapshot {
		f, err := os.Open(path)
		must(b, err == nil, "the file cannot be opened")
		defer f.Close()
		s, err := ruleset.ReadSnapshot(f, size, origin, ruleset.Options{})
		must(b, err == nil && s.Part.Orders() == p.Orders(), "the snapshot is not read")
		return s
	}
	s := read()
	for _, step := range []struct {
		name string
		run  func()
	}{
		{"write", func() { write(io.Discard) }},
		{"read", func() { read() }},
		{"check", func() { must(b, s.Part.Check() == nil, "the snapshot is wrong") }},
		{"same", func() { must(b, s.Same(ruleset.Snapshot{Part: p}), "the snapshot differs") }},
	} {
		b.Run(step.name, func(b *testing.B) {
			eachLoop(b, step.run)
			b.ReportMetric(float64(size)/float64(n), "B/name")
		})
	}
}
