// Command cpu measures the CPU time that the plugin adds to an unblocked query. It runs cmd/coredns
// on one CPU and dnsperf on another CPU.
//
//	go run ./bench/cpu                 # some twelve minutes
//	go run ./bench/cpu -quick          # under one minute
//	go run ./bench/cpu -profile DIR -answers whoami,resolver -kinds bare,list
//
// The last command prints CPU profiles instead. README.md describes the method.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
)

type plan struct {
	names   int // the number of names in the list
	burst   int // the number of queries in one dnsperf run
	bursts  int // the number of different bursts (query files for one dnsperf run), each with other names
	blocked int // the percentage of queries for names in the list
	starts  int // how often all servers start; each start puts data at other places in memory
	rounds  int // how many bursts each server gets after each start
	answers []answer
	kinds   []kind
	env     []string
	profile string
}

func main() {
	p := plan{burst: 20_000}
	flag.IntVar(&p.names, "n", 1_000_000, "names in the list")
	flag.IntVar(&p.bursts, "bursts", 10, "different bursts of 20,000 queries; no name is in two")
	flag.IntVar(&p.blocked, "blocked", 0, "percent of the queries that are for listed names")
	flag.IntVar(&p.starts, "starts", 3, "how often all servers are started anew")
	flag.IntVar(&p.rounds, "rounds", 10, "bursts to each server after each start")
	answerNames := flag.String("answers", "whoami,nxdomain,cached,resolver,chain", "what passing queries are answered")
	kindNames := flag.String("kinds", strings.Join(namesOf(kinds), ","), "servers")
	gogc := flag.String("gogc", "", "GOGC of the servers, if not the default")
	quick := flag.Bool("quick", false, "under a minute: two answers, one start, four rounds, 40,000 names asked")
	out := flag.String("o", "", "file for the JSON, by default none")
	flag.StringVar(&p.profile, "profile", "", "directory: instead of measuring, write there CPU profiles of each server under load, of passing queries and of -blocked percent (all, if not given), and print where their time goes")
	flag.Parse()
	if p.profile != "" {
		// Profiles need only one start.
		p.starts = 1
	}
	if *quick {
		p.bursts, p.starts, p.rounds, *answerNames = 2, 1, 4, "whoami,cached"
	}
	if *gogc != "" {
		p.env = append(p.env, "GOGC="+*gogc)
	}
	var err1, err2 error
	p.answers, err1 = choose(answers, *answerNames)
	p.kinds, err2 = choose(kinds, *kindNames)
	err := errors.Join(err1, err2)
	if p.names < 1 || p.bursts < 1 || p.starts < 1 || p.rounds < 1 || p.bursts*p.starts*p.rounds > 100_000 {
		err = errors.Join(err, errors.New("-n, -bursts, -starts and -rounds must be at least 1, and not very many"))
	}
	if p.profile != "" && p.blocked == 0 {
		p.blocked = 100
	}
	if p.blocked < 0 || p.blocked > 100 || p.blocked > 0 && p.burst*p.bursts > p.names {
		err = errors.Join(err, errors.New("-blocked is a percentage, and of more names than are asked for"))
	}
	err = errors.Join(err, rig.Tools())
	rig.Main("cpu", func(ctx context.Context) error {
		if err != nil {
			return err
		}
		return run(ctx, &p, *out)
	})
}

// run makes all measurements and prints the report.
func run(ctx context.Context, p *plan, out string) error {
	dir, err := os.MkdirTemp("", "cpu")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := newRig(ctx, dir, p)
	if err != nil {
		return err
	}
	defer r.close()
	rep := newReport(ctx, p)
	for start := range p.starts {
		for _, a := range p.answers {
			if err := r.measure(ctx, p, a, start, rep); err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
		}
	}
	if p.profile != "" {
		return nil
	}
	rep.finish()
	fmt.Print(rep.table())
	if out == "" {
		return nil
	}
	return rig.Save(out, rep)
}

func (r *lab) measure(ctx context.Context, p *plan, a answer, start int, rep *report) error {
	running := make([]*instance, len(p.kinds))
	for i, k := range p.kinds {
		in, err := r.start(ctx, k, a)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		defer in.End()
		running[i] = in
	}
	// A server with a cache must cache every name before the measurement.
	warm := p.bursts
	if a.upstream == nil {
		warm = 1
	}
	for _, in := range running {
		if err := r.check(in, a); err != nil {
			return fmt.Errorf("%s: %w", in.kind.name, err)
		}
		for _, percent := range p.percents() {
			for b := range warm {
				if _, err := r.ask(ctx, in, a, percent, b); err != nil {
					return fmt.Errorf("%s: warming up: %w", in.kind.name, err)
				}
			}
		}
	}
	if p.profile != "" {
		return r.profiles(ctx, a, running)
	}
	for round := range p.rounds {
		for i := range running {
			// The speed of the machine may drift. Every second round reverses the order of servers.
			if round%2 == 1 {
				i = len(running) - 1 - i
			}
			in := running[i]
			s, err := r.ask(ctx, in, a, p.blocked, (start*p.rounds+round)%p.bursts)
			if err != nil {
				return fmt.Errorf("%s: %w", in.kind.name, err)
			}
			s.Start, s.Round, s.Answer, s.Server = start, round, a.name, in.kind.name
			rep.Samples = append(rep.Samples, s)
		}
	}
	return nil
}

func newRig(ctx context.Context, dir string, p *plan) (*lab, error) {
	r := &lab{dir: dir, plan: p}
	var err error
	if r.coredns, err = rig.Build(ctx, dir); err != nil {
		return nil, err
	}
	list := corpus.New(p.names)
	r.listed = list.Names[0]
	const header = "version: 1\ndefaults: {authority: {name: A Regulator, country: IT, kind: regulator}, scope: global}\n"
	files := map[string]string{
		"nothing.yaml": header + "orders: []\n",
		"big.yaml":     header + "orders: [{id: big, issued: 2026-01-15, targets_from: {file: names.txt}}]\n",
		"names.txt":    strings.Join(list.Names, "\n") + "\n",
	}
	misses := list.Misses(p.burst * p.bursts)
	r.passing = misses[0]
	for _, percent := range p.percents() {
		asked := slices.Clone(misses)
		if percent > 0 {
			for i, hit := range list.Hits()[:len(asked)] {
				if i%100 < percent {
					asked[i] = hit
				}
			}
		}
		for b := range p.bursts {
			files[burstFile(percent, b)] = strings.Join(asked[b*p.burst:(b+1)*p.burst], " A\n") + " A\n"
		}
	}
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	if err := errors.Join(err, rig.Age(dir)); err != nil {
		return nil, err
	}
	r.upstreams, err = startUpstreams()
	return r, err
}

func (p *plan) percents() []int {
	if p.profile != "" {
		return []int{0, p.blocked}
	}
	return []int{p.blocked}
}

func burstFile(percent, b int) string { return fmt.Sprintf("burst%d-%d.txt", percent, b) }
