//go:build e2e

package test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

func TestClientSubnetThroughUnbound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	coredns := filepath.Join(dir, "coredns")
	program.Build(t, coredns, "../cmd/coredns")
	bottom, top := freePort(t), freePort(t)
	_, bottomPort, _ := net.SplitHostPort(bottom)
	_, topPort, _ := net.SplitHostPort(top)
	for file, text := range map[string]string{
		"orders.yaml": "version: 1\norders:\n- {id: italy, scope: {countries: [IT]}, authority: {name: A}, targets: [italy.example]}\n",
		"Corefile": fmt.Sprintf(`.:%s {
	bind 127.0.0.1
	errors
	blocklist orders.yaml {
		country IT 127.0.1.0/24 127.0.3.0/24
		country FR 127.0.2.0/24
		ecs_from 127.0.0.1
	}
	cache
	template IN A alias.example {
		match ^(.)[.]
		answer "{{ .Name }} 60 IN CNAME {{ index .Match 1 }}.x.italy.example."
	}
	template IN A . {
		answer "{{ .Name }} 60 IN A %s"
	}
}`, bottomPort, passing),
		"unbound.conf": fmt.Sprintf(`server:
  interface: 127.0.0.1@%s
  access-control: 127.0.0.0/8 allow
  directory: %q
  chroot: ""
  username: ""
  pidfile: ""
  logfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "subnetcache iterator"
  send-client-subnet: 127.0.0.1
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@%s
`, topPort, dir, bottomPort),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	begin := func(program string, args ...string) {
		cmd := exec.Command(program, args...)
		var log bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
			if t.Failed() {
				t.Logf("%s:\n%s", filepath.Base(program), log.String()[:min(log.Len(), 4000)])
			}
		})
	}
	ask := func(addr, client, name string) *dns.Msg {
		c := &dns.Client{Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(client)}}, Timeout: 5 * time.Second}
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			r, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false), addr)
			if err == nil && r.Response {
				return r
			}
			if time.Now().After(deadline) {
				t.Fatalf("no answer from %s: %v", addr, err)
			}
		}
	}
	begin(coredns, "-conf", "Corefile")
	ask(bottom, "127.0.0.1", "up.example.")
	begin("unbound", "-d", "-c", "unbound.conf")
	ask(top, "127.0.0.1", "up.example.")

	asked := 0
	for _, client := range []string{"a", "b", "127.0.1.1", "127.0.2.1", "127.0.3.1", "127.0.4.1", "127.0.1.2", "127.0.2.2"} {
		names := []string{"a", "b"}
		if first := map[string]string{"a": "127.0.1.1", "b": "127.0.2.1"}[client]; first != "" {
			names, client = []string{client}, first
		}
		italian := strings.HasPrefix(client, "127.0.1.") || strings.HasPrefix(client, "127.0.3.")
		for _, n := range names {
			for zone, ordered := range map[string]bool{"italy.example.": true, "alias.example.": true, "free.example.": false} {
				r := ask(top, client, n+"."+zone)
				asked++
				passes := len(r.Answer) > 0 && strings.HasSuffix(r.Answer[len(r.Answer)-1].String(), passing)
				if want := !ordered || !italian; passes != want {
					t.Errorf("%s.%s for %s: passes %v, want %v\n%v", n, zone, client, passes, want, r)
				}
			}
		}
	}
	fmt.Printf("counts: %d questions of two countries through one unbound\n", asked)
}
