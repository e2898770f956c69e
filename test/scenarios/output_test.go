package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist"
	"github.com/prometheus/client_golang/prometheus"
)

var digests = regexp.MustCompile(`(version |digest |digest=")[0-9a-f]{12,}`)

func (s *scenario) text(out string) string {
	out = strings.ReplaceAll(out, s.Dir+"/", "")
	return digests.ReplaceAllString(strings.TrimSpace(out), "$1...") + "\n"
}

func (s *scenario) takeLog([]string) string {
	var b strings.Builder
	for line := range strings.Lines(s.log.Take()) {
		if level, said, ok := strings.Cut(line, "] plugin/blocklist: "); ok {
			if level == "[INFO" && strings.HasPrefix(said, "server blocks: ") {
				continue
			}
			b.WriteString(s.text(level + "] " + said))
		} else if strings.HasPrefix(line, "[INFO] query ") {
			b.WriteString(s.text(line))
		}
	}
	return b.String()
}

func (s *scenario) ready([]string) string {
	if (&blocklist.Blocklist{}).Ready() {
		return "yes\n"
	}
	return "no\n"
}

func (s *scenario) metrics(names []string) string {
	var lines []string
	for sample, v := range s.samples(names) {
		if v -= s.counted[sample]; v != 0 || !strings.HasSuffix(sample, "}") {
			lines = append(lines, s.text(fmt.Sprintf("%s %v", sample, v)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// counters also counts queries of earlier scenarios.
func (s *scenario) counters() map[string]float64 {
	return s.samples([]string{"blocked_requests_total", "shadow_requests_total"})
}

func (s *scenario) samples(names []string) map[string]float64 {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		short, ok := strings.CutPrefix(f.GetName(), "coredns_blocklist_")
		if !ok || !slices.Contains(names, short) {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				value := strings.ReplaceAll(l.GetValue(), ":0", ":1053")
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), value))
			}
			sample := f.GetName()
			if len(labels) > 0 {
				sample += "{" + strings.Join(labels, ",") + "}"
			}
			out[sample] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}
