// Package audit asks a resolver about the targets of orders. It finds names that are gone, parked,
// seized or moved. A stranger can register a gone name, and the order then blocks the stranger's
// site.
//
// [Run] returns the [Class] of each name. A missing or doubtful answer gives the class Unknown, and
// never Gone. [Before] is an earlier audit. [Known] is the table of services that park and seize
// names.
package audit

import (
	"context"
	"net/netip"
	"sync"

	"golang.org/x/net/publicsuffix"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Target is a target of an order in force.
type Target struct {
	Name  dname.Name
	Match order.Match
	Text  string // the target as the tool shows it
	// Redirects are the addresses to which the order redirects clients. If an answer contains one of
	// these addresses, the resolver blocks the name.
	Redirects []netip.Addr

	Order, Authority string
	References       []string
	File             string
	Line             int
}

// Options are the settings of an audit.
type Options struct {
	Resolver dnsclient.Exchanger
	Known    *Known
	Before   *Before // nil without an earlier audit
	// Workers is the number of domains that Run asks about at the same time.
	Workers int
	// Run calls Progress after each domain. Progress may be nil.
	Progress func(done, all int)
}

// A Result is the result of an audit.
type Result struct {
	Rows []Row // in the sequence of the targets
	// Blocks is the number of names that the resolver blocks. Example is a blocked name with the
	// reason.
	Blocks  int
	Example string
	// Early is true if the audit ended before the last name. Silent is true if the resolver
	// answered no query.
	Early, Silent bool
}

// If the resolver blocks most domains, its other answers are useless.
const manyBlocks = 10

// The audit ends if the resolver answers no query about the first manySilent domains.
const manySilent = 32

// A host is a name to ask for addresses.
type host struct {
	name string
	www  bool // ask for www below the name, if the name has no address
}

type job struct {
	domain    string
	hosts     []host
	redirects []netip.Addr
}

// Run asks the resolver about the targets. If ctx ends early, targets without an answer get the
// class Unknown.
func Run(ctx context.Context, targets []Target, opt Options) *Result {
	jobs, of := plan(targets)
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	type done struct {
		job   int
		facts []*Facts
	}
	work, results := make(chan int), make(chan done)
	var workers sync.WaitGroup
	for range max(opt.Workers, 1) {
		workers.Go(func() {
			for i := range work {
				results <- done{i, jobs[i].run(ctx, opt.Resolver)}
			}
		})
	}
	go func() {
		for i := range jobs {
			work <- i
		}
		close(work)
		workers.Wait()
		close(results)
	}()

	r := &Result{}
	facts := make([][]*Facts, len(jobs))
	blocked, silent, n := 0, 0, 0
	for d := range results {
		facts[d.job] = d.facts
		n++
		if f := firstBlocked(d.facts); f != nil {
			blocked++
			if blocked >= manyBlocks && 2*blocked > n {
				stop()
			}
		}
		if d.facts[0].silent {
			silent++
			if silent >= manySilent && silent == n {
				r.Silent = true
				stop()
			}
		}
		if opt.Progress != nil {
			opt.Progress(n, len(jobs))
		}
	}
	seen := map[*Facts]bool{}
	for i := range targets {
		f := facts[of[i].job][of[i].host]
		if f.blocked != "" && !seen[f] {
			seen[f] = true
			r.Blocks++
			if r.Example == "" {
				r.Example = targets[i].Text + ": " + f.blocked
			}
		}
		r.Early = r.Early || f.problem == notAsked
		r.Rows = append(r.Rows, newRow(&targets[i], f, &opt))
	}
	return r
}

func firstBlocked(facts []*Facts) *Facts {
	for _, f := range facts {
		if f.blocked != "" {
			return f
		}
	}
	return nil
}

type place struct{ job, host int }

func plan(targets []Target) (jobs []job, of []place) {
	at := map[string]int{}
	hosts := map[string]place{}
	for i := range targets {
		t := &targets[i]
		h := host{t.Name.String(), t.Match == order.Subtree}
		if t.Match == order.BelowOnly {
			h = host{"www." + t.Name.String(), false}
		}
		domain := registrable(t.Name.String())
		j, ok := at[domain]
		if !ok {
			j = len(jobs)
			at[domain] = j
			jobs = append(jobs, job{domain: domain})
		}
		jobs[j].redirects = append(jobs[j].redirects, t.Redirects...)
		key := h.name
		if h.www {
			key += "/www"
		}
		p, ok := hosts[key]
		if !ok {
			p = place{j, len(jobs[j].hosts)}
			hosts[key] = p
			jobs[j].hosts = append(jobs[j].hosts, h)
		}
		of = append(of, p)
	}
	return jobs, of
}

func registrable(name string) string {
	d, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return d
}

func (j *job) run(ctx context.Context, q dnsclient.Exchanger) []*Facts {
	domain := askDomain(ctx, q, j.domain)
	var out []*Facts
	for _, h := range j.hosts {
		out = append(out, askHost(ctx, q, domain, h.name, h.www, j.redirects))
	}
	return out
}
