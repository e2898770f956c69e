package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/probe"
)

// Half of the blocked names are subdomains of listed names.
const (
	passing = iota // no query is blocked
	five           // 5 % of the queries are blocked
	blocked        // all queries are blocked
	works
)

type question struct {
	name    string
	blocked bool
}

// No name repeats, because a server could answer a repeated name from a packet cache.
func work(list *corpus.List, n int, exact bool) (all [works][]question) {
	misses, hits := list.Misses(2*n), list.Hits()
	below := hits
	if !exact {
		below = list.SubdomainHits()
	}
	hit := func(i, k int) question {
		if i/20%2 == 1 {
			return question{below[k], true}
		}
		return question{hits[k], true}
	}
	for i := range n {
		all[passing] = append(all[passing], question{misses[i], false})
		all[blocked] = append(all[blocked], hit(i, i))
		mixed := question{misses[n+i], false}
		if i%20 == 0 {
			mixed = hit(i, n+i/20)
		}
		all[five] = append(all[five], mixed)
	}
	return all
}

func listed(n int) int { return n + (n+19)/20 }

func burst(dir string, round, sort int, exact bool) string {
	return filepath.Join(dir, fmt.Sprintf("burst-%d-%d-%t", round, sort, exact))
}

func writeBurst(file string, questions []question) error {
	var b strings.Builder
	for _, q := range questions {
		b.WriteString(q.name + " A\n")
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

func load(questions []question) (out []probe.Query) {
	for _, q := range questions {
		want := probe.Pass
		if q.blocked {
			want = probe.Blocked
		}
		out = append(out, probe.Query{Name: q.name, Want: want})
	}
	return out
}
