// Package chain tests the plugin together with other plugins on real CoreDNS servers. The plugin
// must not change the answers for names without orders.
package chain

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/any"
	_ "github.com/coredns/coredns/plugin/autopath"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/bufsize"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/chaos"
	_ "github.com/coredns/coredns/plugin/dns64"
	_ "github.com/coredns/coredns/plugin/dnssec"
	_ "github.com/coredns/coredns/plugin/dnstap"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/header"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/local"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/minimal"
	_ "github.com/coredns/coredns/plugin/nsid"
	_ "github.com/coredns/coredns/plugin/proxyproto"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/siit"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/tls"
	_ "github.com/coredns/coredns/plugin/view"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/test/coredns"
)

const name = "blocklist"

var up *upstream

func TestMain(m *testing.M) {
	coredns.Prepare()
	up = startUpstream()
	os.Exit(m.Run())
}

// A server is a CoreDNS server in this process.
type server struct {
	t        *testing.T
	inst     *caddy.Instance
	dir      string
	scheme   string
	udp, tcp string // the addresses on which the server listens; most schemes have only one
}

func start(t *testing.T, scheme, bind string, blocks []string, files map[string]string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), scheme: scheme}
	s.write("orders.yaml", orders)
	for file, text := range files {
		s.write(file, text)
	}
	inst, err := caddy.Start(s.input(bind, blocks))
	if err != nil {
		t.Fatal(err)
	}
	s.inst = inst
	t.Cleanup(func() { coredns.Stop(t, s.inst) })
	s.listening()
	return s
}

func (s *server) listening() {
	l := s.inst.Servers()[0]
	if a := l.LocalAddr(); a != nil {
		s.udp = a.String()
	}
	if a := l.Addr(); a != nil {
		s.tcp = a.String()
	}
}

func (s *server) input(bind string, blocks []string) caddy.Input {
	var text strings.Builder
	for _, b := range blocks {
		zone, body := ".", b
		if first, rest, ok := strings.Cut(b, ":\n"); ok && !strings.ContainsAny(first, "\n{") {
			zone, body = first, rest // a block whose text begins with "zone:" has a zone of its own
		}
		fmt.Fprintf(&text, "%s%s:0 {\nbind %s\n%s\n}\n", s.scheme, zone, bind, body)
	}
	return caddy.CaddyfileInput{Filepath: "Corefile", ServerTypeName: "dns", Contents: []byte(s.expand(text.String()))}
}

func (s *server) expand(text string) string {
	soon := time.Now().Add(20 * time.Second).UTC().Format(time.RFC3339)
	return strings.NewReplacer("$DIR", s.dir, "$ORDERS", filepath.Join(s.dir, "orders.yaml"), "$UPSTREAM", up.addr, "$SOON", soon).Replace(text)
}

func (s *server) write(file, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, file)
	if err := os.WriteFile(path, []byte(s.expand(text)), 0o644); err != nil {
		s.t.Fatal(err)
	}
	// The server waits for the end of a recent write, so make the file look old.
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		s.t.Fatal(err)
	}
}

var directive = regexp.MustCompile(`(?m)^\s*blocklist [^{\n]*(\{[^}]*\})?$`)

func pair(t *testing.T, scheme, bind string, blocks []string, files map[string]string) (with, without *server) {
	t.Helper()
	bare := slices.Clone(blocks)
	removed := 0
	for i, b := range bare {
		removed += len(directive.FindAllString(b, -1))
		bare[i] = directive.ReplaceAllString(b, "")
	}
	if removed == 0 {
		t.Fatal("no directive to leave out")
	}
	return start(t, scheme, bind, blocks, files), start(t, scheme, bind, bare, files)
}

type counts map[string]int

func counted(t *testing.T) counts {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	c := counts{}
	for _, f := range families {
		shadow := ""
		switch f.GetName() {
		case "coredns_blocklist_blocked_requests_total":
		case "coredns_blocklist_shadow_requests_total":
			shadow = " in shadow"
		default:
			continue
		}
		for _, m := range f.GetMetric() {
			l := map[string]string{}
			for _, p := range m.GetLabel() {
				l[p.GetName()] = p.GetValue()
			}
			key := l["response"] + shadow
			if l["view"] != "" {
				key += " in view " + l["view"]
			}
			if l["zone"] != "." {
				key += " in zone " + l["zone"]
			}
			c[key] += int(m.GetCounter().GetValue())
		}
	}
	return c
}

func (c counts) since(before counts) string {
	var out []string
	for k, n := range c {
		if n != before[k] {
			out = append(out, fmt.Sprintf("%d %s", n-before[k], k))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func show(wire []byte) string {
	m := new(dns.Msg)
	if m.Unpack(wire) != nil {
		return string(wire)
	}
	return m.String()
}

func same(t *testing.T, with, without *server, q string, ask func(*server, string) []byte) {
	t.Helper()
	before := counted(t)
	for _, round := range []string{"first", "second"} {
		got, want := ask(with, q), ask(without, q)
		if !bytes.Equal(got, want) {
			t.Errorf("%s, %s time: with the directive\n%s\nwithout it\n%s", q, round, show(got), show(want))
		}
	}
	if got := counted(t).since(before); got != "" {
		t.Errorf("%s: passes, but counted %s", q, got)
	}
}
