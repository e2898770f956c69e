package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist"
	"github.com/prometheus/client_golang/prometheus"
)

// digests matches the digests of file versions. The digests change with each edit of a scenario.
var digests = regexp.MustCompile(`(version |digest |digest=")[0-9a-f]{12,}`)

// text returns the output without the path of the test's folder, and with shortened digests.
func (s *scenario) text(out string) string {
	out = strings.ReplaceAll(out, s.Dir+"/", "")
	return digests.ReplaceAllString(strings.TrimSpace(out), "$1...") + "\n"
}

// takeLog returns the log lines of the blocklist plugin since the last call. It also
// returns the lines of the log plugin that begin with "query".
func (s *scenario) takeLog([]string) string {
	var b strings.Builder
	for line := range strings.Lines(s.log.Take()) {
		if level, said, ok := strings.Cut(line, "] plugin/blocklist: "); ok {
			// Every start logs this line. The test shows the line only if it is a warning.
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

// ready returns the readiness that the blocklist plugin reports to the ready plugin.
func (s *scenario) ready([]string) string {
	if (&blocklist.Blocklist{}).Ready() {
		return "yes\n"
	}
	return "no\n"
}

// metrics returns samples of the plugin's metrics. Counters count from the beginning of
// the scenario. Samples with labels and the value 0 are left out.
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

// counters returns the counters of the process. They also count queries of earlier
// scenarios.
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
