package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin/bind"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	_ "github.com/coredns/coredns/plugin/root"
	_ "github.com/coredns/coredns/plugin/whoami"
	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
)

var worlds = flag.Int("worlds", 4, "how many random orders and Corefiles are tried")

// A world makes random order files and Corefiles.
type world struct{ *rand.Rand }

func (w world) some(list ...string) []string {
	out := slices.DeleteFunc(slices.Clone(list), func(string) bool { return w.IntN(2) == 0 })
	if len(out) == 0 {
		out = list[w.IntN(len(list)):][:1]
	}
	return out
}

func (w world) one(list ...string) string { return list[w.IntN(len(list))] }

// The test sends queries from client addresses in these loopback networks.
var networks = []string{"127.0.0.0/8", "127.0.0.0/24", "127.1.0.0/16", "127.1.1.0/24", "127.1.1.7", "127.2.0.0/15"}

// clients contains addresses inside and outside the networks.
var clients = []string{"127.0.0.9", "127.0.1.1", "127.1.0.1", "127.1.1.1", "127.1.1.7", "127.2.0.1", "127.3.9.9", "127.9.9.9"}

var askedNames = []string{"a.example", "www.a.example", "b.example", "x.www.b.example", "c.example", "none.example"}

func (w world) scope() string {
	switch w.IntN(4) {
	case 0:
		return "scope: global"
	case 1:
		return "scope: {countries: [" + strings.Join(w.some("IT", "FR", "EU", "CH"), ", ") + "]}"
	case 2:
		return "scope: {clients: [" + strings.Join(w.some(networks...), ", ") + "]}"
	}
	return "scope: {countries: [" + w.one("IT", "FR", "EU", "CH") + "], clients: [" + w.one(networks...) + "]}"
}

// All times are whole days, so no order changes during the test.
func (w world) orders() string {
	var b strings.Builder
	b.WriteString("version: 1\norders:\n")
	day := func(n int) string { return time.Now().AddDate(0, 0, n).UTC().Format(time.DateOnly) }
	for i := range 2 + w.IntN(6) {
		lift := i > 1 && w.IntN(4) == 0
		fmt.Fprintf(&b, "  - id: o%d\n    authority: {name: %s}\n    references: [\"%d/26\"]\n", i, w.one("Court", "Regulator"), i)
		fmt.Fprintf(&b, "    issued: %s\n    %s\n", day(-20+i), w.scope())
		fmt.Fprintf(&b, "    targets: [%s]\n", strings.Join(w.some("a.example", `"*.a.example"`, "{name: a.example, match: exact}", "b.example", "www.b.example", "c.example"), ", "))
		switch w.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "    from: %s\n", day(w.IntN(20)-15))
		case 1:
			fmt.Fprintf(&b, "    until: %s\n", day(w.IntN(20)-5))
		case 2:
			fmt.Fprintf(&b, "    status: %s\n", w.one("shadow", "draft", "suspended"))
		}
		if lift {
			fmt.Fprintf(&b, "    action: lift\n    lifts: [o0]\n")
			continue
		}
		switch w.IntN(5) {
		case 0:
			fmt.Fprintf(&b, "    exempt: [{clients: [%s]}]\n", strings.Join(w.some(networks...), ", "))
		case 1:
			fmt.Fprintf(&b, "    except: [%s]\n", w.one("www.a.example", "x.www.b.example"))
		case 2:
			fmt.Fprintf(&b, "    response: %s\n", w.one("nodata", "refused", "{redirect: [192.0.2.7]}"))
		case 3:
			fmt.Fprintf(&b, "    disclosure: %s\n", w.one("schedule", "code", "none"))
		}
	}
	return b.String()
}

func (w world) corefile(dir, port string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".:0 {\n bind 127.0.0.1\n root %s\n blocklist a.yaml {\n", dir)
	free := slices.Clone(networks)
	w.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	for _, cc := range []string{"IT", "FR", "CH", "US"} {
		if w.IntN(2) == 0 {
			fmt.Fprintf(&b, "  country %s %s\n", cc, free[0])
			free = free[1:]
		}
	}
	if w.IntN(2) == 0 {
		fmt.Fprintf(&b, "  home %s\n", w.one("IT", "DE", "US"))
	}
	if w.IntN(3) == 0 {
		b.WriteString("  protect ours.txt\n")
	}
	if w.IntN(8) == 0 {
		b.WriteString("  shadow\n")
	}
	fmt.Fprintf(&b, "  response %s\n  ttl %ds\n  organization \"An ISP\"\n", w.one("nxdomain", "nodata", "refused", "redirect 192.0.2.1 2001:db8::1"), 1+w.IntN(99))
	fmt.Fprintf(&b, "  status 127.0.0.1:%s\n", port)
	b.WriteString(" }\n whoami\n}\n")
	return b.String()
}

// prepareServer prepares the test program for servers.
var prepareServer = sync.OnceFunc(func() {
	coredns.Prepare()
	clog.Discard()
})

// TestExplainIsTheServer compares explain with a running server. Orders, Corefiles, clients and
// names are random.
func TestExplainIsTheServer(t *testing.T) {
	prepareServer()
	blocked, passed := 0, 0
	for seed := range uint64(*worlds) {
		w := world{rand.New(rand.NewPCG(seed, 26))}
		dir := t.TempDir()
		for name, text := range map[string]string{"a.yaml": w.orders(), "ours.txt": "c.example\n"} {
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			old := time.Now().Add(-time.Minute) // the server waits before it reads a file that was just written
			os.Chtimes(file, old, old)
		}
		corefile := filepath.Join(dir, "Corefile")
		statusPort := port.Free(t)
		text := w.corefile(dir, statusPort)
		if err := os.WriteFile(corefile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		inst, err := caddy.Start(caddy.CaddyfileInput{Filepath: corefile, Contents: []byte(text), ServerTypeName: "dns"})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		addr := inst.Servers()[0].LocalAddr().String()
		// Wait until the server listens. Before that, Stop would have no effect.
		exchange(t, "tcp", inst.Servers()[0].Addr().String(), "127.0.0.1", "none.example", dns.TypeA)
		for _, client := range clients {
			for _, i := range w.Perm(len(askedNames))[:3] {
				name, qtype := askedNames[i], w.one("A", "AAAA", "HTTPS")
				got := explainFor(t, name, "--corefile", corefile, "--client", client, "--type", qtype)
				asServer := explainFor(t, name, "--server", "http://127.0.0.1:"+statusPort, "--client", client, "--type", qtype)
				if tool, server := comparable(t, got), comparable(t, asServer); tool != server {
					orders, _ := os.ReadFile(filepath.Join(dir, "a.yaml"))
					t.Errorf("seed %d: %s %s for %s: explain --corefile says\n%s\nexplain --server says\n%s\n%s\n%s", seed, name, qtype, client, tool, server, text, orders)
				}
				m := exchange(t, "udp", addr, client, name, dns.StringToType[qtype])
				isBlocked := m.Rcode != dns.RcodeSuccess || len(m.Answer)+len(m.Ns) > 0
				answer := ""
				if isBlocked {
					answer = explain.DigForm(m)
					blocked++
				} else {
					passed++
				}
				if got.Blocked != isBlocked || got.Answer != answer {
					orders, _ := os.ReadFile(filepath.Join(dir, "a.yaml"))
					t.Fatalf("seed %d: %s %s for %s: explain says blocked %v\n%s\nthe server says blocked %v\n%s\n%s\n%s", seed, name, qtype, client,
						got.Blocked, got.Answer, isBlocked, answer, text, orders)
				}
			}
		}
		inst.ShutdownCallbacks()
		inst.Stop()
	}
	if blocked < *worlds || passed < *worlds {
		t.Errorf("%d queries blocked, %d passed: the worlds are too much alike", blocked, passed)
	}
}

// The result leaves out facts that a server does not store.
func comparable(t *testing.T, x explain.Explanation) string {
	t.Helper()
	x.At, x.Since, x.NotBefore, x.Block = "", "", "", ""
	x.Others = slices.Clone(x.Others)
	for i := range x.Others {
		x.Others[i].Text = ""
	}
	out, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func explainFor(t *testing.T, args ...string) (out explain.Explanation) {
	t.Helper()
	var stdout, stderr strings.Builder
	args = append([]string{"--json", "explain"}, args...)
	if code := run(args, strings.NewReader(""), &stdout, &stderr, time.Now); code != exitOK {
		t.Fatalf("%q: exit %d\n%s", args, code, stderr.String())
	}
	if err := json.Unmarshal([]byte(stdout.String()), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func exchange(t *testing.T, network, server, client, name string, qtype uint16) *dns.Msg {
	t.Helper()
	local := net.Addr(&net.UDPAddr{IP: net.ParseIP(client)})
	if network == "tcp" {
		local = &net.TCPAddr{IP: net.ParseIP(client)}
	}
	c := dns.Client{Net: network, Dialer: &net.Dialer{LocalAddr: local, Timeout: 5 * time.Second}}
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype).SetEdns0(1232, false)
	r, _, err := c.Exchange(m, server)
	if err != nil {
		t.Fatal(err)
	}
	r.Id = 0
	return r
}

func TestWhomIsTrue(t *testing.T) {
	for seed := range uint64(*worlds) {
		w := world{rand.New(rand.NewPCG(seed, 27))}
		t.Chdir(t.TempDir())
		dir, _ := os.Getwd()
		os.WriteFile("a.yaml", []byte(w.orders()), 0o600)
		os.WriteFile("ours.txt", []byte("c.example\n"), 0o600)
		os.WriteFile("Corefile", []byte(w.corefile(dir, "0")), 0o600)
		for _, name := range askedNames[:4] {
			for _, source := range [][]string{{"a.yaml"}, {"--corefile", "Corefile"}} {
				ask := func(args ...string) (out explain.Explanation) {
					all := append(append([]string{"--json", "explain", name, "--sealed"}, source...), args...)
					code, text, errs := ctlAt(time.Now, all...)
					if code != exitOK || json.Unmarshal([]byte(text), &out) != nil {
						t.Fatalf("%q: exit %d %s", all, code, errs)
					}
					return out
				}
				any := ask()
				if any.Client == "any client" || any.Client == "every client" {
					for _, i := range w.Perm(len(clients))[:3] {
						client := clients[i]
						if got := ask("--client", client); got.Blocked != any.Blocked {
							t.Fatalf("seed %d: %s is blocked %v for %s, but %v for %s", seed, name, any.Blocked, any.Client, got.Blocked, client)
						}
						if source[0] != "a.yaml" {
							continue
						}
						for _, cc := range []string{"IT", "DE", "US"} {
							if got := ask("--client", client, "--country", cc); got.Blocked != any.Blocked {
								t.Fatalf("seed %d: %s is blocked %v for %s, but %v for %s in %s", seed, name, any.Blocked, any.Client, got.Blocked, client, cc)
							}
						}
					}
				}
				for _, g := range any.Groups {
					cc, ok := strings.CutPrefix(g.Clients, "clients in ")
					if !ok || len(cc) != 2 {
						continue
					}
					if got := ask("--country", cc); got.Blocked != g.Blocked {
						t.Fatalf("seed %d: %s is blocked %v for %s, but %v with --country %s", seed, name, g.Blocked, g.Clients, got.Blocked, cc)
					}
				}
			}
		}
	}
}
