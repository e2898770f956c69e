// Command peers compares the plugin with the DNS servers of Debian. All servers run on loopback.
//
//	go run ./bench/peers               # a million names: a quarter of an hour
//	go run ./bench/peers -loads 1      # a million names, one load of each kind: eight minutes
//	go run ./bench/peers -quick        # under three minutes
//	go run ./bench/peers -steady 20s   # only our server, reloaded each second under load
//
// README.md describes the method.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/bench/rig"
)

func main() {
	p := plan{}
	flag.IntVar(&p.names, "n", 1_000_000, "names in the list")
	flag.IntVar(&p.burst, "burst", 25_000, "queries of a burst")
	flag.IntVar(&p.rounds, "rounds", 5, "bursts of each sort to each server")
	flag.IntVar(&p.loads, "loads", 3, "starts, idle reloads and reloads under load of each server")
	quick := flag.Bool("quick", false, "under three minutes: 100,000 names, one round, one load")
	servers := flag.String("servers", "", "a part of the servers: "+strings.Join(serverNames(), ","))
	name := flag.String("name", time.Now().UTC().Format(time.DateOnly), "of the results: bench/results/NAME-peers.json")
	write := flag.Bool("write", false, "write the JSON to bench/results and the table to bench/README.md")
	out := flag.String("o", "", "file for the JSON alone")
	piece := flag.Duration("steady", 0, "measure our server alone: three loads of this length in turn, without changes, with a change of the big list each second, and with a change of a small file each second; -rounds times")
	flag.Parse()
	if *quick {
		p = plan{names: 100_000, burst: 20_000, rounds: 1, loads: 1}
	}
	// Debian installs servers in /usr/sbin. The PATH of ordinary users lacks /usr/sbin.
	err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	chosen, e := choose(*servers)
	err = errors.Join(err, e, rig.Tools(), missing(chosen))
	if p.names < 1000 || p.burst < 1000 || p.rounds < 1 || p.loads < 1 || p.names > 10_000_000 || p.burst > 1_000_000 || p.rounds > 100 || p.loads > 100 {
		err = errors.Join(err, errors.New("-n is at least 1000 and at most 10,000,000, -burst 1000 to 1,000,000, -rounds and -loads 1 to 100"))
	}
	if *piece != 0 && (*piece < 5*time.Second || *piece > 10*time.Minute) {
		err = errors.Join(err, errors.New("-steady is a time from 5s to 10m"))
	}
	if need := listed(p.questions()); need > p.names {
		err = errors.Join(err, fmt.Errorf("-burst and -rounds ask for %d listed names, each once: -n is fewer", need))
	}
	if *piece > 0 {
		chosen = nil
	}
	rig.Main("peers", func(ctx context.Context) error {
		if err != nil {
			return err
		}
		rep, err := measure(ctx, p, chosen, *piece)
		if rep != nil {
			// An incomplete report is not written to the README.
			err = errors.Join(err, rep.publish(*out, *write && err == nil && *piece == 0, *name))
		}
		return err
	})
}

const limit = 20 * time.Minute

func measure(ctx context.Context, p plan, chosen []*peer, piece time.Duration) (*report, error) {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	rep := newReport(ctx, p)
	l, err := newLab(ctx, dir, p)
	if err != nil {
		return nil, err
	}
	for _, peer := range chosen {
		began := time.Now()
		bounded, cancel := context.WithTimeout(ctx, limit)
		x, e := l.measure(bounded, peer)
		cancel()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		log.Printf("%s: %s", peer.name, time.Since(began).Round(time.Second))
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", peer.name, e))
			continue
		}
		rep.Rows = append(rep.Rows, newRow(peer, peer.version(ctx), x))
	}
	if piece > 0 {
		rep.Steady, rep.SteadyRSS, err = l.steady(ctx, piece, p.rounds)
	}
	rep.finish()
	return rep, err
}

func missing(chosen []*peer) (err error) {
	for _, p := range chosen {
		for _, program := range slices.Sorted(maps.Keys(p.needs)) {
			if _, e := exec.LookPath(program); e != nil {
				err = errors.Join(err, fmt.Errorf("%s: no %s; it is in Debian's package %s (or leave it out with -servers)", p.name, program, p.needs[program]))
			}
		}
	}
	return err
}

func (p *peer) version(ctx context.Context) string {
	for _, program := range slices.Sorted(maps.Keys(p.needs)) {
		return rig.Output(ctx, "dpkg-query", "--show", "--showformat", "${source:Upstream-Version}", p.needs[program])
	}
	return ""
}

func serverNames() (out []string) {
	for _, p := range peers {
		out = append(out, p.name)
	}
	return out
}

func choose(list string) (out []*peer, err error) {
	if list == "" {
		return peers, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(serverNames(), strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("-servers: %q is not one of %s", name, strings.Join(serverNames(), ", "))
		}
		out = append(out, peers[i])
	}
	return out, nil
}
