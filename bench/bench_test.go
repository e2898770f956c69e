// Package bench measures the plugin with the names of bench/corpus. README.md describes the
// measurements.
package bench

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

var sizesFlag = flag.String("names", "10000,100000,1000000", "numbers of names to measure; 10000000 takes some 6 GB and minutes")

func sizes(b *testing.B) (out []int) {
	for f := range strings.SplitSeq(*sizesFlag, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 1000 || n > 10_000_000 {
			b.Fatalf("-names takes numbers from 1000 to 10000000, got %q", f)
		}
		out = append(out, n)
	}
	return out
}

// The data of a million queries does not fit into a processor cache.
const queries = 1_000_000

// eachSize runs a benchmark for each number of names.
func eachSize(b *testing.B, f func(b *testing.B, n int)) {
	for _, n := range sizes(b) {
		b.Run(fmt.Sprintf("names=%d", n), func(b *testing.B) { f(b, n) })
	}
}

func once[T any](f func(n int) T) func(n int) T {
	var mu sync.Mutex
	made := map[int]T{}
	return func(n int) T {
		mu.Lock()
		defer mu.Unlock()
		v, ok := made[n]
		if !ok {
			v = f(n)
			made[n] = v
		}
		return v
	}
}

var (
	list   = once(corpus.New)
	hits   = once(func(n int) corpus.Queries { return list(n).Hits() })
	subs   = once(func(n int) corpus.Queries { return list(n).SubdomainHits() })
	misses = once(func(n int) corpus.Queries { return list(n).Misses(queries) })
	mix    = once(func(n int) corpus.Queries { return list(n).Mix(queries) })
	set    = once(func(n int) *ruleset.Set {
		return ruleset.Merge([]*ruleset.Part{compile(sideList(list(n).Names))}, ruleset.Options{})
	})
)

type input struct {
	path string
	text []byte
	side []byte
}

const header = `version: 1
authorities:
  regulator: {authority: {name: A Regulator, country: IT, kind: regulator}, scope: global}
`

func sideList(names []string) input {
	return input{"side.yaml",
		[]byte(header + `orders: [{id: big, authority: regulator, issued: 2026-01-15, targets_from: {file: names.txt}}]` + "\n"),
		[]byte(strings.Join(names, "\n") + "\n")}
}

func yamlTargets(names []string) input {
	return input{"targets.yaml", []byte(header + "orders:\n- id: big\n  authority: regulator\n  issued: 2026-01-15\n  targets:\n  - " +
		strings.Join(names, "\n  - ") + "\n"), nil}
}

const jsonHeader = `"version":1,"authorities":{"regulator":{"authority":{"name":"A Regulator","country":"IT","kind":"regulator"},"scope":"global"}}`

func jsonTargets(names []string) input {
	return input{"targets.json", []byte(`{` + jsonHeader + `,"orders":[{"id":"big","authority":"regulator","issued":"2026-01-15","targets":["` +
		strings.Join(names, `","`) + `"]}]}` + "\n"), nil}
}

func register(names []string) input {
	var text bytes.Buffer
	fmt.Fprintf(&text, "{%s,\"count\":%d}\n", jsonHeader, len(names))
	for i, name := range names {
		fmt.Fprintf(&text, `{"id":"2026/%07d","authority":"regulator","issued":"2026-01-15","references":["%d-RI"],"targets":["%s"]}`+"\n", i, i, name)
	}
	return input{"register.jsonl", text.Bytes(), nil}
}

func small(version int) input {
	text := header + "orders:\n- id: small\n  authority: regulator\n  targets:\n"
	for i := range 100 {
		text += fmt.Sprintf("  - small-%d-%d.example\n", version, i)
	}
	return input{"small.yaml", []byte(text), nil}
}

func parse(in input, emit func(*order.Order), side func(*order.Order) order.Names) {
	_, problems := order.Parse(in.path, bytes.NewReader(in.text), order.Options{
		OpenSide: func(string) (io.ReadCloser, error) {
			if in.side == nil {
				return nil, fs.ErrNotExist
			}
			return rig.SideList(in.side), nil
		},
		Emit: emit,
		Side: side,
	})
	if len(problems) > 0 {
		panic(problems)
	}
}

// compile parses and compiles an order file.
func compile(in input) *ruleset.Part {
	b := ruleset.NewBuilder(in.path, ruleset.Options{})
	parse(in, b.Add, b.Side)
	p, problems := b.Freeze()
	if len(problems) > 0 {
		panic(problems)
	}
	return p
}

// must fails a benchmark if ok is false.
func must(b *testing.B, ok bool, what string) {
	b.Helper()
	if !ok {
		b.Fatal(errors.New(what))
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // frees the objects whose finalizers ran in the first collection
	return read("/gc/heap/live:bytes") + uint64(index.Mapped())
}

func read(metric string) uint64 {
	s := []metrics.Sample{{Name: metric}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func peak(f func()) uint64 {
	const objects = "/memory/classes/heap/objects:bytes"
	before := heap()
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		top := uint64(0)
		for {
			top = max(top, read(objects)+uint64(index.Mapped()))
			select {
			case <-stop:
				most <- top
				return
			case <-time.After(500 * time.Microsecond):
			}
		}
	}()
	f()
	close(stop)
	return max(<-most, before) - before
}

// The benchmarks use CPU time, because other programs disturb it less than elapsed time.
func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func eachLoop(b *testing.B, f func()) {
	begin := cpu()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(cpu()-begin)/float64(b.N), "cpu-ns/op")
}
