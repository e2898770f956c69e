package blocklist

import (
	stdlog "log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/view"
	"github.com/prometheus/client_golang/prometheus"
)

// startLines returns the start lines in a log. Each digest is replaced by its number in the
// order of first appearance.
func startLines(log string) (out []string) {
	var seen []string
	for line := range strings.Lines(log) {
		i := strings.Index(line, "server blocks: ")
		if i < 0 {
			continue
		}
		_, level, _ := strings.Cut(line, "[")
		level, _, _ = strings.Cut(level, "]")
		text := regexp.MustCompile(`digest [0-9a-f]{12}\b`).ReplaceAllStringFunc(line[i:], func(d string) string {
			if !slices.Contains(seen, d) {
				seen = append(seen, d)
			}
			return "digest " + string(rune('A'+slices.Index(seen, d)))
		})
		out = append(out, "["+level+"] "+strings.TrimSpace(strings.TrimPrefix(text, "server blocks: ")))
	}
	return out
}

// shadowGauges returns the samples of the shadow gauge as CoreDNS exports them.
func shadowGauges(t *testing.T) []string {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() != "coredns_blocklist_shadow" {
			continue
		}
		for _, m := range f.GetMetric() {
			l := map[string]string{}
			for _, p := range m.GetLabel() {
				l[p.GetName()] = p.GetValue()
			}
			out = append(out, strings.TrimSpace(strings.Join([]string{l["server"], l["zone"], l["view"]}, " "))+map[float64]string{0: " 0", 1: " 1"}[m.GetGauge().GetValue()])
		}
	}
	slices.Sort(out)
	return out
}

// TestServerBlocks checks that each start and reload logs one line with the server blocks that
// enforce orders and those that do not. The shadow gauge must agree with the line.
func TestServerBlocks(t *testing.T) {
	const (
		enforces = "blocklist $DIR/a.yaml\nwhoami\n}\n"
		shadow   = "blocklist $DIR/a.yaml {\nshadow\n}\nwhoami\n}\n"
		head     = ":0 {\nbind 127.0.0.1\n"
	)
	corefiles := []struct {
		corefile, line string
		gauges         []string
	}{
		{"." + head + enforces,
			"[INFO] the order set of digest A is enforced in dns://.:0 bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 . 0"}},
		{"." + head + enforces + "example.net" + head + "whoami\n}\n",
			"[WARNING] the order set of digest A is enforced in dns://.:0 bind 127.0.0.1; there is no blocklist directive, and no order is enforced, in dns://example.net.:0 bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 . 0"}},
		{"example.org" + head + "whoami\n}\nexample.net:0 tls://." + head + shadow,
			"[WARNING] orders are in shadow and change no answer in dns://example.net.:0 bind 127.0.0.1, tls://.:0 bind 127.0.0.1; there is no blocklist directive, and no order is enforced, in dns://example.org.:0 bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 example.net. 1", "tls://127.0.0.1:0 . 1"}},
		{"." + head + "view inside {\nexpr incidr(client_ip(), '127.0.0.2/32')\n}\n" + shadow + "." + head + enforces + "example.net" + head + "blocklist $DIR/b.yaml\nwhoami\n}\n",
			"[WARNING] the order set of digest A is enforced in dns://.:0 bind 127.0.0.1; the order set of digest B is enforced in dns://example.net.:0 bind 127.0.0.1; orders are in shadow and change no answer in dns://.:0 view inside bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 . 0", "dns://127.0.0.1:0 . inside 1", "dns://127.0.0.1:0 example.net. 0"}},
		{".:0 {\nbind 127.0.0.1 ::1\n" + shadow,
			"[WARNING] orders are in shadow and change no answer in dns://.:0 bind 127.0.0.1 ::1",
			[]string{"dns://127.0.0.1:0 . 1", "dns://[::1]:0 . 1"}},
	}
	var log logged
	out := stdlog.Writer()
	stdlog.SetOutput(&log)
	t.Cleanup(func() { stdlog.SetOutput(out) })

	s := startServer(t, corefiles[0].corefile)
	s.write("b.yaml", "two.example")
	for i, tc := range corefiles {
		if i > 0 {
			if err := s.restart(tc.corefile); err != nil {
				t.Fatal(err)
			}
		}
		if got := startLines(log.take()); !slices.Equal(got, []string{tc.line}) {
			t.Errorf("\n%s got %q\nwant %q", tc.corefile, got, tc.line)
		}
		if got := shadowGauges(t); !slices.Equal(got, tc.gauges) {
			t.Errorf("\n%s got %q\nwant %q", tc.corefile, got, tc.gauges)
		}
	}
	// A reload that fails keeps the old server blocks and logs no line about the new ones.
	os.WriteFile(filepath.Join(s.dir, "bad.yaml"), []byte("version: 2\n"), 0o644)
	if err := s.restart("." + head + enforces + "example.net" + head + "blocklist $DIR/bad.yaml\nwhoami\n}\n"); err == nil {
		t.Error("a server started without any good order file")
	}
	if got := startLines(log.take()); len(got) > 0 {
		t.Errorf("a failed reload logged %q", got)
	}
	if got, want := shadowGauges(t), corefiles[len(corefiles)-1].gauges; !slices.Equal(got, want) {
		t.Errorf("after a failed reload: %q, want %q", got, want)
	}
}

// TestShadowWhileReloading checks that two instances with the same server blocks give one
// series.
func TestShadowWhileReloading(t *testing.T) {
	l := labels{server: "dns://:53", zone: "."}
	both := []*instance{{shadow: map[labels]bool{l: true}}, {shadow: map[labels]bool{l: false}}}
	for _, i := range both {
		instances.all[i] = true
		defer delete(instances.all, i)
	}
	if got := shadowBlocks(); !maps.Equal(got, map[labels]bool{l: true}) {
		t.Errorf("got %v", got)
	}
}
