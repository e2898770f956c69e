package main

import (
	"context"
	"fmt"
	"iter"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

type rule struct{ frame, whose string }

const (
	ours = "github.com/dns-orders/blocklist"
	core = "github.com/coredns/coredns/"
	lib  = "github.com/miekg/dns."
)

var costly = []rule{
	{"runtime.newstack", "runtime: stacks outgrown"},
	{"syscall.sendmsg", "kernel: send"},
	{"syscall.recvmsg", "kernel: receive"},
	{"runtime.gc", "runtime: collector"},
	{"runtime.bg", "runtime: collector"},
}

var owners = []rule{
	{ours, "blocklist"},
	{core + "request", "CoreDNS: server"},
	{core + "core", "CoreDNS: server"},
	{core + "plugin", "CoreDNS: other plugins"},
	{lib + "(*response).Write", "miekg/dns: pack and write"},
	{lib + "(*Msg).unpack", "miekg/dns: unpack"},
	{lib + "(*Server)", "miekg/dns: server"},
}

var parts = []rule{
	{ours + ".(*watcher).look", "blocklist: where the answer leads"},
	{ours + ".(*block).reply", "blocklist: reply"},
	{ours + ".(*block).judge", "blocklist: judging"},
	{ours + ".covers", "blocklist: look-up"},
	{ours, "blocklist: the rest"},
}

const others = "runtime: scheduler and the rest"

func whose(stack []string) string {
	if w := first(costly, stack); w != "" {
		return w
	}
	for i := range stack {
		switch w := first(owners, stack[i:i+1]); w {
		case "":
		case "blocklist":
			return first(parts, stack)
		default:
			return w
		}
	}
	return others
}

func first(rules []rule, stack []string) string {
	for _, r := range rules {
		if slices.ContainsFunc(stack, func(frame string) bool { return strings.HasPrefix(frame, r.frame) }) {
			return r.whose
		}
	}
	return ""
}

// The values are the CPU time of a query in microseconds.
type shares struct {
	heads []string
	cells []map[string]float64
}

func (t *shares) add(ctx context.Context, head string, cpu float64, files []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-unit=ms", "-traces"}, files...)...)
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go tool pprof: %w\n%s", err, &failed)
	}
	cells, whole := map[string]float64{}, 0.0
	for ms, stack := range traces(string(out)) {
		cells[whose(stack)] += ms
		whole += ms
	}
	if whole == 0 {
		return fmt.Errorf("%s: profiles without samples", head)
	}
	for w := range cells {
		cells[w] *= cpu / whole
	}
	t.heads, t.cells = append(t.heads, head), append(t.cells, cells)
	return nil
}

// The text is the output of "pprof -traces". The first frame is the innermost frame:
//
//	-----------+-----
//	      20ms   inner
//	             outer
func traces(text string) iter.Seq2[float64, []string] {
	return func(yield func(float64, []string) bool) {
		_, text, _ = strings.Cut(text, "\n---") // skips the header
		for block := range strings.SplitSeq(text, "\n---") {
			var ms float64
			var stack []string
			for i, line := range slices.Collect(strings.Lines(block)) {
				f := strings.Fields(line)
				if i == 1 && len(f) > 1 {
					ms, _ = strconv.ParseFloat(strings.TrimSuffix(f[0], "ms"), 64)
					f = f[1:]
				}
				if i > 0 && len(f) > 0 {
					stack = append(stack, f[0])
				}
			}
			if len(stack) > 0 && !yield(ms, stack) {
				return
			}
		}
	}
}

func (t *shares) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| us of CPU a query | %s |\n|---|%s\n", strings.Join(t.heads, " | "), strings.Repeat("---|", len(t.heads)))
	row := func(what string, cell func(cells map[string]float64) float64) {
		b.WriteString("| " + what)
		for _, cells := range t.cells {
			fmt.Fprintf(&b, " | %.2f", cell(cells))
		}
		b.WriteString(" |\n")
	}
	seen := map[string]bool{}
	for _, r := range slices.Concat(costly, []rule{{"", others}}, owners, parts) {
		if !seen[r.whose] && r.whose != "blocklist" {
			row(r.whose, func(cells map[string]float64) float64 { return cells[r.whose] })
		}
		seen[r.whose] = true
	}
	sum := func(prefix string) func(map[string]float64) float64 {
		return func(cells map[string]float64) (s float64) {
			for w, us := range cells {
				if strings.HasPrefix(w, prefix) {
					s += us
				}
			}
			return s
		}
	}
	row("**blocklist in all**", sum("blocklist"))
	row("**the query**", sum(""))
	return b.String()
}
