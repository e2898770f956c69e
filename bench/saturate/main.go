// Command saturate keeps a server busy with queries while the list changes each second. It reports
// lost answers, wrong answers and latencies.
//
//	go run ./bench/saturate                                  # 100,000 names, 10 s for each load
//	go run ./bench/saturate -names 1000000 -for 10m -rounds 1
//
// After each answer, a socket sends the next query. A latency includes the time in the queue of the
// server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
)

const changed = "saturate-change.example"

func main() {
	names := flag.Int("names", 100_000, "the number of names in the list")
	length := flag.Duration("for", 10*time.Second, "the length of each load")
	rounds := flag.Int("rounds", 1, "how often the two loads are repeated")
	every := flag.Duration("every", time.Second, "the time between two changes of the list")
	sockets := flag.Int("sockets", 8, "the number of sockets")
	window := flag.Int("window", 12, "the number of outstanding queries of each socket, at most 256")
	state := flag.Bool("state", false, "use a state directory, in which each version of the list is stored")
	journal := flag.Bool("journal", false, "write a journal")
	flag.Parse()
	var properties string
	if *state {
		properties += "  state state\n"
	}
	if *journal {
		properties += "  journal journal\n"
	}
	rig.Main("saturate", func(ctx context.Context) error {
		if *window < 1 || *window > 1<<slotBits || *sockets < 1 || *names < 1 || *rounds < 1 || *every <= 0 {
			return errors.New("a flag is out of range")
		}
		l := &lab{list: corpus.New(*names), every: *every}
		return l.run(ctx, properties, func() error {
			fmt.Printf("%d names, %d sockets with %d queries each, commit %s, %s, load %s\n", *names, *sockets, *window, rig.Commit(ctx), rig.CPU(), rig.Load())
			fmt.Printf("%-22s %10s %9s %6s %6s %9s %9s %9s %9s %8s %10s %8s\n", "load", "answers", "per s", "lost", "wrong", "p50", "p99", "p99.9", "max", "changes", "in effect", "peak MB")
			qs, err := l.questions()
			if err != nil {
				return err
			}
			for range *rounds {
				for _, change := range []bool{false, true} {
					if err := l.measure(ctx, qs, *sockets, *window, *length, change); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}

type lab struct {
	list   *corpus.List
	big    string // the text of the list
	n      int    // the number of changes so far
	every  time.Duration
	dir    string
	addr   string
	server *rig.Server
}

func (l *lab) run(ctx context.Context, properties string, fn func() error) (err error) {
	if l.dir, err = os.MkdirTemp("", "saturate"); err != nil {
		return err
	}
	defer os.RemoveAll(l.dir)
	bin, err := rig.Build(ctx, l.dir)
	if err != nil {
		return err
	}
	addr, port, err := rig.FreePort()
	if err != nil {
		return err
	}
	l.addr = addr
	l.big = strings.Join(l.list.Names, "\n") + "\n"
	for file, text := range map[string]string{
		"Corefile":    fmt.Sprintf(".:%s {\n bind 127.0.0.1\n root %s\n blocklist orders.yaml {\n%s }\n whoami\n}\n", port, l.dir, properties),
		"orders.yaml": "version: 1\norders:\n- {id: big, authority: {name: A Regulator, country: IT, kind: regulator}, scope: global, targets_from: {file: list.txt}}\n",
		"list.txt":    l.big,
	} {
		if err := os.WriteFile(filepath.Join(l.dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	out, err := os.Create(filepath.Join(l.dir, "log"))
	if err != nil {
		return err
	}
	defer out.Close()
	if l.server, err = rig.Start(ctx, out, nil, bin, "-conf", filepath.Join(l.dir, "Corefile")); err != nil {
		return err
	}
	defer l.server.End()
	if _, err := l.until(ctx, l.list.Names[0], true, func() (time.Time, error) { return time.Now(), nil }); err != nil {
		return fmt.Errorf("the start: %w", err)
	}
	return fn()
}

// questions returns queries of which 5 % are blocked.
func (l *lab) questions() (qs []question, err error) {
	const n = 200_000
	for _, name := range l.list.Mix(n) {
		b, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
		if err != nil {
			return nil, err
		}
		qs = append(qs, question{b, l.list.Covers(strings.TrimSuffix(name, "."))})
	}
	return qs, nil
}

func (l *lab) measure(ctx context.Context, qs []question, sockets, window int, length time.Duration, change bool) error {
	runtime.GC()
	if err := l.server.ResetPeak(); err != nil {
		return err
	}
	type changes struct {
		n      int
		effect histogram
		err    error
	}
	done := make(chan changes, 1)
	changing, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	go func() {
		var c changes
		for change && c.err == nil && changing.Err() == nil {
			begin := time.Now()
			took, err := l.change(ctx, c.n%2 == 0)
			c.n++
			c.effect.add(took)
			c.err = err
			select {
			case <-changing.Done():
			case <-time.After(time.Until(begin.Add(l.every))):
			}
		}
		if change && c.err == nil && c.n%2 == 1 { // the next load begins with the same list
			_, c.err = l.change(ctx, false)
		}
		done <- c
	}()
	r, err := saturate(ctx, l.addr, sockets, window, qs, length)
	if err != nil {
		cancel()
	}
	c := <-done
	if err := errors.Join(err, c.err, ctx.Err()); err != nil {
		return err
	}
	name, effect := "without changes", "-"
	if change {
		name, effect = fmt.Sprintf("a change each %v", l.every), ms(c.effect.max)
	}
	fmt.Printf("%-22s %10d %9.0f %6d %6d %9s %9s %9s %9s %8d %10s %8d\n", name, r.latency.n, float64(r.latency.n)/r.length.Seconds(), r.lost, r.wrong,
		ms(r.latency.quantile(0.5)), ms(r.latency.quantile(0.99)), ms(r.latency.quantile(0.999)), ms(r.latency.max), c.n, effect, l.server.RSS("VmHWM")>>20)
	if r.example != "" {
		fmt.Println("a wrong answer:", r.example)
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }

// Each change writes a different comment line, because a journal stores equal bytes only once.
func (l *lab) change(ctx context.Context, add bool) (time.Duration, error) {
	l.n++
	end := fmt.Sprintf("# version %d\n", l.n)
	if add {
		end += changed + "\n"
	}
	next := filepath.Join(l.dir, ".next")
	if err := os.WriteFile(next, []byte(l.big+end), 0o644); err != nil {
		return 0, err
	}
	return l.until(ctx, changed, add, func() (time.Time, error) {
		begin := time.Now()
		return begin, os.Rename(next, filepath.Join(l.dir, "list.txt"))
	})
}

func (l *lab) until(ctx context.Context, name string, blocked bool, change func() (time.Time, error)) (time.Duration, error) {
	q := rig.Question{Addr: l.addr, Name: rig.Same(name), Every: 5 * time.Millisecond,
		Done: func(m *dns.Msg) bool { return (m.Rcode == dns.RcodeNameError) == blocked }}
	return q.Until(ctx, time.Minute, change)
}
