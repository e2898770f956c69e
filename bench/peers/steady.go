package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/bench/probe"
	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/miekg/dns"
)

// The flag -steady measures the effect of reloads on clients. A file changes each second.

var changing = map[string]struct{ file, name string }{
	"none":  {},
	"big":   {"list", "big-change.example"},
	"small": {"small.yaml", "small-change.example"},
}

var steadyKinds = []string{"none", "big", "small"}

// An answer of CoreDNS's template plugin has this shape.
var bare = shape{rcode: dns.RcodeNameError, aa: true}

const changeEvery = time.Second

const small = "version: 1\ndefaults: {authority: {name: A Regulator, country: IT, kind: regulator}, scope: global}\n" +
	"orders:\n- id: small\n  targets:\n  - small.example\n"

type steadyRow struct {
	Kind string `json:"kind"`
	probe.Summary
	Effects []float64 `json:"effect_ms,omitempty"` // times from the rename to the first changed answer, sorted
	CPU     float64   `json:"cpu_share"`           // the share of one CPU that the server used
	Peak    int       `json:"rss_peak"`
	results []*probe.Result
}

func (l *lab) steady(ctx context.Context, piece time.Duration, rounds int) (rows []steadyRow, rss int, err error) {
	s, _, err := l.start(ctx, ours, true, bare)
	if err != nil {
		return nil, 0, err
	}
	defer s.End()
	if err := errors.Join(l.stageBoth(s), wait(ctx, settle)); err != nil {
		return nil, 0, err
	}
	rss = s.RSS("VmRSS")
	rows = make([]steadyRow, len(steadyKinds))
	for range rounds {
		for i, kind := range steadyKinds {
			rows[i].Kind = kind
			if err := l.piece(ctx, s, piece, &rows[i]); err != nil {
				return nil, 0, fmt.Errorf("%s: %w", kind, s.explain(err))
			}
		}
	}
	for i := range rows {
		rows[i].Summary = probe.Pool(rows[i].results...)
		rows[i].CPU /= (piece * time.Duration(rounds)).Seconds()
		slices.Sort(rows[i].Effects)
	}
	return rows, rss, nil
}

// The function writes all files before the measurement, because writing would disturb the queries.
func (l *lab) stageBoth(s *site) error {
	big := strings.Join(l.list.Names, "\n") + "\n"
	var err error
	for file, text := range map[string]string{
		"list.0": big, "list.1": big + changing["big"].name + "\n",
		"small.yaml.0": small, "small.yaml.1": small + "  - " + changing["small"].name + "\n",
	} {
		err = errors.Join(err, os.WriteFile(s.path(file), []byte(text), 0o600))
	}
	return err
}

func (l *lab) piece(ctx context.Context, s *site, length time.Duration, row *steadyRow) error {
	if err := errors.Join(wait(ctx, settle), s.ResetPeak()); err != nil {
		return err
	}
	before, err := s.CPU()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var side sync.WaitGroup
	var changes error
	if row.Kind != "none" {
		side.Go(func() { changes = l.changes(ctx, s, length, row) })
	}
	result, err := probe.Run(ctx, probe.Config{Addr: s.addr, Rate: rate, For: length, Queries: load(l.work[false][five]), IsBlocked: bare.blockedWire})
	if err != nil {
		cancel()
	}
	side.Wait()
	cancel()
	if err := errors.Join(err, changes); err != nil {
		return err
	}
	after, err := s.CPU()
	row.results = append(row.results, result)
	row.CPU += (after - before).Seconds()
	row.Peak = max(row.Peak, s.RSS("VmHWM"))
	return err
}

func (l *lab) changes(ctx context.Context, s *site, length time.Duration, row *steadyRow) error {
	c := changing[row.Kind]
	begin := time.Now()
	for n := 0; ; n++ {
		added := n%2 == 0
		at := begin.Add(time.Duration(n) * changeEvery)
		if added && at.Sub(begin)+2*changeEvery > length {
			return nil
		}
		if err := wait(ctx, time.Until(at)); err != nil {
			return err
		}
		version := c.file + map[bool]string{false: ".0", true: ".1"}[added]
		if err := os.Link(s.path(version), s.path(".next")); err != nil {
			return err
		}
		q := rig.Question{Addr: s.addr, Name: rig.Same(c.name), Every: 2 * time.Millisecond, Done: func(m *dns.Msg) bool { return bare.blocked(m) == added }}
		took, err := q.Until(ctx, patience, func() (time.Time, error) {
			begin := time.Now()
			return begin, os.Rename(s.path(".next"), s.path(c.file))
		})
		if err != nil {
			return err
		}
		row.Effects = append(row.Effects, ms(took))
	}
}

// steadyTable returns the rows as Markdown.
func steadyTable(rows []steadyRow, rss int) string {
	var b strings.Builder
	b.WriteString("| changes each second | changes | effect, median and maximum | p50 | p99 | p99.9 | max | worst 100 ms p99 | lost | wrong | peak RSS | CPU share |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		effect := "-"
		if n := len(r.Effects); n > 0 {
			effect = fmt.Sprintf("%.0f, %.0f ms", r.Effects[n/2], r.Effects[n-1])
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %.2f ms | %.2f ms | %.1f ms | %.1f ms | %.1f ms | %d | %d | %.0f MB, %.2fx | %.2f |\n", r.Kind, len(r.Effects), effect,
			r.P50, r.P99, r.P999, r.Max, r.WorstP99, r.Lost, r.Wrong, float64(r.Peak)/1e6, float64(r.Peak)/float64(rss), r.CPU)
	}
	return b.String()
}
