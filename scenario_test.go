package blocklist

import (
	"flag"
	"fmt"
	stdlog "log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/store"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the steps print into test/scenarios; read it before you commit")

const scenarios = "test/scenarios"

// TestScenarios runs test/scenarios/*.txtar. The README in that folder describes the language.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob(scenarios + "/*.txtar")
	if err != nil || len(paths) < 40 {
		t.Fatalf("found %d scenarios, %v", len(paths), err)
	}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { playFile(t, path) })
	}
}

// TestScenariosAreDocumented checks that each scenario begins with a sentence that gives its
// reason, and that the index of the README has the scenario.
func TestScenariosAreDocumented(t *testing.T) {
	readme, err := os.ReadFile(scenarios + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	indexed := map[string]bool{}
	for _, m := range regexp.MustCompile(`\]\(([\w-]+\.txtar)\)`).FindAllSubmatch(readme, -1) {
		indexed[string(m[1])] = true
	}
	paths, _ := filepath.Glob(scenarios + "/*.txtar")
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

// defaultCorefile and defaultUpstream are used when a scenario has no file of its own.
const (
	defaultCorefile = `.:1053 {
    blocklist orders.yaml
    forward . 192.0.2.53
}
`
	defaultUpstream = `*. 300 IN A 192.0.2.80
`
)

// A scenario is one file that is being run.
type scenario struct {
	t        *testing.T
	dir      string
	files    map[string][]byte
	used     map[string]bool
	clock    *virtualClock
	log      logged
	upstream *upstreamResolver
	inst     *caddy.Instance // nil while no server runs
	counted  map[string]float64
}

// steps are the step words of the language.
var steps = map[string]func(s *scenario, args []string) string{
	"at":      (*scenario).at,
	"pass":    (*scenario).pass,
	"start":   (*scenario).start,
	"reload":  (*scenario).reload,
	"stop":    (*scenario).stop,
	"write":   (*scenario).write,
	"rename":  (*scenario).rename,
	"link":    (*scenario).link,
	"move":    (*scenario).move,
	"remove":  (*scenario).remove,
	"dig":     (*scenario).dig,
	"log":     (*scenario).takeLog,
	"metrics": (*scenario).metrics,
	"ready":   (*scenario).ready,
}

// playFile runs the scenario in a file. A step starts at the beginning of a line, and its
// expected output follows, indented.
func playFile(t *testing.T, path string) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newScenario(t, ar.Files)
	lines := strings.Split(string(ar.Comment), "\n")
	var played []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		played = append(played, line)
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		at := fmt.Sprintf("%s:%d", filepath.Base(path), i+1)
		var want []string
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "    ") {
			i++
			want = append(want, strings.TrimSpace(lines[i]))
		}
		words := strings.Fields(line)
		do := steps[words[0]]
		if do == nil {
			t.Fatalf("%s: no such step: %s", at, line)
		}
		var got []string
		for l := range strings.Lines(do(s, words[1:])) {
			got = append(got, strings.TrimSpace(l))
			played = append(played, "    "+strings.TrimSpace(l))
		}
		if !slices.Equal(got, want) && !*update {
			t.Errorf("%s: %s\ngot:\n    %s\nwant:\n    %s", at, line, strings.Join(got, "\n    "), strings.Join(want, "\n    "))
		}
	}
	for _, f := range ar.Files {
		if !s.used[f.Name] && f.Name != "upstream" {
			t.Errorf("%s: nothing uses the file %s", filepath.Base(path), f.Name)
		}
	}
	if *update {
		ar.Comment = []byte(strings.Join(played, "\n"))
		if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func newScenario(t *testing.T, files []txtar.File) *scenario {
	s := &scenario{
		t: t, dir: t.TempDir(), clock: &virtualClock{now: noon},
		files: map[string][]byte{"Corefile": []byte(defaultCorefile), "upstream": []byte(defaultUpstream)},
		used:  map[string]bool{},
	}
	for _, f := range files {
		s.files[f.Name] = f.Data
	}
	s.upstream = startUpstream(t, string(s.files["upstream"]))
	t.Chdir(s.dir)
	for name, data := range s.files {
		if name != "upstream" && !strings.HasPrefix(name, "Corefile") && !strings.Contains(name, "#") {
			s.used[name] = true
			s.put(name, data, time.Unix(0, 0)) // as if the file were old
		}
	}

	was := acquire
	acquire = func(opt store.Options) (*store.Store, error) { return store.Acquire(opt, log, s.clock) }
	out, flags := stdlog.Writer(), stdlog.Flags()
	stdlog.SetOutput(&s.log)
	stdlog.SetFlags(0)
	t.Cleanup(func() {
		s.stop(nil)
		acquire = was
		stdlog.SetOutput(out)
		stdlog.SetFlags(flags)
	})
	s.counted = s.counters()
	return s
}
