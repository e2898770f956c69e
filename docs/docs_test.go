// Package docs tests the README and the pages of this folder.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/geoip"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/transfer"
	_ "github.com/coredns/coredns/plugin/tsig"
	_ "github.com/coredns/coredns/plugin/view"
	_ "github.com/coredns/coredns/plugin/whoami"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	_ "github.com/dns-orders/blocklist"
	_ "github.com/dns-orders/blocklist/ordersrpz"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	coredns.AddDirective("orders_rpz", "dynupdate") // directly below transfer
	os.Exit(m.Run())
}

func TestMetricsInDocs(t *testing.T) {
	coredns.AskBlocked(t)
	coredns.ServeZone(t)
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	lint, err := testutil.GatherAndLint(prometheus.DefaultGatherer)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []struct{ file, prefix, item string }{
		{"../README.md", "coredns_blocklist_", "(?m)^\\* `(coredns_blocklist_[a-z_]+)"},
		{"other-resolvers.md", "coredns_orders_rpz_", "(?m)^\\| `(coredns_orders_rpz_[a-z_]+)"},
	} {
		text, err := os.ReadFile(page.file)
		if err != nil {
			t.Fatal(err)
		}
		described := map[string]bool{}
		for _, m := range regexp.MustCompile(page.item).FindAllSubmatch(text, -1) {
			described[string(m[1])] = true
		}
		for _, f := range families {
			if n := f.GetName(); strings.HasPrefix(n, page.prefix) {
				if !described[n] {
					t.Errorf("%s is registered, but not in %s", n, page.file)
				}
				delete(described, n)
			}
		}
		for n := range described {
			t.Errorf("%s is in %s, but not registered", n, page.file)
		}
		for _, p := range lint {
			if strings.HasPrefix(p.Metric, page.prefix) {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
	}
}

func TestCorefiles(t *testing.T) {
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	var corefiles []string
	for _, f := range append(files, "monitoring/README.md", "../README.md") {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?s)~~~ corefile\n(.*?)~~~").FindAllSubmatch(text, -1) {
			corefiles = append(corefiles, string(m[1]))
		}
	}
	if len(corefiles) < 3 {
		t.Fatalf("found %d Corefiles only", len(corefiles))
	}
	example, err := os.ReadFile("../Corefile.example")
	if err != nil {
		t.Fatal(err)
	}
	orders, err := os.ReadFile("../orders.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	corefiles = append(corefiles, string(example))

	t.Chdir(t.TempDir())
	for _, dir := range []string{"national", "orders", "rpz"} {
		os.Mkdir(dir, 0o755)
	}
	for i, f := range []string{"orders.yaml", "national/a.yaml", "orders/a.yaml"} {
		os.WriteFile(f, []byte("version: 1\norders:\n- {id: o"+strconv.Itoa(i)+", authority: {name: A}, scope: global, targets: [a.example]}\n"), 0o644)
	}
	os.WriteFile("names.txt", []byte("b.example\n"), 0o644)
	os.WriteFile("court.jsonl", []byte(`{"version":1,"count":0}`), 0o644)
	os.WriteFile("orders.example.yaml", orders, 0o644)
	os.WriteFile("protect.txt", []byte("ours.example\n"), 0o644)
	for _, c := range corefiles {
		// Each Corefile gets free ports and its own directories.
		free := map[string]string{}
		ports := regexp.MustCompile(`:\d{4}\b`).ReplaceAllStringFunc(c, func(text string) string {
			if free[text] == "" {
				free[text] = ":" + port.Free(t)
			}
			return free[text]
		})
		ports = strings.NewReplacer("/etc/coredns/", "", "/var/lib/blocklist/", "").Replace(ports)
		// The server sends NOTIFY to these addresses.
		ports = regexp.MustCompile(`(?m)^(\s+to) .*$`).ReplaceAllString(ports, "$1 127.0.0.1")
		inst, err := caddy.Start(coredns.Input(ports))
		if err != nil {
			t.Errorf("%s\n%v", ports, err)
			continue
		}
		coredns.AwaitServing(t, inst)
		coredns.Stop(t, inst)
	}
}

func TestReadmeStartsWithTwoCommands(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(readme), "\n")
	i := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "~~~ sh") })
	if i < 0 || !strings.HasPrefix(lines[i+1], "go run ./cmd/coredns -conf Corefile.example") || lines[i+2] != "go test ./..." {
		t.Error("the README's first two commands are not the run and the test")
	}
}
