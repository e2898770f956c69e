// Command secondaries measures Unbound and BIND as secondary servers of the plugin orders_rpz. It
// prints the time from a change of an order file to the changed answer.
//
//	go run ./bench/secondaries                            # 1,000,000 names, less than 4 minutes
//	go run ./bench/secondaries -parts 32 -servers bind -v # with the log of the servers
//
// All traffic stays on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
)

func main() {
	names := flag.Int("n", 1_000_000, "names in the zone")
	parts := flag.String("parts", "1,16", "numbers of parts of the zone, separated by commas")
	servers := flag.String("servers", "unbound-without-zonefile,unbound,bind", "servers to measure, separated by commas")
	changes := flag.Int("changes", 5, "changes to measure for each server")
	history := flag.Int("history", 100, "changes before the memory of the history is measured")
	verbose := flag.Bool("v", false, "print the log of the servers")
	flag.Parse()
	rig.Main("secondaries", func(ctx context.Context) error {
		return run(ctx, *names, *changes, *history, strings.Split(*parts, ","), strings.Split(*servers, ","), *verbose)
	})
}

func run(ctx context.Context, names, changes, history int, parts, servers []string, verbose bool) error {
	if names < 1 || names > 10_000_000 || changes < 1 || changes > 1000 {
		return errors.New("-n is from 1 to 10,000,000, and -changes from 1 to 1000")
	}
	for _, s := range servers {
		if secondaries[s] == nil {
			return fmt.Errorf("-servers: no server %q; the servers are unbound-without-zonefile, unbound and bind", s)
		}
	}
	dir, err := os.MkdirTemp("", "secondaries")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := &lab{dir: dir, names: corpus.New(names).Names, said: &lines{verbose: verbose}}
	if l.coredns, err = rig.Build(ctx, dir); err != nil {
		return err
	}
	if l.upstream, err = serveUpstream(ctx); err != nil {
		return err
	}
	fmt.Printf("%s, commit %s, load %s; %d names, %d changes of each server\n\n", rig.CPU(), rig.Commit(ctx), rig.Load(), names, changes)
	fmt.Println("| server | parts | s to the first zone | ms from the change to the new serial: median | to the end of the transfer | until the new name is blocked: median | worst | until the lifted name passes: median | worst |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	var memory []string
	for _, text := range parts {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-parts: %w", err)
		}
		for _, s := range servers {
			if err := l.measure(ctx, s, n, changes); err != nil {
				return err
			}
		}
		line, err := l.history(ctx, n, history)
		if err != nil {
			return err
		}
		memory = append(memory, line)
	}
	fmt.Printf("\n| parts | octets of the transfer after one change: query | answer | octets of NOTIFY and its answer | kB of heap after %d changes, more than before |\n|--:|--:|--:|--:|--:|\n", history)
	fmt.Println(strings.Join(memory, "\n"))
	fmt.Printf("\nload at the end: %s\n", rig.Load())
	return nil
}

func median(list []time.Duration) string {
	slices.Sort(list)
	return ms(list[len(list)/2])
}

func worst(list []time.Duration) string { return ms(slices.Max(list)) }

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
