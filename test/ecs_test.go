//go:build e2e

package test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

func TestClientSubnetThroughUnbound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	coredns := filepath.Join(dir, "coredns")
	program.Build(t, coredns, "../cmd/coredns")
	bottom, top := port.Address(t), port.Address(t)
	write(t, filepath.Join(dir, "orders.yaml"), "version: 1\norders:\n- {id: italy, scope: {countries: [IT]}, authority: {name: A}, targets: [italy.example]}\n")
	write(t, filepath.Join(dir, "Corefile"), fmt.Sprintf(`.:%s {
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
}`, portOf(bottom), passing))
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
	program.Start(t, dir, coredns, "-conf", "Corefile")
	ask(bottom, "127.0.0.1", "up.example.")
	program.StartUnbound(t, dir, top, bottom, "  access-control: 127.0.0.0/8 allow\n  module-config: \"subnetcache iterator\"\n  send-client-subnet: 127.0.0.1\n", "")
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
