//go:build e2e

package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

// promtool runs Prometheus's tool promtool (Debian package prometheus).
func promtool(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", "../docs/monitoring/alerts.yaml")
	if out := promtool(t, "", "test", "rules", "../docs/monitoring/alerts_test.yaml"); !strings.Contains(out, "SUCCESS") {
		t.Errorf("no test ran:\n%s", out)
	}
}

func TestDashboardQueries(t *testing.T) {
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile("../docs/monitoring/dashboard.json")
	if err == nil {
		err = json.Unmarshal(text, &board)
	}
	if err != nil {
		t.Fatal(err)
	}
	rules, n := "groups:\n- name: dashboard\n  rules:\n", 0
	for _, p := range board.Panels {
		for _, x := range p.Targets {
			n++
			rules += fmt.Sprintf("  - record: panel:query_%d\n    expr: %q\n", n, strings.ReplaceAll(x.Expr, "$__rate_interval", "5m"))
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	write(t, file, rules)
	if out := promtool(t, "", "check", "rules", file); !strings.Contains(out, fmt.Sprintf("%d rules found", n)) || n < 20 {
		t.Errorf("%d queries:\n%s", n, out)
	}
}

func TestScrape(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	coredns := filepath.Join(dir, "coredns")
	program.Build(t, coredns, "../cmd/coredns")
	write(t, filepath.Join(dir, "orders.yaml"), `version: 1
defaults: {authority: {name: A court}, scope: global}
orders:
  - {id: one, targets: [blocked.example]}
  - {id: two, status: shadow, targets: [shadow.example]}
  - {id: three, status: draft, deadline: 2099-01-01, targets: [draft.example]}
`)
	addr, web := port.Address(t), port.Address(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "Corefile"), fmt.Sprintf(`.:%s {
	bind 127.0.0.1
	prometheus %s
	blocklist orders.yaml
	whoami
}
`, port, web))
	program.Start(t, dir, coredns, "-conf", "Corefile")

	client := &dns.Client{Timeout: 250 * time.Millisecond}
	deadline := time.Now().Add(30 * time.Second)
	for _, name := range []string{"passes.example.", "blocked.example.", "shadow.example."} {
		for {
			// Before the server listens, the client may get the same port and receive its own
			// query.
			if r, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), addr); err == nil && r.Response {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("no answer for %s", name)
			}
		}
	}
	r, err := http.Get("http://" + web + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var own strings.Builder
	families := 0
	for line := range strings.Lines(string(text)) {
		if _, metric, ok := strings.Cut(line, "coredns_blocklist_"); ok && metric != "" {
			own.WriteString(line)
			if strings.HasPrefix(line, "# TYPE ") {
				families++
			}
		}
	}
	if families < 16 {
		t.Errorf("%d metrics of ours:\n%s", families, own.String())
	}
	for _, want := range []string{
		`coredns_blocklist_blocked_requests_total{response="nxdomain",server="dns://127.0.0.1:` + port + `",view="",zone="."} 1` + "\n",
		`coredns_blocklist_shadow_requests_total{response="nxdomain",server="dns://127.0.0.1:` + port + `",view="",zone="."} 1` + "\n",
	} {
		if !strings.Contains(own.String(), want) {
			t.Errorf("%s is missing in\n%s", want, own.String())
		}
	}
	promtool(t, own.String(), "check", "metrics")
}
