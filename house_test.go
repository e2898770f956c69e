package blocklist

import (
	"github.com/dns-orders/blocklist/test/port"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const module = "github.com/dns-orders/blocklist"

// floors are the layers of the packages, the lowest first. A package imports only packages of
// lower layers.
var floors = [][]string{
	{"plugin/coop", "plugin/dname", "plugin/printable"},
	{"plugin/ruleset/index", "plugin/order", "plugin/signature", "plugin/source"},
	{"plugin/guard"},
	{"plugin/ruleset"},
	{"plugin/answer", "plugin/diff", "plugin/lint"},
	{"plugin/store", "plugin/importer"},
	{"plugin/directive"},
	{"."},
	{"cmd/coredns", "cmd/blocklistctl"},
}

// forbidden are outside packages that a package must not import. Tests may import them.
var forbidden = []struct{ where, what, why string }{
	{"plugin/", "github.com/coredns/coredns/", "the operator's tool runs the same code without CoreDNS"},
	{"plugin/", "github.com/coredns/caddy", "plugin/directive needs the lexer caddy/caddyfile, and caddy itself starts servers"},
	{"cmd/blocklistctl", "github.com/coredns/", "the operator's tool is no server"},
	{"plugin/dname", "github.com/miekg/dns", "names are not messages"},
	{"plugin/order", "github.com/miekg/dns", "orders are not messages"},
	{"plugin/ruleset", "github.com/miekg/dns", "a verdict is about a name, whatever carries it"},
	{"plugin/ruleset", "os", "compiled orders know no files"},
	{"plugin/signature", "os", "the caller reads a file once, for the check and for the parser"},
	{"plugin/order", "os", "bytes come in as readers, so that tests and feeds need no disk"},
	{"plugin/guard", "os", "protect lists come in as readers, as orders do"},
	{"plugin/guard", "github.com/miekg/dns", "names are not messages"},
	{"plugin/answer", "time/tzdata", "answers are pure"},
}

func TestImports(t *testing.T) {
	floorOf := map[string]int{}
	for i, floor := range floors {
		for _, p := range floor {
			floorOf[p] = i
		}
	}
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		seen[dir] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			what, _ := strconv.Unquote(spec.Path.Value)
			for _, f := range forbidden {
				if (dir+"/" == f.where || strings.HasPrefix(dir+"/", f.where)) && (what == f.what || strings.HasSuffix(f.what, "/") && strings.HasPrefix(what, f.what)) {
					t.Errorf("%s imports %s: %s", path, what, f.why)
				}
			}
			if what != module && !strings.HasPrefix(what, module+"/") {
				continue
			}
			to := strings.TrimPrefix(strings.TrimPrefix(what, module), "/")
			if to == "" {
				to = "."
			}
			from, ok := floorOf[dir]
			if !ok {
				continue // tests and benchmarks are not in the layers
			}
			if at, ok := floorOf[to]; !ok || at >= from {
				t.Errorf("%s imports %s, which is not below it", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for p := range floorOf {
		if !seen[p] {
			t.Errorf("%s is in floors but does not exist", p)
		}
	}
	for dir := range seen {
		if _, ok := floorOf[dir]; !ok && (strings.HasPrefix(dir, "plugin/") || strings.HasPrefix(dir, "cmd/")) {
			t.Errorf("%s has no floor", dir)
		}
	}
}

// TestMetricsInReadme checks that the README lists exactly the registered metrics.
func TestMetricsInReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\* `(coredns_blocklist_[a-z_]+)").FindAllSubmatch(readme, -1) {
		described[string(m[1])] = true
	}
	s := startServer(t, oneBlock)
	s.ask("one.example.")
	// Only signed files have a time of signing.
	for _, name := range []string{"orders.yaml", "orders.yaml.minisig"} {
		data, err := os.ReadFile(filepath.Join("plugin/signature/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.restart(strings.Replace(oneBlock, "a.yaml", "orders.yaml {\nverify "+keyOne+"\n}", 1)); err != nil {
		t.Fatal(err)
	}
	shadowRequests.WithLabelValues("", "", "", "nxdomain") // a counter vector has no samples before its first count
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := f.GetName(); strings.HasPrefix(n, "coredns_blocklist_") {
			if !described[n] {
				t.Errorf("%s is registered, but not in the README", n)
			}
			delete(described, n)
		}
	}
	for n := range described {
		t.Errorf("%s is in the README, but not registered", n)
	}
	lint, err := testutil.GatherAndLint(prometheus.DefaultGatherer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lint {
		if strings.HasPrefix(p.Metric, "coredns_blocklist_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestCorefiles starts the example Corefile and every Corefile of the README and the docs.
func TestCorefiles(t *testing.T) {
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "docs/monitoring/README.md")
	var corefiles []string
	for _, f := range append(files, "README.md") {
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
	example, err := os.ReadFile("Corefile.example")
	if err != nil {
		t.Fatal(err)
	}
	orders, err := os.ReadFile("orders.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	corefiles = append(corefiles, string(example))

	// Each order file that a Corefile names exists, with an order of its own.
	t.Chdir(t.TempDir())
	for _, dir := range []string{"national", "orders"} {
		os.Mkdir(dir, 0o755)
	}
	for i, f := range []string{"orders.yaml", "national/a.yaml", "orders/a.yaml"} {
		os.WriteFile(f, []byte("version: 1\norders:\n- {id: o"+strconv.Itoa(i)+", authority: {name: A}, scope: global, targets: [a.example]}\n"), 0o644)
	}
	os.WriteFile("court.jsonl", []byte(`{"version":1,"count":0}`), 0o644)
	os.WriteFile("orders.example.yaml", orders, 0o644)
	os.WriteFile("protect.txt", []byte("ours.example\n"), 0o644)
	for _, c := range corefiles {
		// Each Corefile gets free ports and folders of this test.
		free := map[string]string{}
		ports := regexp.MustCompile(`:\d{4}\b`).ReplaceAllStringFunc(c, func(port string) string {
			if free[port] == "" {
				free[port] = freePort(t)
			}
			return free[port]
		})
		ports = strings.ReplaceAll(ports, "/etc/coredns/", "")
		inst, err := caddy.Start(caddy.CaddyfileInput{Filepath: "Corefile", ServerTypeName: "dns", Contents: []byte(ports)})
		if err != nil {
			t.Errorf("%s\n%v", ports, err)
			continue
		}
		// A server that is stopped before it serves would keep running, and later tests would
		// count it.
		(&server{t: t, inst: inst}).serving()
		inst.ShutdownCallbacks()
		inst.Stop()
	}
}

// freePort returns a port that is free for UDP and TCP, with a colon in front.
func freePort(t *testing.T) string {
	t.Helper()
	p, err := port.Free()
	if err != nil {
		t.Fatal(err)
	}
	return ":" + p
}

// TestReadmeStartsWithTwoCommands checks that the README begins with two commands that a
// newcomer can run.
func TestReadmeStartsWithTwoCommands(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(readme), "\n")
	i := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "~~~ sh") })
	if i < 0 || !strings.HasPrefix(lines[i+1], "go run ./cmd/coredns -conf Corefile.example") || lines[i+2] != "go test ./..." {
		t.Error("the README's first two commands are not the run and the test")
	}
}
