package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/bench/rig"
)

// CoreDNS limits a pprof reply to five seconds.
const (
	pieces = 7
	piece  = 3 // the length of a piece in seconds
)

func (r *lab) profiles(ctx context.Context, a answer, running []*instance) error {
	var t shares
	for _, percent := range r.plan.percents() {
		files, cost := make([][]string, len(running)), make([][]float64, len(running))
		for i := range pieces * len(running) {
			k := i % len(running)
			file := filepath.Join(r.plan.profile, fmt.Sprintf("%s-%s-%d.%d.pprof", a.name, strings.ReplaceAll(running[k].kind.name, " ", "-"), percent, i/len(running)))
			cpu, err := r.profile(ctx, a, running[k], percent, file)
			if err != nil {
				return fmt.Errorf("%s: %w", running[k].kind.name, err)
			}
			files[k], cost[k] = append(files[k], file), append(cost[k], cpu...)
		}
		for k, in := range running {
			what := fmt.Sprintf("%s, %d %% listed", in.kind.name, percent)
			if err := t.add(ctx, what, rig.Quartiles(cost[k])[1], files[k]); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\n%s: %s\n\n%s", a.name, a.what, t.table())
	return nil
}

func (r *lab) profile(ctx context.Context, a answer, in *instance, percent int, file string) (cpu []float64, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- rig.Fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", in.pprof, piece), file)
	}()
	for burst := 0; len(done) == 0; burst++ {
		s, err := r.ask(ctx, in, a, percent, burst%r.plan.bursts)
		if err != nil {
			return nil, err
		}
		cpu = append(cpu, s.CPU)
	}
	return cpu, <-done
}
