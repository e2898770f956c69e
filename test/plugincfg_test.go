//go:build e2e

package test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
	"golang.org/x/mod/modfile"
)

func TestPluginCfg(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(t.TempDir(), "coredns")
	run := func(dir, name string, args ...string) string {
		t.Helper()
		start := time.Now()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "COREDNS_PLUGINS=") // the variable would add plugins to those in plugin.cfg
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
		}
		t.Logf("%5.1f s: %s %s", time.Since(start).Seconds(), filepath.Base(name), strings.Join(args, " "))
		return string(out)
	}

	copySource(t, src, strings.TrimSpace(run(checkout, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/coredns/coredns")))
	edit(t, filepath.Join(src, "plugin.cfg"), `(?m)^cache:cache$`, "blocklist:github.com/dns-orders/blocklist\ncache:cache")
	edit(t, filepath.Join(src, "plugin.cfg"), `(?m)^transfer:transfer$`, "transfer:transfer\norders_rpz:github.com/dns-orders/blocklist/ordersrpz")

	before := requires(t, filepath.Join(src, "go.mod"))
	run(src, "go", "mod", "edit", "-require=github.com/dns-orders/blocklist@v0.0.0", "-replace=github.com/dns-orders/blocklist="+checkout)
	appendFile(t, filepath.Join(src, "go.sum"), filepath.Join(checkout, "go.sum"))

	run(src, "go", "generate", "coredns.go")
	directives, err := os.ReadFile(filepath.Join(src, "core", "dnsserver", "zdirectives.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`"acl",\s+"blocklist",\s+"cache",`).Match(directives) {
		t.Error("the generated directives do not have blocklist between acl and cache")
	}
	if !regexp.MustCompile(`"transfer",\s+"orders_rpz",`).Match(directives) {
		t.Error("the generated directives do not have orders_rpz below transfer")
	}
	binary := filepath.Join(src, "coredns")
	run(src, "go", "build", "-mod=mod", "-o", binary, ".")

	// The plugin must not change the version of another module of CoreDNS.
	after := requires(t, filepath.Join(src, "go.mod"))
	for path, v := range before {
		if after[path] != v {
			t.Errorf("compiling the plugin in moved %s from %s to %q", path, v, after[path])
		}
	}

	if list := strings.Fields(run(src, binary, "-plugins")); !slices.Contains(list, "blocklist") {
		t.Errorf("-plugins does not list blocklist: %q", list)
	}
	ask(t, binary)
}

func ask(t *testing.T, binary string) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "orders.yaml"), `version: 1
orders:
  - id: one
    authority: {name: A court}
    scope: global
    targets: [blocked.example]
`)
	addr := port.Address(t)
	_, port, _ := net.SplitHostPort(addr)
	write(t, filepath.Join(dir, "Corefile"), fmt.Sprintf(`.:%s {
	bind 127.0.0.1
	errors
	blocklist orders.yaml
	cache
	whoami
}
`, port))

	var output bytes.Buffer
	cmd := exec.Command(binary, "-conf", "Corefile")
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	stop := func() { cmd.Process.Kill(); <-exited }
	defer stop()

	deadline := time.Now().Add(30 * time.Second)
	client := &dns.Client{Timeout: 250 * time.Millisecond}
	for _, tc := range []struct {
		name  string
		rcode int
	}{
		{"passes.example.", dns.RcodeSuccess},
		{"blocked.example.", dns.RcodeNameError},
		{"www.blocked.example.", dns.RcodeNameError},
	} {
		q := new(dns.Msg).SetQuestion(tc.name, dns.TypeA)
		r, _, err := client.Exchange(q, addr)
		for err != nil || !r.Response {
			select {
			case <-exited:
				t.Fatalf("CoreDNS ended:\n%s", output.Bytes())
			default:
			}
			if time.Now().After(deadline) {
				stop()
				t.Fatalf("no answer for %s: %v\n%s", tc.name, err, output.Bytes())
			}
			r, _, err = client.Exchange(q, addr)
		}
		if r.Rcode != tc.rcode {
			t.Errorf("%s: want %s, got\n%v\nserver:\n%s", tc.name, dns.RcodeToString[tc.rcode], r, output.Bytes())
		}
	}
}

func copySource(t *testing.T, to, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, file, pattern, with string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	re := regexp.MustCompile(pattern)
	if n := len(re.FindAll(data, -1)); n != 1 {
		t.Fatalf("%s: %q found %d times, want once", file, pattern, n)
	}
	write(t, file, string(re.ReplaceAll(data, []byte(with))))
}

func appendFile(t *testing.T, to, from string) {
	t.Helper()
	var both []byte
	for _, f := range []string{to, from} {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, data...)
	}
	write(t, to, string(both))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func requires(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.ParseLax(file, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]string, len(mod.Require))
	for _, r := range mod.Require {
		m[r.Mod.Path] = r.Mod.Version
	}
	return m
}
