package main

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
	"golang.org/x/sys/unix"
)

const now order.Time = 1_780_000_000 // a time in 2026

const (
	rounds = 5
	// patience is the longest load that the command repeats.
	patience = 4 * time.Second
	// enough limits the time for a round of queries.
	enough = time.Second / 2
)

var client = ruleset.Client{Addr: netip.MustParseAddr("192.0.2.1")}

func growNames(ctx context.Context, w *world, p plan) ([]series, error) {
	s := series{Name: "names", What: "names in one order"}
	for _, n := range p.names {
		pt, err := measure(ctx, n, []file{sideList(w.names(n))}, w.misses, w.hits[n])
		if err != nil {
			return nil, err
		}
		s.Points = append(s.Points, pt)
	}
	return []series{s}, nil
}

func growOrders(ctx context.Context, w *world, p plan) ([]series, error) {
	s := series{Name: "orders", What: fmt.Sprintf("orders, %d names in all", p.fixed)}
	for _, k := range p.orders {
		pt, err := measure(ctx, k, []file{register(w.names(p.fixed), k)}, w.misses, w.hits[p.fixed])
		if err != nil {
			return nil, err
		}
		s.Points = append(s.Points, pt)
	}
	return []series{s}, nil
}

var crowds = []struct {
	name, what string
	others     func(i int) string
	lift       bool
}{
	{"one-name", "orders on one name, all in force", func(int) string { return "" }, false},
	{"one-name-ended", "orders on one name, all but the last ended", func(int) string { return `,"until":"2025-12-31"` }, false},
	{"one-name-scoped", "orders on one name, all but the last for other clients", func(i int) string {
		return fmt.Sprintf(`,"scope":{"clients":["10.%d.%d.0/24"]}`, i/256, i%256)
	}, false},
	{"one-name-lifted", "orders on one name, all but the last lifted there, each by a lift of its own", func(int) string { return "" }, true},
}

func growOneName(ctx context.Context, w *world, p plan) (all []series, err error) {
	names := w.names(p.names[1])
	for _, c := range crowds {
		s := series{Name: c.name, What: c.what}
		for _, k := range p.oneName {
			files := []file{sideList(names), crowd(k, c.others, c.lift)}
			pt, err := measure(ctx, k, files, nil, corpus.Queries{crowded + ".", "www." + crowded + "."})
			if err != nil {
				return nil, err
			}
			s.Points = append(s.Points, pt)
		}
		all = append(all, s)
	}
	return all, nil
}

func measure(ctx context.Context, x int, files []file, misses, hits corpus.Queries) (point, error) {
	if err := ctx.Err(); err != nil {
		return point{}, err
	}
	pt := point{X: x}
	before := heap()
	set := load(files...)
	pt.Bytes = int(heap() - before)
	var err error
	if len(misses) > 0 {
		if pt.MissNS, err = ask(set, misses, false); err != nil {
			return pt, err
		}
	}
	if pt.HitNS, err = ask(set, hits, true); err != nil {
		return pt, err
	}
	runtime.KeepAlive(set)
	set = nil
	var took, busy []float64
	for range rounds {
		runtime.GC()
		begin, before := time.Now(), spent(unix.CLOCK_PROCESS_CPUTIME_ID)
		load(files...)
		wall := time.Since(begin)
		took = append(took, ms(wall))
		busy = append(busy, ms(spent(unix.CLOCK_PROCESS_CPUTIME_ID)-before))
		if wall > patience {
			break
		}
	}
	pt.LoadMS, pt.LoadCPUMS = median(took), median(busy)
	return pt, nil
}

// The result is the CPU time of a query in nanoseconds.
func ask(set *ruleset.Set, qs corpus.Queries, blocked bool) (float64, error) {
	runtime.LockOSThread() // only the CPU time of this thread is measured
	defer runtime.UnlockOSThread()
	least := max(len(qs), 100_000)
	var all []float64
	for range rounds {
		asked, begin, before := 0, time.Now(), spent(unix.CLOCK_THREAD_CPUTIME_ID)
		for asked < least && time.Since(begin) < enough {
			for _, q := range qs {
				if judge(set, q) != blocked {
					return 0, fmt.Errorf("blocked: %t: %s", !blocked, q)
				}
			}
			asked += len(qs)
		}
		all = append(all, float64(spent(unix.CLOCK_THREAD_CPUTIME_ID)-before)/float64(asked))
	}
	return median(all), nil
}

func judge(s *ruleset.Set, name string) bool {
	var q ruleset.QName
	return q.Set(name) && s.Covers(&q.Wire) && s.Decide(&q, ruleset.Query{Client: client, Now: now}).Blocked()
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// The function reads a kernel clock, because getrusage(2) is too coarse on some kernels.
func spent(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		panic(err) // every Linux has these clocks
	}
	return time.Duration(t.Nano())
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // frees the objects whose finalizers ran in the first collection
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() + uint64(index.Mapped())
}
