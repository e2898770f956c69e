package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/probe"
)

// The sorts of queries. Half of the blocked queries are for names below the listed name.
const (
	passing = iota // no query is blocked
	five           // 5 % of the queries are blocked
	blocked        // all queries are blocked
	works
)

// A question is a name, and whether it must be blocked.
type question struct {
	name    string
	blocked bool
}

// work returns n queries of each sort. No name occurs twice, because an answer from a packet
// cache would not measure the list. If exact is set, no name is below a listed name. This is
// for software that blocks only the listed names.
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

// listed returns the number of listed names that work needs for n queries of each sort.
func listed(n int) int { return n + (n+19)/20 }

// burst returns the dnsperf file with the queries of a round and a sort.
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

// load returns the queries and the expected answers for the prober. A listed name that passes
// while a list is being loaded counts as wrong.
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
