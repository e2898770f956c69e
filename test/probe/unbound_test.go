//go:build e2e

package probe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

const unboundOrders = head + `
- {id: tree, targets: [tree.example], except: [good.tree.example]}
- {id: below, targets: ["*.below.example"]}
- {id: exact, targets: [{name: www.shop.example, match: exact}]}
- {id: nodata, response: nodata, targets: [nodata.example]}
- {id: page, response: {redirect: [192.0.2.80]}, targets: [page.example]}
- {id: lifted, issued: 2026-01-01, targets: [lifted.example, still.example]}
- {id: lift, action: lift, lifts: [lifted], issued: 2026-02-01, disclosure: full, targets: [lifted.example]}
- {id: ended, until: 2026-01-01, targets: [ended.example]}
`

func startUnbound(t *testing.T, dir string, settings [2]string) string {
	t.Helper()
	addr := port.Address(t)
	program.StartUnbound(t, dir, addr, upstream(t, lives), settings[0], settings[1])
	c := dns.Client{Timeout: time.Second}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, _, err := c.Exchange(new(dns.Msg).SetQuestion("up.example.", dns.TypeA), addr); err == nil {
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatal("unbound does not answer")
		}
	}
}

func TestUnbound(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "blocklistctl")
	program.Build(t, tool, "../../cmd/blocklistctl")
	file := filepath.Join(dir, "orders.yaml")
	for form, settings := range map[string][2]string{ // options and clauses of Unbound
		"rpz":     {"  module-config: \"respip iterator\"\n", "rpz:\n  name: rpz.test\n  zonefile: export\n"},
		"unbound": {"  include: export\n", ""},
	} {
		text := unboundOrders
		if form == "unbound" {
			text = strings.Replace(text, "- {id: below, targets: [\"*.below.example\"]}\n", "", 1) // a local-zone cannot say this
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		export := filepath.Join(dir, "export")
		if out, err := exec.Command(tool, "export", form, file, "--country", "IT", "--out", export).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		probe := func(addr string) (string, int) {
			cmd := exec.Command(tool, "probe", addr, file, "--country", "IT", "--expect", "blocked", "--rate", "200")
			out, err := cmd.CombinedOutput()
			if _, exited := err.(*exec.ExitError); err != nil && !exited {
				t.Fatal(err)
			}
			return string(out), cmd.ProcessState.ExitCode()
		}
		out, code := probe(startUnbound(t, dir, settings))
		if code != 0 || !strings.Contains(out, " 0 wrong, ") || !strings.Contains(out, " 0 without an answer, ") {
			t.Errorf("%s: exit %d\n%s", form, code, out)
		}
		t.Logf("%s:\n%s", form, out)
		zone, err := os.ReadFile(export)
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for line := range strings.Lines(string(zone)) {
			if !strings.Contains(line, "still.example") {
				kept = append(kept, line)
			}
		}
		os.WriteFile(export, []byte(strings.Join(kept, "")), 0o600)
		out, code = probe(startUnbound(t, dir, settings))
		want := "WRONG: still.example A (target of order lifted, target still.example): the name is not blocked: NOERROR with A 203.0.113.1\n"
		if code != 1 || !strings.Contains(out, want) || !strings.Contains(out, " 2 wrong, ") {
			t.Errorf("%s: exit %d\n%s", form, code, out)
		}
	}
}
