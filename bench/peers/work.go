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

// work is n questions of each sort; exact has none below a listed name, for
// software that blocks the listed names only.
func work(list *corpus.List, n int, exact bool) (all [works][]question) {
	misses, hits := list.Misses(n), list.Hits()
	below := hits
	if !exact {
		below = list.SubdomainHits()
	}
	for i := range n {
		pass := question{misses[i], false}
		hit := question{hits[i%len(hits)], true}
		if i/20%2 == 1 {
			hit.name = below[i%len(below)]
		}
		all[passing] = append(all[passing], pass)
		all[blocked] = append(all[blocked], hit)
		if i%20 == 0 {
			pass = hit
		}
		all[five] = append(all[five], pass)
	}
	return all
}

// burst is the file of a sort of questions for dnsperf.
func burst(dir string, sort int, exact bool) string {
	return filepath.Join(dir, fmt.Sprintf("burst-%d-%t", sort, exact))
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
