package probe

import (
	"fmt"
	"slices"
	"time"
)

// Window is the length of a window. A Summary contains the highest p99 of all windows.
const Window = 100 * time.Millisecond

// A Result contains the figures of a load.
type Result struct {
	Summary
	Start   time.Time `json:"start"`
	Windows []Summary `json:"-"` // in the sequence of the scheduled times
	Late    Late      `json:"sent_late_ms"`
	// Buffer is the size of a socket's receive buffer in bytes, or 0 if unknown. The kernel may
	// grant a smaller buffer than the prober requests.
	Buffer int `json:"receive_buffer_bytes"`

	late    []time.Duration // the delay of each tick
	samples []int64         // the latency of each sent query; 0 for a lost query, wrong for a wrong answer
	rate    float64
}

// The type Late contains the delay between the scheduled and the real send, in ms. Latencies
// include the delay.
type Late struct {
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// A Summary contains the counts and latencies of the queries of a load test. A latency begins at
// the planned time of sending and ends at the expected answer.
type Summary struct {
	Sent  int     `json:"sent"`
	Lost  int     `json:"lost"`
	Wrong int     `json:"wrong"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
	// WorstP99 is the highest p99 of any window.
	WorstP99 float64 `json:"worst_window_p99_ms"`
}

func (s Summary) String() string {
	return fmt.Sprintf("%d sent, %d lost, %d wrong, p50 %.3f, p99 %.2f, p99.9 %.2f, max %.2f, worst window's p99 %.2f ms",
		s.Sent, s.Lost, s.Wrong, s.P50, s.P99, s.P999, s.Max, s.WorstP99)
}

func (p *prober) result() *Result {
	r := &Result{Start: p.start, rate: float64(p.Rate), late: p.late, Buffer: p.buffer, samples: make([]int64, p.sent.Load())}
	for i := range r.samples {
		r.samples[i] = p.latency[i].Load()
	}
	for from := 0; from < len(r.samples); {
		to := min(r.first(time.Duration(len(r.Windows)+1)*Window), len(r.samples))
		s := summarize(r.samples[from:to])
		s.WorstP99 = s.P99
		r.Windows = append(r.Windows, s)
		from = to
	}
	end := r.Start.Add(p.For + Window)
	r.Summary, r.Late = r.Between(r.Start, end), r.LateBetween(r.Start, end)
	return r
}

func (r *Result) first(d time.Duration) int {
	// The rounding must be the same as in tickOf.
	n := float64(d/tick) * r.rate * tick.Seconds()
	i := int(n)
	if float64(i) < n {
		i++
	}
	return max(i, 0)
}

// The method Between returns the summary of the queries in a time span. It rounds the times to
// whole windows.
func (r *Result) Between(from, to time.Time) Summary {
	a := min(max(int(from.Sub(r.Start)/Window), 0), len(r.Windows))
	b := min(max(int((to.Sub(r.Start)+Window-1)/Window), a), len(r.Windows))
	first := min(r.first(time.Duration(a)*Window), len(r.samples))
	last := min(r.first(time.Duration(b)*Window), len(r.samples))
	s := summarize(r.samples[first:last])
	for _, w := range r.Windows[a:b] {
		s.WorstP99 = max(s.WorstP99, w.P99)
	}
	return s
}

// LateBetween returns the delay of the prober in a time span.
func (r *Result) LateBetween(from, to time.Time) Late {
	a := min(max(int(from.Sub(r.Start)/tick), 0), len(r.late))
	b := min(max(int((to.Sub(r.Start)+tick-1)/tick), a), len(r.late))
	late := slices.Sorted(slices.Values(r.late[a:b]))
	return Late{ms(int64(quantile(late, 0.99))), ms(int64(quantile(late, 1)))}
}

// Pool returns one summary for several loads.
func Pool(results ...*Result) Summary {
	var all []int64
	worst := 0.0
	for _, r := range results {
		all = append(all, r.samples...)
		worst = max(worst, r.WorstP99)
	}
	s := summarize(all)
	s.WorstP99 = worst
	return s
}

func summarize(samples []int64) (s Summary) {
	s.Sent = len(samples)
	var answered []int64
	for _, ns := range samples {
		switch ns {
		case 0:
			s.Lost++
		case wrong:
			s.Wrong++
		default:
			answered = append(answered, ns)
		}
	}
	slices.Sort(answered)
	s.P50, s.P99 = ms(quantile(answered, 0.5)), ms(quantile(answered, 0.99))
	s.P999, s.Max = ms(quantile(answered, 0.999)), ms(quantile(answered, 1))
	return s
}

func quantile[T ~int64](sorted []T, share float64) T {
	if len(sorted) == 0 {
		return 0
	}
	n := float64(len(sorted)) * share
	i := int(n)
	if float64(i) == n {
		i--
	}
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func ms(ns int64) float64 { return float64(ns/1000) / 1e3 }
