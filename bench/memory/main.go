// Command memory measures the resident memory of a server with a large list. It compares the memory
// with a server without the plugin.
//
//	go run ./bench/memory                     # a million names, 3 starts, 6 rounds of 50,000 queries
//	go run ./bench/memory -coredns PATH       # another program
//
// Both servers get the same queries. All traffic stays on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
)

func main() {
	var l lab
	flag.IntVar(&l.names, "n", 1_000_000, "names in the list")
	flag.IntVar(&l.starts, "starts", 3, "starts of both servers")
	flag.IntVar(&l.rounds, "rounds", 6, "bursts for each server")
	flag.IntVar(&l.burst, "burst", 50_000, "queries in a burst")
	flag.StringVar(&l.coredns, "coredns", "", "the server program; the program is built by default")
	flag.Parse()
	rig.Main("memory", l.measure)
}

// Round 0 contains the values directly after the load.
type lab struct {
	names, starts, rounds, burst int
	coredns, dir                 string

	bare, list, extra  [][]float64 // bytes, for each round
	bareCPU, listCPU   []float64   // us for each query
	loadTime, loadPeak []float64   // ms; bytes
}

func (l *lab) measure(ctx context.Context) error {
	if l.names < 1 || l.names > 10_000_000 || l.starts < 1 || l.rounds < 1 || l.burst < 1000 || l.burst*l.rounds*l.starts > 20_000_000 {
		return errors.New("-n is at most 10,000,000, and there are at most 20,000,000 queries in bursts of 1,000 or more")
	}
	if err := rig.Tools(); err != nil {
		return err
	}
	var err error
	if l.dir, err = os.MkdirTemp("", "memory"); err != nil {
		return err
	}
	defer os.RemoveAll(l.dir)
	if l.coredns == "" {
		if l.coredns, err = rig.Build(ctx, l.dir); err != nil {
			return err
		}
	}
	list := corpus.New(l.names)
	if err := l.write(list); err != nil {
		return err
	}
	if err := rig.PinSelf(ctx); err != nil {
		return err
	}
	l.bare, l.list, l.extra = make([][]float64, l.rounds+1), make([][]float64, l.rounds+1), make([][]float64, l.rounds+1)
	for range l.starts {
		if err := l.pair(ctx, list); err != nil {
			return err
		}
	}
	l.print(ctx)
	return nil
}

func (l *lab) write(list *corpus.List) error {
	misses, hits := list.Misses(l.rounds*l.burst), list.Hits()
	for round := range l.rounds {
		var b strings.Builder
		for i := range l.burst {
			k := round*l.burst + i
			name := misses[k]
			if k%20 == 0 {
				name = hits[k/20%len(hits)]
			}
			b.WriteString(name + " A\n")
		}
		if err := os.WriteFile(l.queries(round), []byte(b.String()), 0o600); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(l.dir, "list"), []byte(strings.Join(list.Names, "\n")+"\n"), 0o600),
		os.WriteFile(filepath.Join(l.dir, "orders.yaml"), []byte("version: 1\norders:\n  - {id: big, authority: {name: A}, scope: global, targets_from: {file: list}}\n"), 0o600),
		rig.Age(l.dir))
}

func (l *lab) queries(round int) string {
	return filepath.Join(l.dir, fmt.Sprintf("queries-%d", round))
}

// A server is one of the two servers.
type server struct {
	*rig.Server
	port string
}

func (l *lab) start(ctx context.Context, directive, name string, done func(*dns.Msg) bool) (*server, time.Duration, error) {
	addr, port, err := rig.FreePort()
	if err != nil {
		return nil, 0, err
	}
	file := filepath.Join(l.dir, "Corefile-"+port)
	text := fmt.Sprintf(".:%s {\n bind 127.0.0.1\n %s\n template ANY ANY {\n  rcode NXDOMAIN\n }\n}\n", port, directive)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, 0, err
	}
	out, err := os.Create(filepath.Join(l.dir, "log-"+port))
	if err != nil {
		return nil, 0, err
	}
	defer out.Close()
	s, err := rig.Start(ctx, out, nil, rig.Pinned(rig.ServerCPU, []string{l.coredns, "-conf", file})...)
	if err != nil {
		return nil, 0, err
	}
	q := rig.Question{Addr: addr, Name: rig.Same(name), Every: time.Millisecond, Done: done}
	took, err := q.Until(ctx, time.Minute, func() (time.Time, error) { return s.Since(), nil })
	if err != nil {
		s.End()
		log, _ := os.ReadFile(out.Name())
		return nil, 0, fmt.Errorf("%w\n%s", err, log[max(0, len(log)-4000):])
	}
	return &server{s, port}, took, nil
}

// pair measures one start of both servers.
func (l *lab) pair(ctx context.Context, list *corpus.List) error {
	bare, _, err := l.start(ctx, "", list.Names[0], func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError })
	if err != nil {
		return err
	}
	defer bare.End()
	blocked := func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError && len(m.Ns) > 0 }
	full, took, err := l.start(ctx, "blocklist "+filepath.Join(l.dir, "orders.yaml"), list.Names[0], blocked)
	if err != nil {
		return err
	}
	defer full.End()
	select {
	case <-time.After(3 * time.Second): // the load returns its memory
	case <-ctx.Done():
		return ctx.Err()
	}
	l.loadTime, l.loadPeak = append(l.loadTime, float64(took.Milliseconds())), append(l.loadPeak, float64(full.RSS("VmHWM")))
	l.sample(0, bare, full)
	for round := range l.rounds {
		both := []*server{bare, full}
		if round%2 == 1 {
			both = []*server{full, bare}
		}
		for _, s := range both {
			b, err := rig.Ask(ctx, s.Server, s.port, l.queries(round), l.burst)
			if err != nil {
				return err
			}
			if s == bare {
				l.bareCPU = append(l.bareCPU, b.CPU)
			} else {
				l.listCPU = append(l.listCPU, b.CPU)
			}
		}
		l.sample(round+1, bare, full)
	}
	return nil
}

// sample records the memory of both servers.
func (l *lab) sample(round int, bare, full *server) {
	b, f := float64(bare.RSS("VmRSS")), float64(full.RSS("VmRSS"))
	l.bare[round], l.list[round] = append(l.bare[round], b), append(l.list[round], f)
	l.extra[round] = append(l.extra[round], (f-b)/float64(l.names))
}

func (l *lab) print(ctx context.Context) {
	fmt.Printf("%s, commit %s, load %s; %d names, %d starts; medians\n\n", rig.CPU(), rig.Commit(ctx), rig.Load(), l.names, l.starts)
	fmt.Println("| queries before | MB without the plugin | MB with the list | bytes a name: first quartile | median | third quartile |\n|--:|--:|--:|--:|--:|--:|")
	for round := range l.rounds + 1 {
		x := rig.Quartiles(l.extra[round])
		fmt.Printf("| %d | %.1f | %.1f | %.1f | %.1f | %.1f |\n", round*l.burst, rig.Quartiles(l.bare[round])[1]/1e6, rig.Quartiles(l.list[round])[1]/1e6, x[0], x[1], x[2])
	}
	var ratio []float64
	for i := range l.listCPU {
		ratio = append(ratio, l.listCPU[i]/l.bareCPU[i])
	}
	r := rig.Quartiles(ratio)
	fmt.Printf("\nCPU time of a query: %.2f us without the plugin, %.2f us with the list; ratio %.3f (%.3f-%.3f)\n", rig.Quartiles(l.bareCPU)[1], rig.Quartiles(l.listCPU)[1], r[1], r[0], r[2])
	fmt.Printf("load: %.0f ms from exec to the first blocked answer, peak %.1f MB\n", rig.Quartiles(l.loadTime)[1], rig.Quartiles(l.loadPeak)[1]/1e6)
}
