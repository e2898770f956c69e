package order

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

const benchNames = 100_000

func benchFile(ext string) []byte {
	var b bytes.Buffer
	for i := range benchNames {
		switch {
		case ext == ".yaml" && i == 0:
			b.WriteString("version: 1\nauthorities: {r: {authority: {name: Register}, scope: global}}\norders:\n")
		case ext == ".json" && i == 0:
			b.WriteString(`{"version":1,"authorities":{"r":{"authority":{"name":"Register"},"scope":"global"}},"orders":[` + "\n")
		case i == 0:
			fmt.Fprintf(&b, `{"version":1,"count":%d,"authorities":{"r":{"authority":{"name":"Register"},"scope":"global"}}}`+"\n", benchNames)
		case ext == ".json":
			b.WriteByte(',')
		}
		if ext == ".yaml" {
			fmt.Fprintf(&b, "- id: r/%d\n  authority: r\n  issued: 2026-05-01\n  targets: [name-%d.example]\n", i, i)
		} else {
			fmt.Fprintf(&b, `{"id":"r/%d","authority":"r","issued":"2026-05-01","targets":["name-%d.example"]}`+"\n", i, i)
		}
	}
	if ext == ".json" {
		b.WriteString("]}\n")
	}
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	for _, ext := range encodings {
		data := benchFile(ext)
		b.Run(ext[1:], func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if f, problems := Parse("a"+ext, bytes.NewReader(data), Options{Emit: func(*Order) {}}); len(problems) > 0 || f.Targets != benchNames {
					b.Fatal(f.Targets, problems)
				}
			}
			perName(b)
		})
	}
	b.Run("jsonl-ahead", func(b *testing.B) {
		data := benchFile(".jsonl")
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if f, problems := Parse("a.jsonl", bytes.NewReader(data), Options{Emit: func(*Order) {}, Ahead: true}); len(problems) > 0 || f.Targets != benchNames {
				b.Fatal(f.Targets, problems)
			}
		}
		perName(b)
	})
	var list bytes.Buffer
	for i := range benchNames {
		fmt.Fprintf(&list, "name-%d.example\n", i)
	}
	const text = "version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list.txt}}]"
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(list.Bytes())), nil }
	b.Run("side", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(list.Len()))
		for b.Loop() {
			if f, problems := Parse("a.yaml", strings.NewReader(text), Options{OpenSide: open}); len(problems) > 0 || f.Targets != benchNames {
				b.Fatal(f.Targets, problems)
			}
		}
		perName(b)
	})
}

func perName(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchNames, "ns/name")
}
