//go:build e2e

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/transfer"
	_ "github.com/coredns/coredns/plugin/tsig"
	_ "github.com/dns-orders/blocklist/ordersrpz"
	"github.com/dns-orders/blocklist/plugin/export"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

func pageBlock(t *testing.T, info string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/other-resolvers.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?ms)^~~~ ` + regexp.QuoteMeta(info) + `\n(.*?)^~~~$`).FindStringSubmatch(string(page))
	if m == nil {
		t.Fatalf("the page has no block %q", info)
	}
	return m[1]
}

var prepareOnce sync.Once

type primary struct {
	dir, addr string
	ports     *strings.Replacer // puts the addresses of the test into a block of the page
}

func startPrimary(t *testing.T, bind, recursor, unbound string) *primary {
	p := newPrimary(t, bind, recursor, unbound)
	startInProcess(t, p.corefile(t))
	return p
}

// startInProcess starts CoreDNS in the process of the test.
func startInProcess(t *testing.T, corefile string) {
	prepareOnce.Do(func() {
		coredns.Prepare()
		coredns.AddDirective("orders_rpz", "dynupdate") // directly below transfer
	})
	inst, err := caddy.Start(coredns.Input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	coredns.AwaitServing(t, inst)
	t.Cleanup(func() { coredns.Stop(t, inst) })
}

func newPrimary(t *testing.T, bind, recursor, unbound string) *primary {
	t.Helper()
	p := &primary{dir: t.TempDir(), addr: port.Address(t)}
	port := portOf(p.addr)
	p.ports = strings.NewReplacer("192.0.2.1@5300", "127.0.0.1@"+port, "192.0.2.1:5300", p.addr, "192.0.2.1 port 5300", "127.0.0.1 port "+port,
		"192.0.2.1", "127.0.0.1", "192.0.2.53", bind, "192.0.2.54", recursor, "192.0.2.55", unbound,
		"orders_rpz /etc/coredns/orders.yaml", "orders_rpz "+p.dir+"/*.yaml",
		".example:5300 {", ".example:"+port+" {\n\tbind 127.0.0.1", "/etc/coredns/", p.dir+"/",
		"refresh = 5", "refresh = 1", "ttl=5", "ttl=1")
	if err := os.Mkdir(filepath.Join(p.dir, "rpz"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.block(t, "first.example")
	return p
}

func (p *primary) corefile(t *testing.T) string { return p.ports.Replace(pageBlock(t, "corefile")) }

func (p *primary) block(t *testing.T, names ...string) {
	t.Helper()
	path := filepath.Join(p.dir, "orders.yaml")
	write(t, path+".new", "version: 1\norders:\n- {id: a, authority: {name: A}, scope: {countries: [IT]}, targets: ["+strings.Join(names, ", ")+"]}\n")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func sees(t *testing.T, addr, blocked, passes string) {
	t.Helper()
	start := time.Now()
	await(t, blocked+" is blocked and "+passes+" passes", func() string {
		b, p := exchange(t, addr, blocked, dns.TypeA), exchange(t, addr, passes, dns.TypeA)
		if outcome(b) == "NXDOMAIN" && outcome(p) == realAddress {
			return ""
		}
		return outcome(b) + " and " + outcome(p)
	})
	t.Logf("%s blocked and %s passes after %.2f s", blocked, passes, time.Since(start).Seconds())
}

func TestSecondaries(t *testing.T) {
	t.Parallel()
	upstream := startPlainUpstream(t)
	bind, recursor, unbound := port.Address(t), port.Address(t), port.Address(t)
	p := startPrimary(t, bind, recursor, unbound)

	program.StartUnbound(t, t.TempDir(), unbound, upstream, "", p.ports.Replace(pageBlock(t, "unbound.conf")))

	beginNamed, stopNamed := startBINDSecondary(t, p, t.TempDir(), bind, upstream)
	startRecursorSecondary(t, p, recursor, upstream)

	all := map[string]string{"unbound": unbound, "bind": bind, "recursor": recursor}
	for name, addr := range all {
		t.Log(name)
		sees(t, addr, "first.example", "other.example")
	}
	p.block(t, "second.example")
	for name, addr := range all {
		t.Log(name)
		sees(t, addr, "second.example", "first.example")
	}
	stopNamed()
	for _, n := range []string{"third.example", "fourth.example", "fifth.example"} {
		p.block(t, n)
		sees(t, unbound, n, "second.example")
	}
	beginNamed()
	// BIND may serve an old zone until it receives a NOTIFY.
	exchange(t, bind, "other.example", dns.TypeA)
	p.block(t, "sixth.example")
	sees(t, bind, "sixth.example", "second.example")
}

func startRecursorSecondary(t *testing.T, p *primary, recursor, upstream string) {
	startRecursorWith(t, t.TempDir(), recursor, upstream, p.ports.Replace(pageBlock(t, "recursor.lua")), "dnssec=off\n"+p.ports.Replace(pageBlock(t, "recursor.conf")))
}

func TestSecondaryParts(t *testing.T) {
	t.Parallel()
	upstream := startPlainUpstream(t)
	bind, recursor, unbound := port.Address(t), port.Address(t), port.Address(t)
	p := newPrimary(t, bind, recursor, unbound)
	write(t, filepath.Join(p.dir, "top.yaml"), "version: 1\norders:\n- {id: top, authority: {name: A}, scope: global, force: {w1: a test}, targets: [w1], except: [good.w1]}\n")
	corefile := strings.ReplaceAll(p.corefile(t), "countries IT\n", "countries IT\n        parts 16\n")
	if strings.Count(corefile, "parts 16") != 2 {
		t.Fatalf("no parts in\n%s", corefile)
	}
	startInProcess(t, corefile)
	script := func(info string) string {
		dir := t.TempDir()
		cmd := exec.Command("sh", "-euc", p.ports.Replace(pageBlock(t, info)))
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", info, err, out)
		}
		return dir
	}
	server, _, _ := strings.Cut(pageBlock(t, "unbound.conf"), "rpz:")
	program.StartUnbound(t, t.TempDir(), unbound, upstream, "", server+"include: "+script("sh unbound parts")+"/rpz-parts.conf\n")

	dir := script("sh named parts")
	key, _, _ := strings.Cut(pageBlock(t, "named.conf"), "zone ")
	startNamed(t, dir, bind, upstream, `include "rpz-options.conf";`, key+`include "rpz-zones.conf";`+"\n")

	all := map[string]string{"unbound": unbound, "bind": bind}
	before := "other.example"
	for _, name := range []string{"first.example", "second.example", "third.example"} {
		for server, addr := range all {
			t.Log(server)
			sees(t, addr, name, before)
			sees(t, addr, "x.bad.w1", "x.good.w1")
		}
		before = name
		p.block(t, map[string]string{"first.example": "second.example", "second.example": "third.example", "third.example": "w.example"}[name])
	}
}

func startBINDSecondary(t *testing.T, p *primary, dir, addr, upstream string) (start, stop func()) {
	return startNamed(t, dir, addr, upstream, pageBlock(t, "named.conf options"), p.ports.Replace(pageBlock(t, "named.conf")))
}

func startNamed(t *testing.T, dir, addr, upstream, options, zones string) (start, stop func()) {
	host, port, _ := strings.Cut(upstream, ":")
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(bindOptions, dir, portOf(addr), fmt.Sprintf(
		"forward only; forwarders { %s port %s; }; dnssec-validation no; notify-source 127.0.0.1; transfer-source 127.0.0.1;\n%s", host, port, options))+zones)
	said := new(program.Buffer)
	var cmd *exec.Cmd
	start = func() {
		cmd = exec.Command("named", "-g", "-n", "1", "-c", "named.conf")
		cmd.Dir, cmd.Stderr = dir, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	start()
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			text := said.String()
			t.Logf("named said:\n%s", text[max(0, len(text)-3000):])
		}
	})
	return start, stop
}

func TestFileConfigurations(t *testing.T) {
	t.Parallel()
	upstream := startPlainUpstream(t)
	dir := t.TempDir()
	b := ruleset.NewBuilder("orders.yaml", ruleset.Options{})
	file, problems := order.Parse("orders.yaml", strings.NewReader("version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets: [first.example]}\n"), order.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, o := range file.Orders {
		b.Add(o)
	}
	part, _ := b.Freeze()
	set := ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})
	for name, form := range map[string]string{"rpz.zone": "rpz", "orders.conf": "unbound"} {
		m, err := export.NewMaker(export.Options{Form: form, Country: "IT", Origin: 20})
		if err != nil {
			t.Fatal(err)
		}
		text := string(m.Make(set, 1).Body)
		if form == "rpz" {
			text = zoneHead + text
		}
		write(t, filepath.Join(dir, name), text)
	}
	at := strings.NewReplacer("/var/lib/unbound/", dir+"/", "/var/lib/knot-resolver/", dir+"/")
	zone, local, knot, forwarding := port.Address(t), port.Address(t), port.Address(t), port.Address(t)
	program.StartUnbound(t, t.TempDir(), zone, upstream, "", at.Replace(pageBlock(t, "unbound.conf file")))
	program.StartUnbound(t, t.TempDir(), local, upstream, "", at.Replace(pageBlock(t, "unbound.conf local-zone")))
	startKnotWith(t, t.TempDir(), knot, upstream, at.Replace(pageBlock(t, "kresd.conf"))+"policy.add(policy.all(policy.STUB('192.0.2.1')))\n")
	startKnotWith(t, t.TempDir(), forwarding, upstream, at.Replace(pageBlock(t, "kresd.conf forwarding")))
	for _, addr := range []string{zone, local, knot, forwarding} {
		sees(t, addr, "first.example", "other.example")
	}
	// Knot Resolver reads the file again after each change.
	path := filepath.Join(dir, "rpz.zone")
	for _, names := range [][2]string{{"second.example", "first.example"}, {"third.example", "second.example"}} {
		write(t, path+".new", zoneHead+names[0]+" CNAME .\n")
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		for _, addr := range []string{knot, forwarding} {
			sees(t, addr, names[0], names[1])
		}
	}
}
