//go:build e2e

package test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

const patience = 3 * time.Minute

type peer struct {
	name  string
	start func(t *testing.T, dir, addr, upstream string, anchor *trust)
	turns map[string]string
	ede   bool
}

var givesUp = map[string]string{"REFUSED": "SERVFAIL"}

var peers = []peer{
	{name: "unbound", start: startUnbound(""), turns: givesUp},
	{name: "unbound hardened", start: startUnbound(`  use-caps-for-id: yes
  qname-minimisation-strict: yes
  harden-algo-downgrade: yes
  harden-short-bufsize: yes
  harden-large-queries: yes
`), turns: givesUp},
	{name: "bind", start: startBIND, turns: givesUp},
	// dnsmasq answers NODATA instead of NXDOMAIN after it has cached the SOA of a blocking answer.
	{name: "dnsmasq", start: startDnsmasq, turns: map[string]string{"NXDOMAIN": "NODATA"}, ede: true},
	{name: "recursor", start: startRecursor, turns: givesUp},
	{name: "knot", start: startKnot, turns: givesUp},
}

func startUnbound(options string) func(t *testing.T, dir, addr, upstream string, anchor *trust) {
	return func(t *testing.T, dir, addr, upstream string, anchor *trust) {
		options := "  ede: yes\n" + options
		if anchor == nil {
			options += "  module-config: \"iterator\"\n"
		} else {
			options += fmt.Sprintf("  module-config: \"validator iterator\"\n  trust-anchor-file: %q\n", anchor.file)
		}
		program.StartUnbound(t, dir, addr, upstream, options, "")
	}
}

const bindOptions = `
options {
	directory %q;
	listen-on port %s { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none;
	session-keyfile none;
	recursion yes;
	query-source address 127.0.0.1;
	%s
};
controls { };
`

func startBIND(t *testing.T, dir, addr, upstream string, anchor *trust) {
	host, p, _ := net.SplitHostPort(upstream)
	options := fmt.Sprintf("forward only; forwarders { %s port %s; };", host, p)
	conf := fmt.Sprintf(bindOptions, dir, portOf(addr), options+" dnssec-validation no;")
	if anchor != nil {
		conf = fmt.Sprintf(bindOptions, dir, portOf(addr), options+" dnssec-validation yes;") +
			fmt.Sprintf("trust-anchors { . static-key %d %d %d %q; };\n", anchor.key.Flags, anchor.key.Protocol, anchor.key.Algorithm, anchor.key.PublicKey)
	}
	write(t, filepath.Join(dir, "named.conf"), conf)
	program.Start(t, dir, "named", "-g", "-n", "1", "-c", "named.conf")
}

func startDnsmasq(t *testing.T, dir, addr, upstream string, anchor *trust) {
	args := []string{"--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--pid-file=", "--user=",
		"--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1", "--port=" + portOf(addr),
		"--server=" + strings.Replace(upstream, ":", "#", 1)}
	if anchor != nil {
		args = append(args, "--dnssec", fmt.Sprintf("--trust-anchor=.,%d,%d,%d,%s",
			anchor.ds.KeyTag, anchor.ds.Algorithm, anchor.ds.DigestType, anchor.ds.Digest))
	}
	program.Start(t, dir, "dnsmasq", args...)
}

func startRecursor(t *testing.T, dir, addr, upstream string, anchor *trust) {
	dnssec, lua := "off", ""
	if anchor != nil {
		dnssec = "validate"
		lua = fmt.Sprintf("addTA('.', '%d %d %d %s')\n", anchor.ds.KeyTag, anchor.ds.Algorithm, anchor.ds.DigestType, anchor.ds.Digest)
	}
	startRecursorWith(t, dir, addr, upstream, lua, "dnssec="+dnssec+"\npacketcache-servfail-ttl=5\nextended-resolution-errors=yes\n")
}

func startRecursorWith(t *testing.T, dir, addr, upstream, lua, settings string) {
	write(t, filepath.Join(dir, "recursor.lua"), "clearTA()\n"+lua)
	write(t, filepath.Join(dir, "recursor.conf"), fmt.Sprintf(`local-address=127.0.0.1
local-port=%s
forward-zones-recurse=.=%s
lua-config-file=%s/recursor.lua
socket-dir=%[3]s
query-local-address=127.0.0.1
# The default forbids loopback.
dont-query=
security-poll-suffix=
write-pid=no
disable-syslog=yes
threads=1
%s`, portOf(addr), upstream, dir, settings))
	program.Start(t, dir, "pdns_recursor", "--config-dir="+dir)
}

func startKnot(t *testing.T, dir, addr, upstream string, anchor *trust) {
	var trusted string
	if anchor != nil {
		trusted = fmt.Sprintf("trust_anchors.add_file('%s', true)\n", anchor.file)
	}
	startKnotWith(t, dir, addr, upstream, trusted+"policy.add(policy.all(policy.FORWARD('192.0.2.1')))\n")
}

func startKnotWith(t *testing.T, dir, addr, upstream, lines string) {
	write(t, filepath.Join(dir, "knot.conf"), fmt.Sprintf(`
net.listen('127.0.0.1', %s, { kind = 'dns' })
cache.open(10 * MB, 'lmdb://%s')
modules.unload('priming')
modules.unload('ta_update')
modules.unload('ta_signal_query')
trust_anchors.remove('.')
%s`, portOf(addr), dir, strings.Replace(lines, "192.0.2.1", strings.Replace(upstream, ":", "@", 1), 1)))
	program.Start(t, dir, "kresd", "-n", "-c", filepath.Join(dir, "knot.conf"), dir)
}

func portOf(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func exchange(t *testing.T, addr, name string, qtype uint16) *dns.Msg {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
		q.AuthenticatedData = true
		q.SetEdns0(1232, false)
		r, _, err := (&dns.Client{Timeout: 10 * time.Second}).Exchange(q, addr)
		// Before the server listens, the client may get the same port and receive its own query.
		if err == nil && r.Response {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("no answer from %s for %s: %v", addr, name, err)
		}
	}
}

// awaitAnswer waits until the server at addr resolves name.
func awaitAnswer(t *testing.T, addr, name string) {
	t.Helper()
	await(t, "the server's first good answer", func() string {
		if r := exchange(t, addr, name, dns.TypeA); r.Rcode != dns.RcodeSuccess || len(r.Answer) == 0 {
			return r.String()
		}
		return ""
	})
}

func await(t *testing.T, what string, missing func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		m := missing()
		if m == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %s", patience, what, m)
		}
	}
}
