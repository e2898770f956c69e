// Package monitoring tests the alerts and the dashboard of this folder.
package monitoring

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/transfer"
	_ "github.com/coredns/coredns/plugin/whoami"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	_ "github.com/dns-orders/blocklist"
	_ "github.com/dns-orders/blocklist/ordersrpz"
	"github.com/dns-orders/blocklist/test/coredns"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	coredns.AddDirective("orders_rpz", "dynupdate") // directly below transfer
	os.Exit(m.Run())
}

type promQuery struct{ where, expr string }

type alertRules struct {
	Groups []struct {
		Rules []struct {
			Record, Alert, Expr, For string
			Labels, Annotations      map[string]string
		}
	}
}

func readAlerts(t *testing.T) (out alertRules) {
	t.Helper()
	text, err := os.ReadFile("alerts.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type panel struct {
	ID                 int
	Title, Description string
	GridPos            struct{ X, Y, W, H int }
	Targets            []struct{ RefID, Expr, LegendFormat string }
}

type dashboard struct {
	SchemaVersion int
	Panels        []panel
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
}

func readDashboard(t *testing.T) (out dashboard) {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type registered struct {
	labels map[string]map[string]bool
	types  map[string]string
	states map[string]map[string]bool
}

func gather(t *testing.T) registered {
	t.Helper()
	coredns.AskBlocked(t)
	coredns.ServeZone(t)
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	r := registered{map[string]map[string]bool{"up": {}}, map[string]string{}, map[string]map[string]bool{}}
	for _, f := range families {
		labels, states := map[string]bool{}, map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
				if l.GetName() == "state" {
					states[l.GetValue()] = true
				}
			}
		}
		r.labels[f.GetName()], r.types[f.GetName()], r.states[f.GetName()] = labels, f.GetType().String(), states
	}
	return r
}

var (
	metricName = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	selector   = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?\s*(\[[^\]]*\])?`)
	matcher    = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	counted    = regexp.MustCompile(`\b(?:rate|irate|increase)\s*\(\s*([a-zA-Z_:][a-zA-Z0-9_:]*)`)
	texts      = regexp.MustCompile(`,\s*"[^"]*"`) // the arguments of label_replace that are texts
	legend     = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
)

var words = map[string]bool{"sum": true, "min": true, "max": true, "count": true, "rate": true, "absent": true, "vector": true, "time": true, "last_over_time": true, "max_over_time": true, "changes": true, "increase": true,
	"and": true, "or": true, "unless": true, "offset": true, "by": true, "on": true, "group_left": true, "label_replace": true, "Inf": true}

var ofPrometheus = map[string]bool{"job": true, "instance": true, "stage": true}

func (r registered) check(q promQuery, recorded map[string]map[string]bool, used map[string]bool) (problems []string) {
	bad := func(format string, args ...any) {
		problems = append(problems, q.where+": "+fmt.Sprintf(format, args...))
	}
	bare := texts.ReplaceAllString(grouping.ReplaceAllString(q.expr, ""), "")
	labels := map[string]bool{}
	for _, m := range selector.FindAllStringSubmatchIndex(bare, -1) {
		name := bare[m[2]:m[3]]
		// 1d, 15m and 1e3 are numbers, not metrics.
		if m[2] > 0 && bare[m[2]-1] >= '0' && bare[m[2]-1] <= '9' || words[name] {
			continue
		}
		has, ok := r.labels[name]
		if !ok {
			has, ok = recorded[name]
		}
		if !ok {
			bad("%s is not registered", name)
			continue
		}
		used[name] = true
		maps.Copy(labels, has)
		if m[4] < 0 {
			continue
		}
		for _, x := range matcher.FindAllStringSubmatch(bare[m[4]:m[5]], -1) {
			if !has[x[1]] && !ofPrometheus[x[1]] {
				bad("%s has no label %s", name, x[1])
			}
			if x[1] == "state" && !r.states[name][x[2]] {
				bad("%s has no state %q", name, x[2])
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(q.expr, -1) {
		for _, l := range metricName.FindAllString(g[1], -1) {
			if !labels[l] && !ofPrometheus[l] {
				bad("no metric of %q has a label %s", q.expr, l)
			}
		}
	}
	for _, c := range counted.FindAllStringSubmatch(bare, -1) {
		if r.types[c[1]] != "COUNTER" {
			bad("%s is no counter", c[1])
		}
	}
	return problems
}

// The name of a recording rule begins with its labels. For example,
// job:coredns_dns_requests:rate15m has the label job.
func (a alertRules) recorded() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, g := range a.Groups {
		for _, r := range g.Rules {
			if r.Record == "" {
				continue
			}
			level, _, _ := strings.Cut(r.Record, ":")
			out[r.Record] = map[string]bool{}
			for _, l := range strings.Split(level, "_") {
				out[r.Record][l] = true
			}
		}
	}
	return out
}

func TestMonitoring(t *testing.T) {
	alerts, board := readAlerts(t), readDashboard(t)
	recorded := alerts.recorded()
	var queries []promQuery
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			queries = append(queries, promQuery{"alert " + r.Alert + r.Record, r.Expr})
		}
	}
	for _, p := range board.Panels {
		for _, x := range p.Targets {
			queries = append(queries, promQuery{"panel " + p.Title, x.Expr})
			for _, l := range legend.FindAllStringSubmatch(x.LegendFormat, -1) {
				// The legend of a panel may use only labels that the query has.
				queries = append(queries, promQuery{"legend of " + p.Title, x.Expr + " + on (" + l[1] + ") up"})
			}
		}
	}
	for _, v := range board.Templating.List {
		if m := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(v.Definition); m != nil {
			queries = append(queries, promQuery{"variable " + v.Name, "sum by (" + m[2] + ") (" + m[1] + ")"})
		} else if v.Type == "query" {
			t.Errorf("variable %s: %s", v.Name, v.Definition)
		}
	}
	if len(queries) < 30 {
		t.Fatalf("%d queries were found", len(queries))
	}
	r, used := gather(t), map[string]bool{}
	for _, q := range queries {
		for _, p := range r.check(q, recorded, used) {
			t.Error(p)
		}
	}
	for name := range r.labels {
		if (strings.HasPrefix(name, "coredns_blocklist_") || strings.HasPrefix(name, "coredns_orders_rpz_")) && !used[name] {
			t.Errorf("no alert and no panel uses %s", name)
		}
	}
	for name := range recorded {
		if !used[name] {
			t.Errorf("no alert uses %s", name)
		}
	}
}

func TestMonitoringChecks(t *testing.T) {
	r := gather(t)
	for _, tc := range []struct{ expr, want string }{
		{`max by (state) (coredns_blocklist_orders{state="held", job="x"}) > 1e3 offset 1d`, ""},
		{`sum(rate(process_resident_memory_bytes[5m]))`, "x: process_resident_memory_bytes is no counter"},
		{`coredns_blocklist_order{job="x"}`, "x: coredns_blocklist_order is not registered"},
		{`coredns_blocklist_orders{status="held"}`, "x: coredns_blocklist_orders has no label status"},
		{`coredns_blocklist_orders{state="hold"}`, `x: coredns_blocklist_orders has no state "hold"`},
		{`sum by (zone) (up)`, `x: no metric of "sum by (zone) (up)" has a label zone`},
	} {
		if got := strings.Join(r.check(promQuery{"x", tc.expr}, nil, map[string]bool{}), "\n"); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.expr, got, tc.want)
		}
	}
}

func TestAlerts(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	tests, table, tool := read("alerts_test.yaml"), read("README.md"), read("../blocklistctl.md")
	command := regexp.MustCompile(`"blocklistctl (\w+)`)
	n := 0
	for _, g := range readAlerts(t).Groups {
		for _, r := range g.Rules {
			if r.Record != "" {
				continue
			}
			n++
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.For == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s lacks a severity, a for, a summary or a description", r.Alert)
			}
			for _, c := range command.FindAllStringSubmatch(r.Annotations["description"], -1) {
				if !strings.Contains(tool, "\n## "+c[1]) {
					t.Errorf("%s: there is no blocklistctl %s", r.Alert, c[1])
				}
			}
			if !strings.Contains(tests, `"`+r.Alert+`"`) && !strings.Contains(tests, "alertname: "+r.Alert+"\n") {
				t.Errorf("%s has no test", r.Alert)
			}
			row := regexp.MustCompile(`(?m)^\| ` + r.Labels["severity"] + `,.*\b` + r.Alert + `\b`)
			if !row.MatchString(table) {
				t.Errorf("%s is not in the README's row of severity %s", r.Alert, r.Labels["severity"])
			}
		}
	}
	_, rows, _ := strings.Cut(table, "\n|---")
	rows, _, _ = strings.Cut(rows, "\n\n")
	if listed := len(regexp.MustCompile(`\bBlocklist[A-Z]\w+[,| ]+`).FindAllString(rows, -1)); listed != n {
		t.Errorf("%d alerts, %d in the README's table", n, listed)
	}
}

// TestDashboard checks for mistakes that Grafana does not report on import.
func TestDashboard(t *testing.T) {
	board := readDashboard(t)
	if board.SchemaVersion < 39 {
		t.Errorf("schema version %d", board.SchemaVersion)
	}
	if text, err := os.ReadFile("dashboard.json"); err != nil || !strings.Contains(string(text), `"${status_scheme}://${__data.fields.host}:${status_port}/"`) {
		t.Errorf("no table links to the status pages of the nodes: %v", err)
	}
	ids := map[int]bool{}
	for i, p := range board.Panels {
		g := p.GridPos
		if ids[p.ID] || p.Title == "" || p.Description == "" || len(p.Targets) == 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("panel %d %q: want a unique id, a title, a description, a query and a position", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, o := range board.Panels[:i] {
			if h := o.GridPos; g.X < h.X+h.W && h.X < g.X+g.W && g.Y < h.Y+h.H && h.Y < g.Y+g.H {
				t.Errorf("panels %q and %q overlap", p.Title, o.Title)
			}
		}
		for _, x := range p.Targets {
			// The user selects nodes in the dashboard. Every query must use this selection.
			if !strings.Contains(x.Expr, `{job=~"$job", instance=~"$instance"`) {
				t.Errorf("panel %q: %s does not use the chosen nodes", p.Title, x.Expr)
			}
		}
	}
}
