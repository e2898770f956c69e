package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

func plain(w *bufio.Writer, names []string, _ int) {
	for _, n := range names {
		fmt.Fprintln(w, n)
	}
}

func hosts(w *bufio.Writer, names []string, _ int) {
	for _, n := range names {
		fmt.Fprintln(w, "0.0.0.0", n)
	}
}

func localZones(w *bufio.Writer, names []string, _ int) {
	for _, n := range names {
		fmt.Fprintf(w, "local-zone: %s. always_nxdomain\n", n)
	}
}

func rpz(w *bufio.Writer, names []string, version int) {
	fmt.Fprintf(w, "$TTL 60\n@ SOA ns.invalid. hostmaster.invalid. %d 3600 600 86400 60\n@ NS ns.invalid.\n", version+1)
	for _, n := range names {
		fmt.Fprintf(w, "%s CNAME .\n*.%s CNAME .\n", n, n)
	}
}

// The root zone is empty. A server with this zone answers NXDOMAIN for names that its list does not
// block.
const root = "$TTL 3600\n. SOA ns.nic. hostmaster.nic. 1 3600 600 86400 3600\n. NS ns.nic.\nns.nic. A 192.0.2.1\n"

// Every query gets the answer NXDOMAIN. Do not use this text together with hosts, because CoreDNS
// runs template before hosts.
const nothing = "template ANY ANY {\n  rcode NXDOMAIN\n }"

func coredns(directive, below string) func(*site, bool) ([]string, error) {
	return func(s *site, list bool) ([]string, error) {
		line := ""
		if list {
			line = directive
		}
		if err := s.write("orders.yaml", "version: 1\ndefaults: {authority: {name: A Regulator, country: IT, kind: regulator}, scope: global}\n"+
			"orders: [{id: big, issued: 2026-01-15, targets_from: {file: list}}]\n"); err != nil {
			return nil, err
		}
		if err := s.write("small.yaml", small); err != nil {
			return nil, err
		}
		return []string{s.coredns, "-conf", s.path("Corefile")}, s.write("Corefile",
			".:%s {\n bind 127.0.0.1\n root %s\n %s\n %s\n}\n", s.port, s.dir, line, below)
	}
}

var unboundPrograms = map[string]string{"unbound": "unbound", "unbound-control": "unbound"}

func unbound(clause string) func(*site, bool) ([]string, error) {
	return func(s *site, list bool) ([]string, error) {
		s.tool = s.path("unbound.conf")
		text := fmt.Sprintf(`server:
 directory: %[1]q
 chroot: ""
 username: ""
 pidfile: ""
 use-syslog: no
 do-daemonize: no
 num-threads: 1
 interface: 127.0.0.1
 port: %[2]s
 module-config: "respip iterator"
remote-control:
 control-enable: yes
 control-interface: "%[1]s/control"
 control-use-cert: no
auth-zone:
 name: "."
 zonefile: "%[1]s/root"
 for-downstream: yes
 for-upstream: no
 fallback-enabled: no
`, s.dir, s.port)
		if list {
			text += fmt.Sprintf(clause, s.file())
		}
		if err := s.write("root", root); err != nil {
			return nil, err
		}
		return []string{"unbound", "-d", "-c", s.tool}, s.write("unbound.conf", "%s", text)
	}
}

func hangup(_ context.Context, s *site) error { return s.Signal(syscall.SIGHUP) }

// The control tools need a key. This key is not secret.
const key = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="

func bind(s *site, list bool) ([]string, error) {
	s.tool = s.path("key")
	secret := fmt.Sprintf("key \"k\" { algorithm hmac-sha256; secret %q; };\n", key)
	policy, zone := "", ""
	if list {
		// By default, BIND reads a policy zone at most once a minute.
		policy = `response-policy { zone "rpz" log no min-update-interval 0; } qname-wait-recurse no;`
		zone = fmt.Sprintf("zone \"rpz\" { type primary; file %q; allow-query { none; }; };\n", s.file())
	}
	text := fmt.Sprintf(`options {
 directory %[1]q;
 managed-keys-directory %[1]q;
 listen-on port %[2]s { 127.0.0.1; };
 listen-on-v6 { none; };
 pid-file none;
 session-keyfile none;
 recursion yes;
 allow-recursion { 127.0.0.0/8; };
 dnssec-validation no;
 notify no;
 empty-zones-enable no;
 %[3]s
};
controls { inet 127.0.0.1 port %[4]s allow { 127.0.0.1; } keys { "k"; }; };
zone "." { type primary; file "%[1]s/root"; };
%[5]s`, s.dir, s.port, policy, s.control, zone)
	for name, text := range map[string]string{"key": secret, "root": root, "named.conf": secret + text} {
		if err := s.write(name, "%s", text); err != nil {
			return nil, err
		}
	}
	return []string{"named", "-g", "-n", "1", "-c", s.path("named.conf")}, nil
}

func recursor(s *site, list bool) ([]string, error) {
	lua := ""
	if list {
		lua = fmt.Sprintf("rpzFile(%q, {policyName='list'})\n", s.file())
	}
	text := strings.NewReplacer("DIR", s.dir, "PORT", s.port).Replace(`local-address=127.0.0.1
local-port=PORT
allow-from=127.0.0.0/8
daemon=no
setuid=
threads=1
pdns-distributes-queries=no
socket-dir=DIR
auth-zones=.=DIR/root
hint-file=no
lua-config-file=DIR/list.lua
dnssec=off
security-poll-suffix=
disable-syslog=yes
quiet=yes
`)
	for name, text := range map[string]string{"list.lua": lua, "root": root, "recursor.conf": text} {
		if err := s.write(name, "%s", text); err != nil {
			return nil, err
		}
	}
	return []string{"pdns_recursor", "--config-dir=" + s.dir}, nil
}

func knot(s *site, list bool) ([]string, error) {
	rpz := ""
	if list {
		rpz = fmt.Sprintf(`local blocked
function load() blocked = policy.rpz(policy.DENY, %q) end
load()
policy.add(function (req, query) return blocked(req, query) end)
`, s.file())
	}
	return []string{"kresd", "-n", "-q", "-c", s.path("kresd.conf"), s.dir}, s.write("kresd.conf", `net.listen('127.0.0.1', %s, {kind = 'dns'})
net.listen(%q, nil, {kind = 'control'})
cache.size = 100 * MB
trust_anchors.remove('.')
modules.unload('ta_update')
modules.unload('priming')
modules.unload('detect_time_skew')
%spolicy.add(policy.all(policy.ANSWER({[kres.type.A] = {rdata = kres.str2ip('192.0.2.80'), ttl = 3600}})))
`, s.port, s.path("control"), rpz)
}

func knotReload(ctx context.Context, s *site) error {
	c, err := new(net.Dialer).DialContext(ctx, "unix", s.path("control"))
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err := io.WriteString(c, "load() return 'done'\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && answer != "done\n" {
		err = fmt.Errorf("kresd: %s", answer)
	}
	return err
}

// The aa bit marks the blocking answers of dnsdist.
func dnsdist(s *site, list bool) ([]string, error) {
	s.tool = s.path("console.conf")
	console := fmt.Sprintf("setKey('%s')\ncontrolSocket('127.0.0.1:%s')\n", key, s.control)
	rules := ""
	if list {
		rules = fmt.Sprintf(`
 local names = newSuffixMatchNode()
 for line in io.lines(%q) do names:add(newDNSName(line)) end
 table.insert(rules, 1, newRuleAction(SuffixMatchNodeRule(names, true), RCodeAction(DNSRCode.NXDOMAIN, {aa=true})))`, s.file())
	}
	text := fmt.Sprintf(`setLocal('127.0.0.1:%s')
setACL({'127.0.0.0/8'})
setSecurityPollSuffix('')
%s
function load()
 local rules = {newRuleAction(AllRule(), RCodeAction(DNSRCode.NXDOMAIN))}%s
 setRules(rules)
end
load()
`, s.port, console, rules)
	for name, text := range map[string]string{"console.conf": console, "dnsdist.conf": text} {
		if err := s.write(name, "%s", text); err != nil {
			return nil, err
		}
	}
	return []string{"dnsdist", "--supervised", "--disable-syslog", "-C", s.path("dnsdist.conf")}, nil
}
