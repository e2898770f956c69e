package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = ".."
	module = "github.com/dns-orders/blocklist"
)

// A package may import only packages of lower layers. The lowest layer comes first.
var layers = [][]string{
	{"plugin/coop", "plugin/dname", "plugin/instances", "plugin/logqueue", "plugin/printable", "plugin/sheet"},
	{"plugin/ruleset/index", "plugin/order", "plugin/signature", "plugin/source", "plugin/durable", "plugin/dnsclient"},
	{"plugin/catalog", "plugin/guard", "plugin/state", "plugin/journal"},
	{"plugin/ruleset"},
	{"plugin/answer", "plugin/evidence", "plugin/diff", "plugin/hits", "plugin/lint", "plugin/edit", "plugin/rpz"},
	{"plugin/store", "plugin/importer", "plugin/due", "plugin/export", "plugin/probe"},
	{"plugin/directive", "plugin/register", "plugin/report", "plugin/audit", "plugin/feed"},
	{"plugin/explain", "plugin/status/listen"},
	{"plugin/status"},
	{"."},
	{"ordersrpz"},
	{"cmd/coredns", "cmd/blocklistctl"},
}

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
	layerOf := map[string]int{}
	for i, layer := range layers {
		for _, p := range layer {
			layerOf[p] = i
		}
	}
	seen := map[string]bool{}
	imports := map[string][]string{} // the packages of this module that a package imports
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
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
			imports[dir] = append(imports[dir], to)
			from, ok := layerOf[dir]
			if !ok {
				continue // tests and benchmarks are not in the layers
			}
			if at, ok := layerOf[to]; !ok || at >= from {
				t.Errorf("%s imports %s, which is not below it", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checkServer(t, imports)
	for p := range layerOf {
		if !seen[p] {
			t.Errorf("%s is in layers but does not exist", p)
		}
	}
	for dir := range seen {
		if _, ok := layerOf[dir]; !ok && (strings.HasPrefix(dir, "plugin/") || strings.HasPrefix(dir, "cmd/")) {
			t.Errorf("%s has no layer", dir)
		}
	}
}

var onlyTool = map[string]string{
	"plugin/catalog":   "the server reads no presets and no platforms",
	"plugin/edit":      "the server only reads order files",
	"plugin/dnsclient": "the server asks no other server",
	"plugin/due":       "the server needs no reports",
	"plugin/audit":     "the server asks no other resolver",
	"plugin/register":  "the server reads no registers",
	"plugin/export":    "the server only needs the form of plugin/rpz",
	"plugin/feed":      "the server pulls no tickets",
	"plugin/sheet":     "the server reads no tables",
	"plugin/evidence":  "the server only writes its journal",
	"plugin/probe":     "a server is asked from outside",
	"plugin/report":    "the server needs no reports",
}

func checkServer(t *testing.T, imports map[string][]string) {
	server := map[string]bool{"cmd/coredns": true}
	for queue := []string{"cmd/coredns"}; len(queue) > 0; queue = queue[1:] {
		for _, p := range imports[queue[0]] {
			if !server[p] {
				server[p] = true
				queue = append(queue, p)
			}
		}
	}
	if !server["plugin/order"] {
		t.Error("the imports of the server were not found")
	}
	for p, why := range onlyTool {
		if server[p] {
			t.Errorf("cmd/coredns imports %s: %s", p, why)
		}
	}
}
