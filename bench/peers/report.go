package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/bench/rig"
)

type report struct {
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Date    time.Time `json:"date"`
	Load    [2]string `json:"load"` // load average before and after the run
	Names   int       `json:"names"`
	Burst   int       `json:"burst"`
	Rounds  int       `json:"rounds"`
	Loads   int       `json:"loads"`
	Took    float64   `json:"took_s"`
	Rows    []row     `json:"rows,omitempty"`
	// SteadyRSS is the RSS of the server before the loads, in bytes.
	Steady    []steadyRow `json:"steady,omitempty"`
	SteadyRSS int         `json:"steady_rss,omitempty"`
}

// A row is the result of one peer. Most figures are medians. Lost, Wrong and LateMax are maxima.
type row struct {
	Server       string `json:"server"`
	What         string `json:"what"`
	Version      string `json:"version,omitempty"`
	BaseCPU      figure `json:"base_cpu_us"`
	PassingCPU   figure `json:"passing_cpu_us"`
	FiveCPU      figure `json:"five_cpu_us"`
	BlockedCPU   figure `json:"blocked_cpu_us"`
	PassingRatio figure `json:"passing_ratio"`
	FiveRatio    figure `json:"five_ratio"`
	BlockedRatio figure `json:"blocked_ratio"`
	Bytes        figure `json:"bytes_per_name"`
	Peak         figure `json:"reload_peak_ratio"`
	Effect       figure `json:"effect_ms"`
	P99          figure `json:"reload_p99_ms"`
	Lost         figure `json:"lost"`
	Wrong        figure `json:"wrong"`
	Start        figure `json:"start_ms"`
	// This is the p99 of the delay of the prober. The field P99 includes this delay.
	Late    figure `json:"prober_late_ms"`
	LateMax figure `json:"prober_late_max_ms"`
	// With a small receive buffer, the prober itself may lose answers.
	Buffer figure `json:"prober_buffer_bytes"`
}

// A figure is a number in the report. NaN means not measured.
type figure float64

func (f figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) {
		return []byte("null"), nil
	}
	return json.Marshal(math.Round(float64(f)*1000) / 1000)
}

func (f figure) text(format string) string {
	if math.IsNaN(float64(f)) {
		return "-"
	}
	return fmt.Sprintf(format, float64(f))
}

func (f figure) seconds() string {
	switch {
	case f >= 1000:
		return (f / 1000).text("%.1f s")
	case f >= 10:
		return f.text("%.0f ms")
	}
	return f.text("%.1f ms")
}

func median(x []float64) figure {
	if len(x) == 0 {
		return figure(math.NaN())
	}
	return figure(rig.Quartiles(x)[1])
}

// The result is the maximum, because a median would hide lost answers in one load.
func worst(x []float64) figure {
	if len(x) == 0 {
		return figure(math.NaN())
	}
	return figure(slices.Max(x))
}

func ratio(list, base []float64) figure {
	var r []float64
	for i := range min(len(list), len(base)) {
		r = append(r, list[i]/base[i])
	}
	return median(r)
}

func newRow(p *peer, version string, x *samples) row {
	return row{
		Server: p.name, What: p.what, Version: version,
		BaseCPU: median(x.base[passing]), PassingCPU: median(x.list[passing]), FiveCPU: median(x.list[five]), BlockedCPU: median(x.list[blocked]),
		PassingRatio: ratio(x.list[passing], x.base[passing]), FiveRatio: ratio(x.list[five], x.base[five]), BlockedRatio: ratio(x.list[blocked], x.base[blocked]),
		Bytes: median(x.bytes), Peak: median(x.peak), Effect: median(x.effect),
		P99: median(x.p99), Lost: worst(x.lost), Wrong: worst(x.wrong), Start: median(x.start),
		Late: median(x.late), LateMax: worst(x.latest), Buffer: median(x.buffer),
	}
}

func newReport(ctx context.Context, p plan) *report {
	return &report{Commit: rig.Commit(ctx), Machine: rig.CPU() + ", " + rig.Kernel(ctx), Date: time.Now().UTC().Truncate(time.Second),
		Load: [2]string{rig.Load(), ""}, Names: p.names, Burst: p.burst, Rounds: p.rounds, Loads: p.loads}
}

func (rep *report) finish() {
	rep.Load[1] = rig.Load()
	rep.Took = math.Round(time.Since(rep.Date).Seconds())
}

// table returns the report as Markdown.
func (rep *report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s; %s; load %s -> %s; %d names, %d rounds of %d queries, %d loads of each kind; %.0f s.\n\n", rep.Date.Format(time.DateTime),
		rep.Commit, rep.Machine, rep.Load[0], rep.Load[1], rep.Names, rep.Rounds, rep.Burst, rep.Loads, rep.Took)
	if rep.Steady != nil {
		return b.String() + steadyTable(rep.Steady, rep.SteadyRSS)
	}
	b.WriteString("| server | passing query, CPU against itself without a list | 5 % blocked, likewise | blocked, likewise | CPU us: base, passing, blocked |" +
		" bytes per name (RSS) | peak RSS in a reload | one name added to effect, idle | worst p99 (100 ms windows) in that reload at 5,000 q/s |" +
		" lost in it | wrong in it | cold start to first block |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rep.Rows {
		name := r.Server
		if r.Version != "" {
			name += " " + r.Version
		}
		cells := []string{fmt.Sprintf("%s (%s)", name, r.What), r.PassingRatio.text("%.2f"), r.FiveRatio.text("%.2f"), r.BlockedRatio.text("%.2f"),
			r.BaseCPU.text("%.1f") + ", " + r.PassingCPU.text("%.1f") + ", " + r.BlockedCPU.text("%.1f"),
			r.Bytes.text("%.0f"), r.Peak.text("%.2fx"), r.Effect.seconds(), r.P99.seconds(), r.Lost.text("%.0f"), r.Wrong.text("%.0f"), r.Start.seconds()}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String()
}

func (rep *report) publish(out string, write bool, name string) (err error) {
	fmt.Print(rep.table())
	if out != "" {
		err = rig.Save(out, rep)
	}
	if write {
		err = errors.Join(err, rep.write("bench/README.md", filepath.Join("bench", "results", name+"-peers.json")))
	}
	return err
}

func (rep *report) write(readme, file string) error {
	return errors.Join(rig.Publish(readme, "peers", rep.table()), rig.Save(file, rep))
}
