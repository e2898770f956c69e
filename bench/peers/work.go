package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/probe"
)

// The sorts of queries; half of the blocked ones are below the listed name.
const (
	passing = iota // none is blocked
	five           // 5 % are
	blocked        // all are
	works
)

// question is a name and whether it is to be blocked.
type question struct {
	name    string
	blocked bool
}

// work is n questions of each sort, no name twice: an answer from a packet cache
// would say nothing about the list. exact has none below a listed name, for software
// that blocks the listed names only.
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

// listed is how many listed names work needs for n questions of each sort.
func listed(n int) int { return n + (n+19)/20 }

// burst is the file of a round's questions of a sort for dnsperf.
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

// load is what the prober asks and expects: a listed name that passes while a list
// is loaded anew is as wrong as no answer.
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
