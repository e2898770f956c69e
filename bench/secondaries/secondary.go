package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/bench/rig"
)

var secondaries = map[string]func(c site) (config string, argv []string){
	"unbound":                  func(c site) (string, []string) { return unbound(c, true) },
	"unbound-without-zonefile": func(c site) (string, []string) { return unbound(c, false) },
	"bind":                     bind,
}

func unbound(c site, zonefile bool) (string, []string) {
	var b strings.Builder
	fmt.Fprintf(&b, `server:
  interface: 127.0.0.1@%s
  directory: %q
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  verbosity: 1
  module-config: "respip iterator"
  outgoing-num-tcp: 64
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %s
`, c.port, c.dir, at(c.upstream))
	for _, z := range c.zones {
		fmt.Fprintf(&b, "rpz:\n  name: %s\n  primary: %s\n  allow-notify: 127.0.0.1\n", z, at(c.primary))
		if zonefile {
			fmt.Fprintf(&b, "  zonefile: %szone\n", z)
		}
	}
	return b.String(), []string{"unbound", "-d", "-c", "server.conf"}
}

func bind(c site) (string, []string) {
	var policy, zones strings.Builder
	for _, z := range c.zones {
		fmt.Fprintf(&policy, "zone %q add-soa no; ", z)
		fmt.Fprintf(&zones, "zone %q { type secondary; primaries { 127.0.0.1 port %s; }; allow-notify { 127.0.0.1; }; allow-query { localhost; }; allow-transfer { none; }; file \"%szone\"; };\n", z, portOf(c.primary), z)
	}
	return fmt.Sprintf(`options {
	directory %q;
	listen-on port %s { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none;
	session-keyfile none;
	recursion yes;
	dnssec-validation no;
	forward only; forwarders { 127.0.0.1 port %s; };
	notify-source 127.0.0.1; transfer-source 127.0.0.1; query-source address 127.0.0.1;
	serial-query-rate 1000;
	response-policy { %s} qname-wait-recurse no break-dnssec yes min-update-interval 0;
};
controls { };
%s`, c.dir, c.port, portOf(c.upstream), policy.String(), zones.String()), []string{"named", "-g", "-c", "server.conf"}
}

// A site is the place of a secondary.
type site struct {
	dir, port, primary, upstream string
	zones                        []string
}

func (l *lab) startSecondary(ctx context.Context, server, addr string, p *primary) (*rig.Server, error) {
	dir, err := os.MkdirTemp(l.dir, server)
	if err != nil {
		return nil, err
	}
	config, argv := secondaries[server](site{dir, portOf(addr), p.addr, l.upstream, p.zones})
	path := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return nil, err
	}
	argv[len(argv)-1] = path
	out, err := l.said.pipe(server)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	return rig.Start(ctx, out, nil, argv...)
}

func at(addr string) string { return strings.Replace(addr, ":", "@", 1) }

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
