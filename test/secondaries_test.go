//go:build e2e

package test

import (
	"flag"
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
	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/export"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/coredns"

	_ "github.com/dns-orders/blocklist/ordersrpz"
)

// pageBlock returns the text of a code block in docs/other-resolvers.md. The parameter info is the
// text after the "~~~" that begins the block.
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

// A primary is a CoreDNS server with the Corefile of docs/other-resolvers.md.
type primary struct {
	dir, addr string
	ports     *strings.Replacer // puts the addresses of the test into a block of the page
}

// startPrimary starts a primary in the process of the test. The parameters are the addresses of the
// secondaries.
func startPrimary(t *testing.T, bind, recursor, unbound string) *primary {
	p := newPrimary(t, bind, recursor, unbound)
	prepareOnce.Do(func() {
		coredns.Prepare()
		coredns.AddDirective("orders_rpz", "dynupdate") // directly below transfer
	})
	inst, err := caddy.Start(coredns.Input(p.corefile(t)))
	if err != nil {
		t.Fatal(err)
	}
	coredns.AwaitServing(t, inst)
	t.Cleanup(func() { coredns.Stop(t, inst) })
	return p
}

// newPrimary returns a primary that is not started. Its orders block first.example.
func newPrimary(t *testing.T, bind, recursor, unbound string) *primary {
	t.Helper()
	p := &primary{dir: t.TempDir(), addr: freePort(t)}
	port := portOf(p.addr)
	p.ports = strings.NewReplacer("192.0.2.1@5300", "127.0.0.1@"+port, "192.0.2.1:5300", p.addr, "192.0.2.1 port 5300", "127.0.0.1 port "+port,
		"192.0.2.1", "127.0.0.1", "192.0.2.53", bind, "192.0.2.54", recursor, "192.0.2.55", unbound,
		"orders_rpz /etc/coredns/orders.yaml", "orders_rpz "+p.dir+"/*.yaml",
		".example:5300 {", ".example:"+port+" {\n\tbind 127.0.0.1", "/etc/coredns/", p.dir+"/",
		// The recursor asks for the zone more often than in the documentation. This makes the test
		// shorter.
		"refresh = 5", "refresh = 1", "ttl=5", "ttl=1")
	if err := os.Mkdir(filepath.Join(p.dir, "rpz"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.block(t, "first.example")
	return p
}

func (p *primary) corefile(t *testing.T) string { return p.ports.Replace(pageBlock(t, "corefile")) }

// block replaces the orders by an order that blocks these names.
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

// TestSecondaries starts the resolvers with the configurations of docs/other-resolvers.md.
// The resolvers must get the zone and each change of the zone, even after a resolver was
// away.
func TestSecondaries(t *testing.T) {
	t.Parallel()
	upstream := startPlainUpstream(t)
	bind, recursor, unbound := freePort(t), freePort(t), freePort(t)
	p := startPrimary(t, bind, recursor, unbound)

	startUnboundWith(t, t.TempDir(), unbound, upstream, "", p.ports.Replace(pageBlock(t, "unbound.conf")))

	startNamed, stopNamed := startBINDSecondary(t, p, t.TempDir(), bind, upstream)

	pdns := t.TempDir()
	write(t, filepath.Join(pdns, "recursor.lua"), "clearTA()\n"+p.ports.Replace(pageBlock(t, "recursor.lua")))
	write(t, filepath.Join(pdns, "recursor.conf"), fmt.Sprintf(`local-address=127.0.0.1
local-port=%s
forward-zones-recurse=.=%s
dnssec=off
lua-config-file=%s/recursor.lua
socket-dir=%[3]s
query-local-address=127.0.0.1
dont-query=
security-poll-suffix=
write-pid=no
disable-syslog=yes
threads=1
`, portOf(recursor), upstream, pdns)+p.ports.Replace(pageBlock(t, "recursor.conf")))
	daemon(t, pdns, "pdns_recursor", "--config-dir="+pdns)

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
	// BIND is away during several changes, and comes back with its old zone.
	stopNamed()
	for _, n := range []string{"third.example", "fourth.example", "fifth.example"} {
		p.block(t, n)
		sees(t, unbound, n, "second.example")
	}
	startNamed()
	// After its restart, BIND may have the old zone until the next refresh or NOTIFY. The next
	// change of the orders causes a NOTIFY. BIND then also gets the changes from the time of its
	// absence.
	exchange(t, bind, "other.example", dns.TypeA)
	p.block(t, "sixth.example")
	sees(t, bind, "sixth.example", "second.example")
}

// startBINDSecondary starts BIND in dir with the configuration of docs/other-resolvers.md. The
// functions start and stop start and stop BIND again.
func startBINDSecondary(t *testing.T, p *primary, dir, addr, upstream string) (start, stop func()) {
	host, port, _ := strings.Cut(upstream, ":")
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(bindOptions, dir, portOf(addr), fmt.Sprintf(
		"forward only; forwarders { %s port %s; }; dnssec-validation no; notify-source 127.0.0.1; transfer-source 127.0.0.1;\n%s", host, port, pageBlock(t, "named.conf options")))+
		p.ports.Replace(pageBlock(t, "named.conf")))
	said := new(lockedBuffer)
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

var register = flag.Int("register", 1000, "the number of names in the zone of TestOrderToEffect")

// TestOrderToEffect measures the time from a change of an order file to the answers of
// Unbound and BIND. With -register 1000000, it gives the figures of
// docs/other-resolvers.md.
func TestOrderToEffect(t *testing.T) {
	upstream := startPlainUpstream(t)
	addrs := map[string]string{"unbound": freePort(t), "bind": freePort(t)}
	p := startPrimary(t, addrs["bind"], addrs["bind"], addrs["unbound"])
	startUnboundWith(t, t.TempDir(), addrs["unbound"], upstream, "", p.ports.Replace(pageBlock(t, "unbound.conf")))
	startBINDSecondary(t, p, t.TempDir(), addrs["bind"], upstream)
	var names strings.Builder
	for i := range *register {
		fmt.Fprintf(&names, "name%d.d%d.example\n", i, i%997)
	}
	write(t, filepath.Join(p.dir, "names.txt"), names.String())
	orders := func(name string) string {
		return "version: 1\nshrink_ok: 1\norders:\n- {id: a, authority: {name: A}, scope: {countries: [IT]}, targets: [" + name + "]}\n"
	}
	put := func(file, text string) {
		path := filepath.Join(p.dir, file)
		write(t, path+".new", text)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	put("register.yaml", "version: 1\norders:\n- {id: register, authority: {name: B}, scope: {countries: [IT]}, targets_from: {file: names.txt}}\n")
	last := fmt.Sprintf("name%d.d%d.example", *register-1, (*register-1)%997)
	for _, addr := range addrs {
		sees(t, addr, last, "other.example")
	}
	time.Sleep(time.Duration(*register) * time.Millisecond / 100) // let the servers finish their work
	for _, name := range []string{"unbound", "bind"} {
		var block, lift []string
		for i := range 3 {
			now, before := fmt.Sprintf("now%d%s.example", i, name), fmt.Sprintf("now%d%s.example", i-1, name)
			start := time.Now()
			put("orders.yaml", orders(now))
			poll(t, addrs[name], now, "NXDOMAIN")
			block = append(block, fmt.Sprintf("%.2f", time.Since(start).Seconds()))
			poll(t, addrs[name], before, realAddress)
			lift = append(lift, fmt.Sprintf("%.2f", time.Since(start).Seconds()))
			time.Sleep(time.Duration(*register) * time.Millisecond / 200)
		}
		fmt.Printf("counts: %d names: %s blocks after %s s, passes after %s s\n", *register, name, strings.Join(block, ", "), strings.Join(lift, ", "))
	}
}

// poll asks often until the answer is as wanted.
func poll(t *testing.T, addr, name, want string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if got := outcome(exchange(t, addr, name, dns.TypeA)); got == want {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestFileConfigurations starts the resolvers with the configurations of
// docs/other-resolvers.md that read a file.
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
	zone, local, knot, forwarding := freePort(t), freePort(t), freePort(t), freePort(t)
	startUnboundWith(t, t.TempDir(), zone, upstream, "", at.Replace(pageBlock(t, "unbound.conf file")))
	startUnboundWith(t, t.TempDir(), local, upstream, "", at.Replace(pageBlock(t, "unbound.conf local-zone")))
	startKnotRules(t, knot, upstream, at.Replace(pageBlock(t, "kresd.conf"))+"policy.add(policy.all(policy.STUB('192.0.2.1')))\n")
	startKnotRules(t, forwarding, upstream, at.Replace(pageBlock(t, "kresd.conf forwarding")))
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
