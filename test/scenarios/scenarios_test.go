package scenarios

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/test/clock"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/script"
	"github.com/dns-orders/blocklist/test/upstream"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	coredns.AddDirective("querycounter", dnsserver.Directives[0])
	os.Exit(m.Run())
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestScenarios(t *testing.T) {
	script.RunAll(t, "*.txtar", 40, func(s *script.Script) map[string]script.Step { return begin(s).steps() })
}

func TestScenariosAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	indexed := map[string]bool{}
	for _, m := range regexp.MustCompile(`\]\(([\w-]+\.txtar)\)`).FindAllSubmatch(readme, -1) {
		indexed[string(m[1])] = true
	}
	paths, _ := filepath.Glob("*.txtar")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`\A# [A-Z][^\n]{20,}(\n# [^\n]+)*\.\n\n`).Match(text) {
			t.Errorf("%s does not begin with a sentence that gives the reason", path)
		}
		if !indexed[filepath.Base(path)] {
			t.Errorf("%s is not in the README's index", path)
		}
		delete(indexed, filepath.Base(path))
	}
	for file := range indexed {
		t.Errorf("the README's index has %s, which does not exist", file)
	}
}

const (
	defaultCorefile = `.:1053 {
    blocklist orders.yaml
    forward . 192.0.2.53
}
`
	defaultUpstream = `*. 300 IN A 192.0.2.80
`
)

type scenario struct {
	*script.Script
	t        *testing.T
	clock    *clock.Clock
	log      *coredns.Log
	upstream *upstream.Resolver
	inst     *caddy.Instance // nil while no server runs
	counted  map[string]float64
	recorded int // the number of records that the step journal has printed
}

func (s *scenario) steps() map[string]script.Step {
	return map[string]script.Step{
		"at":      s.at,
		"pass":    s.pass,
		"start":   s.start,
		"reload":  s.reload,
		"stop":    s.stop,
		"write":   s.write,
		"rename":  s.rename,
		"link":    s.link,
		"move":    s.move,
		"remove":  s.remove,
		"dig":     s.dig,
		"log":     s.takeLog,
		"metrics": s.metrics,
		"ready":   s.ready,
		"journal": s.journal,
	}
}

// begin prepares a scenario for the script file.
func begin(file *script.Script) *scenario {
	s := &scenario{Script: file, t: file.T, clock: clock.New(noon)}
	s.upstream = upstream.Start(s.t, s.fileOr("upstream", defaultUpstream))
	s.LayOut(func(name string) bool { return name == "upstream" || strings.HasPrefix(name, "Corefile") })

	s.log = coredns.CaptureLog(s.t)
	wall := source.WallClock
	source.WallClock = s.clock
	s.t.Cleanup(func() {
		s.stop(nil)
		source.WallClock = wall
	})
	s.counted = s.counters()
	return s
}

func (s *scenario) fileOr(name, other string) string {
	if s.Has(name) {
		return string(s.File(name))
	}
	return other
}
