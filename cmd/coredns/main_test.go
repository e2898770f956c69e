package main

import (
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
)

var listed []string

// TestMain installs the plugins once, because a process has only one list of directives.
func TestMain(m *testing.M) {
	if err := install(); err != nil {
		log.Fatal(err)
	}
	listed = strings.Fields(caddy.DescribePlugins())
	if _, err := caddy.LoadCaddyfile(serverType); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

func TestInsert(t *testing.T) {
	for _, tc := range []struct {
		in, want, err string
	}{
		{in: "acl cache transfer forward", want: "acl blocklist cache transfer orders_rpz forward"},
		{in: "transfer cache", want: "transfer orders_rpz blocklist cache"},
		{in: "acl cache forward", err: "no transfer among CoreDNS's directives: no place to put orders_rpz"},
		{in: "acl forward", err: "no cache among CoreDNS's directives: no place to put blocklist"},
		{in: "", err: "no cache among CoreDNS's directives: no place to put blocklist"},
	} {
		in := strings.Fields(tc.in)
		got, err := insert(in)
		if text := errText(err); text != tc.err || strings.Join(got, " ") != tc.want {
			t.Errorf("insert(%q) = %q, %q, want %q, %q", tc.in, got, text, tc.want, tc.err)
		}
		if strings.Join(in, " ") != tc.in {
			t.Errorf("insert(%q) changed its argument to %q", tc.in, in)
		}
	}
}

// The order of the plugins must match CoreDNS's plugin.cfg with the changes in docs/compile.md.
func TestOrder(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(goList(t, "{{.Dir}}"), "plugin.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(text)) {
		d, _, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(d, "#") {
			continue
		}
		if d == "cache" {
			want = append(want, "blocklist")
		}
		want = append(want, d)
		if d == "transfer" {
			want = append(want, "orders_rpz")
		}
	}
	if len(want) < 60 {
		t.Fatalf("read only %d directives from plugin.cfg", len(want))
	}
	got := caddy.ValidDirectives(serverType)
	if !slices.Equal(got, want) {
		t.Errorf("directives:\n got %q\nwant %q", got, want)
	}
	i := slices.Index(got, "blocklist")
	if above, below := got[i-1], got[i+1]; above != "acl" || below != "cache" {
		t.Errorf("blocklist is between %s and %s, want acl and cache", above, below)
	}
}

func TestLinked(t *testing.T) {
	for _, name := range []string{"blocklist", "orders_rpz"} {
		if !slices.Contains(listed, name) {
			t.Errorf("-plugins does not list %s: %q", name, listed)
		}
	}
	var missing []string
	for _, d := range dnsserver.Directives {
		if !slices.Contains(listed, d) {
			missing = append(missing, d)
		}
		if _, err := caddy.DirectiveAction(serverType, d); err != nil {
			t.Errorf("%s has neither a plugin nor an explanation: %v", d, err)
		}
	}
	slices.Sort(missing)
	if !slices.Equal(missing, absent) {
		t.Errorf("not linked:\n got %q\nwant %q", missing, absent)
	}
}

func TestAbsent(t *testing.T) {
	for _, d := range absent {
		inst, err := caddy.Start(caddy.CaddyfileInput{
			Filepath:       "Corefile",
			Contents:       []byte("example.org:0 {\n\tbind 127.0.0.1\n\t" + d + " some {\n\t\tthing\n\t}\n}\n"),
			ServerTypeName: serverType,
		})
		if err == nil {
			inst.Stop()
		}
		want := "plugin/" + d + ": Corefile:3 - Error during parsing: this binary leaves the plugin out, to build quickly; build or run it with -tags full"
		if got := errText(err); got != want {
			t.Errorf("%s:\n got %s\nwant %s", d, got, want)
		}
	}
}

func TestCommit(t *testing.T) {
	if got := commit("abc"); got != "abc" {
		t.Errorf(`commit("abc") = %q: it must not replace the value of -ldflags`, got)
	}
	if got := commit(""); !strings.HasPrefix(got, "blocklist ") {
		t.Errorf(`commit("") = %q, want "blocklist " and a version`, got)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func goList(t *testing.T, format string) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "-f", format, "github.com/coredns/coredns")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
