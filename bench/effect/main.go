// Command effect measures, from outside, how long the real server takes to carry
// an order out: from its start to the first blocked answer, and from the rename
// that changes an order file to the first changed answer; and what memory it
// takes on the way. It builds cmd/coredns, runs it on loopback and ends it.
//
//	go run ./bench/effect -n 1000000 -count 5
//
// It prints a line a repetition in the format of Go's benchmarks, for benchstat.
// A question goes out each millisecond, whether or not the one before was
// answered, so that a server that stops answering cannot hide it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/dns-orders/blocklist/bench/server"
	"github.com/miekg/dns"
)

const (
	// patience bounds every wait for an answer to change.
	patience = 2 * time.Minute
	// settle is the time between a load and the look at the memory it left.
	settle = 2 * time.Second
)

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 1_000_000, "names in the big list")
	count := flag.Int("count", 5, "repetitions, at most 100")
	keep := flag.Bool("v", false, "show the server's log")
	flag.Parse()
	if *n < 1 || *count < 1 || *count > 100 {
		log.Fatal("effect: -n and -count must be at least 1, -count at most 100")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, *n, *count, *keep); err != nil {
		stop()
		log.Fatal("effect: ", err)
	}
}

// lab is a directory with a server, its Corefile and its order files.
type lab struct {
	dir   string
	addr  string
	log   *os.File
	names []string
}

func measure(ctx context.Context, n, count int, verbose bool) (err error) {
	dir, err := os.MkdirTemp("", "effect")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &lab{dir: dir, names: corpus.New(n).Names, log: os.Stderr}
	if !verbose {
		if r.log, err = os.Create(r.path("log")); err != nil {
			return err
		}
		defer func() {
			if text, _ := os.ReadFile(r.path("log")); err != nil {
				os.Stderr.Write(text[max(0, len(text)-4000):])
			}
			r.log.Close()
		}()
	}
	if _, err := server.Build(ctx, dir); err != nil {
		return err
	}
	fmt.Printf("goos: %s\ngoarch: %s\npkg: github.com/dns-orders/blocklist/bench/effect\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, server.Model())
	for i := range count {
		if err := errors.Join(r.bare(ctx), r.round(ctx, i)); err != nil {
			return err
		}
	}
	return nil
}

// bare is the server with the small file alone: what the names cost is counted
// from there.
func (r *lab) bare(ctx context.Context) error {
	if err := errors.Join(r.small(0), r.corefile("small.yaml")); err != nil {
		return err
	}
	s, err := r.start(ctx)
	if err != nil {
		return err
	}
	defer s.End()
	took, err := r.until(ctx, "small-0.example", begun(s))
	if err != nil {
		return err
	}
	time.Sleep(settle)
	print("Start/names=0", ms("ms/first-block", took), mb("MB-RSS", s.RSS("VmRSS")))
	return nil
}

// round starts the server with both files and changes each once.
func (r *lab) round(ctx context.Context, i int) error {
	n := len(r.names)
	if err := errors.Join(r.small(0), r.big(0), r.corefile("big.yaml small.yaml")); err != nil {
		return err
	}
	s, err := r.start(ctx)
	if err != nil {
		return err
	}
	defer s.End()
	took, err := r.until(ctx, r.names[0], begun(s))
	if err != nil {
		return err
	}
	peak := s.RSS("VmHWM")
	time.Sleep(settle)
	print(fmt.Sprintf("Start/names=%d", n), ms("ms/first-block", took), mb("MB-RSS", s.RSS("VmRSS")), mb("MB-peak", peak))

	for _, change := range []struct {
		what, name string
		write      func(version int) error
	}{
		{"one-name-added", "big-1.example", r.big},
		{"other-file", "small-1.example", r.small},
	} {
		before := s.RSS("VmRSS")
		if err := s.ResetPeak(); err != nil {
			return err
		}
		// The rename is the last thing that write does.
		took, err := r.until(ctx, change.name, func() (time.Time, error) { err := change.write(1); return time.Now(), err })
		if err != nil {
			return err
		}
		time.Sleep(settle) // what is told behind the swap may take the most
		print(fmt.Sprintf("Change/%s/names=%d", change.what, n), ms("ms/effect", took),
			mb("MB-before", before), mb("MB-peak", s.RSS("VmHWM")), mb("MB-after", s.RSS("VmRSS")))
	}
	return nil
}

// start runs the server of the rig.
func (r *lab) start(ctx context.Context) (*server.Server, error) {
	if err := server.Age(r.dir); err != nil {
		return nil, err
	}
	return server.Start(ctx, r.log, nil, r.path("coredns"), "-conf", r.path("Corefile"))
}

// until asks for a name each millisecond until it is blocked.
func (r *lab) until(ctx context.Context, name string, change func() (time.Time, error)) (time.Duration, error) {
	blocked := func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError }
	return rig.Question{Addr: r.addr, Name: rig.Same(name), Every: time.Millisecond, Done: blocked}.Until(ctx, patience, change)
}

// begun is the moment of the start, as until wants it.
func begun(s *server.Server) func() (time.Time, error) {
	return func() (time.Time, error) { return s.Since(), nil }
}

func (r *lab) path(name string) string { return filepath.Join(r.dir, name) }

// replace puts a file in the place of another by rename, as editors do.
func (r *lab) replace(name, text string) error {
	next := r.path("." + name)
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, r.path(name))
}

const header = "version: 1\ndefaults: {authority: {name: A Regulator, country: IT, kind: regulator}, scope: global}\n"

// big writes the big list; each version has a name more.
func (r *lab) big(version int) error {
	if version == 0 {
		if err := r.replace("big.yaml", header+"orders: [{id: big, targets_from: {file: names.txt}}]\n"); err != nil {
			return err
		}
	}
	text := strings.Join(r.names, "\n") + "\n"
	for v := range version {
		text += fmt.Sprintf("big-%d.example\n", v+1)
	}
	return r.replace("names.txt", text)
}

// small writes the small file; each version has a name more.
func (r *lab) small(version int) error {
	text := header + "orders:\n- id: small\n  targets:\n"
	for v := range version + 1 {
		text += fmt.Sprintf("  - small-%d.example\n", v)
	}
	return r.replace("small.yaml", text)
}

// corefile configures a server on a free port of loopback; whoami answers what
// passes.
func (r *lab) corefile(orders string) error {
	addr, port, err := server.FreePort()
	if err != nil {
		return err
	}
	r.addr = addr
	return os.WriteFile(r.path("Corefile"), []byte(fmt.Sprintf(".:%s {\n bind 127.0.0.1\n root %s\n blocklist %s\n whoami\n}\n", port, r.dir, orders)), 0o600)
}

func print(name string, values ...string) {
	fmt.Printf("Benchmark%s 1 %s\n", name, strings.Join(values, " "))
}

func ms(unit string, d time.Duration) string {
	return fmt.Sprintf("%.1f %s", float64(d.Microseconds())/1e3, unit)
}

func mb(unit string, octets int) string { return fmt.Sprintf("%.1f %s", float64(octets)/1e6, unit) }
