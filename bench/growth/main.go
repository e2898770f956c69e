// Command growth measures the plugin with growing numbers of names, orders and server blocks.
//
//	go run ./bench/growth -write                  # to 10^7 names: ten minutes, 8 GB
//	go run ./bench/growth -quick                  # to 10^5: under one minute
//
// The command writes bench/results/NAME-growth.json. README.md describes the measurements.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"path/filepath"
	"runtime"
	"time"

	"github.com/dns-orders/blocklist/bench/rig"
)

type report struct {
	Commit  string   `json:"commit"`
	Machine string   `json:"machine"`
	Date    string   `json:"date"`
	Load    string   `json:"load"` // load average of the machine before the run
	Series  []series `json:"series"`
}

type series struct {
	Name   string  `json:"name"`
	What   string  `json:"what"`
	Points []point `json:"points"`
}

// A point contains the measurements for one value of X, for example a number of names. A missing
// measurement is 0.
type point struct {
	X      int     `json:"x"`
	MissNS float64 `json:"miss_ns,omitempty"`
	HitNS  float64 `json:"hit_ns,omitempty"`
	// Bytes is the number of live bytes on the heap. In the series "blocks", Bytes is the RSS of
	// the server.
	Bytes int `json:"bytes"`
	// In the series "blocks", LoadMS is the time from exec to the first blocking answer.
	LoadMS    float64 `json:"load_ms"`
	LoadCPUMS float64 `json:"load_cpu_ms,omitempty"`
}

type plan struct {
	names, orders, oneName, blocks []int
	queries                        int // the number of different queries
	fixed                          int // the number of names while another quantity grows
}

var (
	full = plan{
		names: powers(1_000, 10_000_000), orders: powers(1, 1_000_000), oneName: []int{1, 3, 10, 30, 100, 300, 1_000},
		blocks: []int{1, 2, 4, 8, 16, 32, 64}, queries: 1_000_000, fixed: 1_000_000,
	}
	quick = plan{
		names: powers(1_000, 100_000), orders: powers(1, 100_000), oneName: []int{1, 10, 100, 1_000},
		blocks: []int{1, 8, 64}, queries: 200_000, fixed: 100_000,
	}
)

func powers(from, to int) (out []int) {
	for ; from <= to; from *= 10 {
		out = append(out, from)
	}
	return out
}

func main() {
	isQuick := flag.Bool("quick", false, "to 100,000 names and orders: under a minute")
	name := flag.String("name", time.Now().UTC().Format(time.DateOnly), "name of the result")
	dir := flag.String("dir", "bench", "directory of README.md and results")
	write := flag.Bool("write", false, "put the table into README.md")
	only := flag.String("only", "", "measure this series alone: names, orders, one-name or blocks")
	flag.Parse()
	p := full
	if *isQuick {
		p = quick
	}
	rig.Main("growth", func(ctx context.Context) error {
		rep, err := run(ctx, p, *only)
		if err == nil {
			err = rig.Save(filepath.Join(*dir, "results", *name+"-growth.json"), rep)
		}
		if err == nil && *write {
			err = rig.Publish(filepath.Join(*dir, "README.md"), "growth", rep.table())
		}
		return err
	})
}

func run(ctx context.Context, p plan, only string) (*report, error) {
	rep := &report{
		Commit: rig.Commit(ctx), Machine: rig.CPU() + ", " + runtime.Version(),
		Date: time.Now().UTC().Format(time.DateOnly), Load: rig.Load(),
	}
	begin := time.Now()
	w := newWorld(p)
	log.Printf("%d names made in %.0f s", w.most(), time.Since(begin).Seconds())
	for _, kind := range []struct {
		name    string
		measure func(context.Context, *world, plan) ([]series, error)
	}{{"names", growNames}, {"orders", growOrders}, {"one-name", growOneName}, {"blocks", growBlocks}} {
		if only != "" && only != kind.name {
			continue
		}
		found, err := kind.measure(ctx, w, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name, err)
		}
		rep.Series = append(rep.Series, found...)
		for _, s := range found {
			fmt.Println(s.table())
		}
	}
	log.Printf("%.0f s", time.Since(begin).Seconds())
	return rep, nil
}
