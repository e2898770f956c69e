package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/bench/rig"
)

type report struct {
	Date       time.Time `json:"date"`
	Commit     string    `json:"commit"`
	Go         string    `json:"go"`
	CPU        string    `json:"cpu"`
	Kernel     string    `json:"kernel"`
	Load       [2]string `json:"load"` // load average before and after the run
	Names      int       `json:"names"`
	Asked      int       `json:"asked"` // the number of different names in the queries
	Burst      int       `json:"burst"`
	Starts     int       `json:"starts"`
	Rounds     int       `json:"rounds"` // rounds after each start
	Env        []string  `json:"env,omitempty"`
	Rows       []row     `json:"rows"`
	Samples    []sample  `json:"samples"`
	answerText map[string]string
	order      []kind
}

type row struct {
	Answer  string     `json:"answer"`
	Server  string     `json:"server"`
	CPU     [3]float64 `json:"cpu_us"`
	Ratio   [3]float64 `json:"ratio"`
	Rate    float64    `json:"rate_qps"`
	ByStart []float64  `json:"ratio_by_start"`
}

func newReport(ctx context.Context, p *plan) *report {
	rep := &report{Date: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), CPU: rig.CPU(), Commit: rig.Commit(ctx), Kernel: rig.Kernel(ctx),
		Names: p.names, Asked: p.burst * p.bursts, Burst: p.burst, Starts: p.starts, Rounds: p.rounds, Env: p.env, order: p.kinds, answerText: map[string]string{}}
	rep.Load[0] = rig.Load()
	for _, a := range p.answers {
		rep.answerText[a.name] = a.what
	}
	return rep
}

func (rep *report) finish() {
	rep.Load[1] = rig.Load()
	type place struct {
		answer, server string
		start, round   int
	}
	at := map[place]sample{}
	var answers []string
	for _, s := range rep.Samples {
		at[place{s.Answer, s.Server, s.Start, s.Round}] = s
		if !slices.Contains(answers, s.Answer) {
			answers = append(answers, s.Answer)
		}
	}
	for _, a := range answers {
		for _, k := range rep.order {
			var cpu, ratio, rate, byStart []float64
			for start := range rep.Starts {
				var own []float64
				for round := range rep.Rounds {
					s := at[place{a, k.name, start, round}]
					cpu, rate = append(cpu, s.CPU), append(rate, s.Rate)
					if base, ok := at[place{a, k.against, start, round}]; ok {
						own = append(own, s.CPU/base.CPU)
					}
				}
				ratio = append(ratio, own...)
				byStart = append(byStart, rig.Quartiles(own)[1])
			}
			rep.Rows = append(rep.Rows, row{a, k.name, rig.Quartiles(cpu), rig.Quartiles(ratio), rig.Quartiles(rate)[1], byStart})
		}
	}
}

// table returns the report as Markdown.
func (rep *report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %s, %s, %s; load %s -> %s\n", rep.Date.Format(time.DateTime), rep.Commit, rep.Go, rep.CPU, rep.Kernel, rep.Load[0], rep.Load[1])
	fmt.Fprintf(&b, "%d names, %d names asked, %d starts x %d rounds of %d queries", rep.Names, rep.Asked, rep.Starts, rep.Rounds, rep.Burst)
	if len(rep.Env) > 0 {
		fmt.Fprintf(&b, ", %s", strings.Join(rep.Env, " "))
	}
	b.WriteString("\n")
	answer := ""
	for _, r := range rep.Rows {
		if r.Answer != answer {
			answer = r.Answer
			fmt.Fprintf(&b, "\n%s: %s\n\n| server | CPU us | quartiles | against | quartiles | of each start | answers/s |\n|---|---|---|---|---|---|---|\n", answer, rep.answerText[answer])
		}
		var starts []string
		for _, x := range r.ByStart {
			starts = append(starts, fmt.Sprintf("%.3f", x))
		}
		fmt.Fprintf(&b, "| %s | %.2f | %.2f-%.2f | **%.3f** | %.3f-%.3f | %s | %.0f |\n", r.Server, r.CPU[1], r.CPU[0], r.CPU[2],
			r.Ratio[1], r.Ratio[0], r.Ratio[2], strings.Join(starts, " "), r.Rate)
	}
	return b.String()
}
