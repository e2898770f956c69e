//go:build e2e

// Package packaging tests the files of the folder packaging.
package packaging

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/coredns/coredns/core/plugin"
	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
)

const root = "../.."

func TestMain(m *testing.M) {
	coredns.Prepare()
	os.Exit(m.Run())
}

func TestCorefiles(t *testing.T) {
	for _, path := range []string{"debian/root/etc/blocklist/Corefile", "container/Corefile", "compose/Corefile", "kubernetes/base/Corefile"} {
		t.Run(path, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, "packaging", path))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			orders := "version: 1\norders: [{id: a, authority: {name: A}, scope: global, targets: [blocked.example]}]\n"
			if err := os.WriteFile(filepath.Join(dir, "orders.yaml"), []byte(orders), 0o600); err != nil {
				t.Fatal(err)
			}
			corefile := replace(t, string(text), map[string]string{
				`/etc/blocklist/orders`:    dir,
				`/var/lib/blocklist`:       t.TempDir(),
				`\.:1053`:                  ".:0",
				`forward \. [^\n]*`:        "forward . " + port.Address(t),
				`prometheus [0-9.]*:9153`:  "prometheus " + port.Address(t),
				`(?m)^    bind [^\n]*\n|$`: "",
			}, map[string]string{
				`ready :8181`:  "ready " + port.Address(t),
				`health :8080`: "health " + port.Address(t),
				`lameduck 5s`:  "lameduck 0s",
			})
			inst := coredns.Start(t, strings.Replace(corefile, "{\n", "{\n    bind 127.0.0.1\n", 1))
			m, err := dns.Exchange(new(dns.Msg).SetQuestion("blocked.example.", dns.TypeA), inst.Servers()[0].LocalAddr().String())
			if err != nil || m.Rcode != dns.RcodeNameError {
				t.Errorf("%v, %v", m, err)
			}
		})
	}
}

func replace(t *testing.T, text string, needed, optional map[string]string) string {
	t.Helper()
	for pattern, with := range needed {
		re := regexp.MustCompile(pattern)
		if !re.MatchString(text) {
			t.Fatalf("no %q in\n%s", pattern, text)
		}
		text = re.ReplaceAllLiteralString(text, with)
	}
	for pattern, with := range optional {
		text = regexp.MustCompile(pattern).ReplaceAllLiteralString(text, with)
	}
	return text
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
