package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A world contains the names and the queries. The names are in one byte slice, because millions of
// strings slow down the garbage collection.
type world struct {
	text   []byte
	ends   map[int]int // maps a number n to the end of the first n names in text
	misses corpus.Queries
	hits   map[int]corpus.Queries // the queries for blocked names, by the number of names in the list
}

func newWorld(p plan) *world {
	sizes := slices.Concat(p.names, []int{p.fixed})
	list := corpus.New(slices.Max(sizes))
	w := &world{ends: map[int]int{}, hits: map[int]corpus.Queries{}, misses: list.Misses(p.queries)}
	for i, name := range list.Names {
		w.text = append(append(w.text, name...), '\n')
		if n := i + 1; slices.Contains(sizes, n) {
			hits := (&corpus.List{Names: list.Names[:n]}).Hits()
			w.ends[n], w.hits[n] = len(w.text), hits[:min(n, p.queries)]
		}
	}
	return w
}

func (w *world) most() (n int) {
	for k := range w.ends {
		n = max(n, k)
	}
	return n
}

func (w *world) names(n int) []byte { return w.text[:w.ends[n]] }

type file struct {
	path string
	text []byte
	side []byte
}

func begin(orders int) string {
	return fmt.Sprintf(`{"version":1,"count":%d,"authorities":{"regulator":{"authority":{"name":"A Regulator","country":"IT","kind":"regulator"},"scope":"global"}}}`+"\n", orders)
}

func sideList(names []byte) file {
	return file{"side.jsonl", []byte(begin(1) + `{"id":"big","authority":"regulator","issued":"2026-01-15","targets_from":{"file":"names.txt"}}` + "\n"), names}
}

func register(names []byte, orders int) file {
	list := strings.Split(strings.TrimSuffix(string(names), "\n"), "\n")
	var text bytes.Buffer
	text.WriteString(begin(orders))
	for i := range orders {
		of := list[i*len(list)/orders : (i+1)*len(list)/orders]
		fmt.Fprintf(&text, `{"id":"2026/%07d","authority":"regulator","issued":"2026-01-15","references":["%d-RI"],"targets":["%s"]}`+"\n", i, i, strings.Join(of, `","`))
	}
	return file{"register.jsonl", text.Bytes(), nil}
}

func crowd(orders int, others func(i int) string, lift bool) file {
	count := orders
	if lift {
		count += orders - 1
	}
	var text bytes.Buffer
	text.WriteString(begin(count))
	for i := range orders {
		issued, fields := fmt.Sprintf("2025-01-15T%02d:%02d:00Z", i/60, i%60), ""
		if i < orders-1 {
			fields = others(i)
		}
		fmt.Fprintf(&text, `{"id":"c/%d","authority":"regulator","issued":%q,"targets":[%q]%s}`+"\n", i, issued, crowded, fields)
		if lift && i < orders-1 {
			fmt.Fprintf(&text, `{"id":"l/%d","action":"lift","authority":"regulator","issued":"2025-06-01","lifts":["c/%d"],"targets":[%q]}`+"\n", i, i, crowded)
		}
	}
	return file{"crowd.jsonl", text.Bytes(), nil}
}

const crowded = "crowded.example"

func load(files ...file) *ruleset.Set {
	var parts []*ruleset.Part
	for _, f := range files {
		b := ruleset.NewBuilder(f.path, ruleset.Options{})
		_, problems := order.Parse(f.path, bytes.NewReader(f.text), order.Options{
			OpenSide: func(string) (io.ReadCloser, error) {
				if f.side == nil {
					return nil, fs.ErrNotExist
				}
				return rig.SideList(f.side), nil
			},
			Emit: b.Add,
			Side: b.Side,
		})
		if len(problems) > 0 {
			panic(problems)
		}
		p, _ := b.Freeze()
		parts = append(parts, p)
	}
	s := ruleset.Merge(parts, ruleset.Options{})
	s.Warnings()
	s.NextChange(now)
	return s
}
