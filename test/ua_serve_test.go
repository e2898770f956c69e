//go:build e2e

package test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

const (
	passing   = "192.0.2.80"
	passingNS = "passing.invalid." // the owner of the record in the authority section, for other types than A
)

func serve(t *testing.T, coredns, dir, orders string) string {
	t.Helper()
	addr := port.Address(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	corefile := fmt.Sprintf(`.:%s {
	bind 127.0.0.1
	errors
	blocklist %s/
	template IN A . {
		answer "{{ .Name }} 60 IN A %s"
	}
	template ANY ANY . {
		authority "%s 60 IN NS ."
	}
	chaos
}`, port, orders, passing, passingNS)
	if err := os.WriteFile(filepath.Join(dir, "Corefile"), []byte(corefile), 0o644); err != nil {
		t.Fatal(err)
	}
	log := program.Start(t, dir, coredns, "-conf", "Corefile")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if r, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("up.invalid.", dns.TypeA), addr); err == nil && r.Response {
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer:\n%s", log.String())
		}
	}
}

func askAll(t *testing.T, network, addr string, names []string) map[string]bool {
	t.Helper()
	const workers = 4
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := make(map[string]bool, len(names))
	for w := range workers {
		wg.Go(func() {
			c := &dns.Client{Net: network, Timeout: 5 * time.Second}
			conn, err := c.Dial(addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for i := w; i < len(names); i += workers {
				m := new(dns.Msg).SetQuestion(dns.Fqdn(names[i]), dns.TypeA)
				m.SetEdns0(1232, false)
				r, _, err := c.ExchangeWithConn(m, conn)
				if err != nil {
					t.Errorf("%s over %s: %v", names[i], network, err)
					return
				}
				passed := len(r.Answer) == 1 && strings.HasSuffix(r.Answer[0].String(), passing)
				if !passed && !censored(r) {
					t.Errorf("%s over %s: neither passes nor is it blocked: %v", names[i], network, r)
				}
				mu.Lock()
				out[names[i]] = !passed
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return out
}

func censored(r *dns.Msg) bool {
	return len(r.Answer) == 0 && len(r.Ns) == 1 && slices.Contains(answer.ErrorCodes(r), dns.ExtendedErrorCodeCensored)
}
