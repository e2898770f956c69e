// Command reload measures what clients notice of reloads: the real server, pinned
// to one CPU, with a million names, under a steady open-loop load from another CPU,
// while a file changes each second, beside the same load without changes.
//
//	go run ./bench/reload              # a minute of each, in alternated pieces
//	go run ./bench/reload -quick       # under half a minute
//
// It builds cmd/coredns, stays on loopback and ends what it started.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/bench/probe"
	"github.com/dns-orders/blocklist/bench/rig"
)

// plan is what is measured.
type plan struct {
	Names  int      `json:"names"`
	Rate   int      `json:"rate_qps"`
	Every  duration `json:"change_every"`
	For    duration `json:"piece"`
	Rounds int      `json:"rounds"`
	kinds  []string
	bin    string // a server built before
	debug  string // directory for profiles
	log    bool
}

type duration struct{ time.Duration }

func (d duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func main() {
	log.SetFlags(0)
	var p plan
	flag.IntVar(&p.Names, "n", 1_000_000, "names in the big list")
	flag.IntVar(&p.Rate, "rate", 5000, "questions a second")
	flag.IntVar(&p.Rounds, "rounds", 3, "pieces of each kind")
	flag.DurationVar(&p.For.Duration, "for", 20*time.Second, "length of a piece")
	flag.DurationVar(&p.Every.Duration, "every", time.Second, "time between two changes")
	kinds := flag.String("kinds", "none,big,small", "what changes during a piece: none, one name of the big list, or one of the small file beside it")
	quick := flag.Bool("quick", false, "one round of 5 s each")
	out := flag.String("o", "", "file for the JSON, by default none")
	flag.StringVar(&p.bin, "coredns", "", "a server built before, instead of building one")
	flag.StringVar(&p.debug, "profile", "", "directory: write a CPU profile and a trace of the middle of each piece, which slow it down")
	flag.BoolVar(&p.log, "v", false, "show the server's log")
	flag.Parse()
	if *quick {
		p.Rounds, p.For.Duration = 1, 5*time.Second
	}
	p.kinds = strings.Split(*kinds, ",")
	var err error
	for _, k := range p.kinds {
		if !slices.Contains([]string{"none", "big", "small"}, k) {
			err = fmt.Errorf("-kinds: %q is not one", k)
		}
	}
	switch total := time.Duration(p.Rounds*len(p.kinds)) * p.For.Duration; {
	case p.Names < 1 || p.Rate < 1 || p.Rounds < 1 || p.For.Duration < time.Second || p.Every.Duration < 10*time.Millisecond || total > time.Hour:
		err = errors.Join(err, errors.New("-n, -rate and -rounds must be at least 1, -for a second, -every 10 ms, and all of it an hour at most"))
	case runtime.NumCPU() < 2:
		err = errors.Join(err, errors.New("needs two CPUs"))
	}
	if _, e := exec.LookPath("taskset"); err != nil || e != nil {
		log.Fatal("reload: ", errors.Join(err, e))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &p, *out); err != nil {
		stop()
		log.Fatal("reload: ", err)
	}
}

// piece is one load, with changes of one kind.
type piece struct {
	Kind  string `json:"kind"`
	Round int    `json:"round"`
	*probe.Result
	Effects []float64 `json:"effect_ms,omitempty"` // rename to first changed answer, of each change
	CPU     float64   `json:"cpu_s"`               // of the server
	Before  int       `json:"rss_before"`
	Peak    int       `json:"rss_peak"`
}

// row is all pieces of a kind.
type row struct {
	Kind string `json:"kind"`
	probe.Summary
	Changes int     `json:"changes"`
	Effect  float64 `json:"effect_median_ms"`
	Worst   float64 `json:"effect_max_ms"`
	CPU     float64 `json:"cpu_share"`
	Peak    int     `json:"rss_peak"`
}

type report struct {
	Date   time.Time `json:"date"`
	Go     string    `json:"go"`
	CPU    string    `json:"cpu"`
	Commit string    `json:"commit"`
	Load   [2]string `json:"load"`
	plan
	// RSS is the server's before the first piece, two seconds after its start.
	RSS    int     `json:"rss"`
	Rows   []row   `json:"rows"`
	Pieces []piece `json:"pieces"`
}

func run(ctx context.Context, p *plan, out string) (err error) {
	r, err := newLab(ctx, p)
	if err != nil {
		return err
	}
	defer func() { r.close(err) }()
	// From here on only; the build may use all CPUs.
	if err := rig.PinSelf(ctx); err != nil {
		return err
	}
	rep := &report{Date: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), CPU: rig.CPU(), Commit: rig.Commit(ctx), plan: *p}
	rep.Load[0] = rig.Load()
	rep.RSS = r.server.RSS("VmRSS")
	for round := range p.Rounds {
		for _, kind := range p.kinds {
			x, err := r.piece(ctx, kind)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			x.Round = round
			log.Printf("%-5s %s, sent late by %.1f ms at p99, %.1f at most", kind, x.Summary, x.Late.P99, x.Late.Max)
			rep.Pieces = append(rep.Pieces, *x)
		}
	}
	rep.Load[1] = rig.Load()
	rep.finish(p)
	fmt.Print(rep.table())
	if out == "" {
		return nil
	}
	text, err := json.MarshalIndent(rep, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}

// finish makes the rows of the pieces.
func (rep *report) finish(p *plan) {
	for _, kind := range p.kinds {
		x := row{Kind: kind}
		var results []*probe.Result
		var effects []float64
		seconds := 0.0
		for _, pc := range rep.Pieces {
			if pc.Kind == kind {
				results = append(results, pc.Result)
				effects = append(effects, pc.Effects...)
				x.CPU += pc.CPU
				x.Peak = max(x.Peak, pc.Peak)
				seconds += p.For.Seconds()
			}
		}
		x.Summary, x.CPU = probe.Pool(results...), x.CPU/seconds
		if x.Changes = len(effects); x.Changes > 0 {
			slices.Sort(effects)
			x.Effect, x.Worst = effects[len(effects)/2], effects[len(effects)-1]
		}
		rep.Rows = append(rep.Rows, x)
	}
}

func (rep *report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d names, %d questions a second, the server's RSS %.1f MB; latencies in ms\n\n", rep.Names, rep.Rate, mb(rep.RSS))
	b.WriteString("| changes | number | effect, median | effect, max | p50 | p99 | p99.9 | max | worst 100 ms p99 | lost | wrong | peak RSS, MB | against before | CPU share |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, x := range rep.Rows {
		fmt.Fprintf(&b, "| %s | %d | %.0f | %.0f | %.3f | %.2f | %.2f | %.2f | %.2f | %d | %d | %.1f | %.2fx | %.2f |\n", x.Kind, x.Changes, x.Effect, x.Worst,
			x.P50, x.P99, x.P999, x.Max, x.WorstP99, x.Lost, x.Wrong, mb(x.Peak), float64(x.Peak)/float64(rep.RSS), x.CPU)
	}
	return b.String()
}

func mb(octets int) float64 { return float64(octets) / 1e6 }
