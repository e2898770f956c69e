package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/bench/rig"
)

// A peer is a DNS server to compare. For a new server, add an entry to the variable peers.
type peer struct {
	name, what string
	needs      map[string]string
	// The server does not block subdomains of listed names.
	exact bool
	// The function writes the list of names. nil means a server without a list.
	list      func(w *bufio.Writer, names []string, version int)
	configure func(s *site, list bool) (argv []string, err error)
	// The function makes the server read the list. nil means that the server watches the list.
	reload func(ctx context.Context, s *site) error
}

// A site is a running instance of a peer.
type site struct {
	dir        string
	addr, port string
	control    string // the second port, for the control tool of the software
	coredns    string // the path of the CoreDNS binary
	tool       string // the path of the configuration of the control tool, if there is one
	peer       *peer
	version    int // the last version of the list that was staged
	*rig.Server
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// file returns the path of the list.
func (s *site) file() string { return s.path("list") }

// write writes a configuration file.
func (s *site) write(name, format string, args ...any) error {
	return os.WriteFile(s.path(name), fmt.Appendf(nil, format, args...), 0o600)
}

func (s *site) stage(names []string, version int) error {
	f, err := os.Create(s.path("next"))
	if err != nil {
		return err
	}
	defer f.Close()
	s.version = version
	w := bufio.NewWriter(f)
	s.peer.list(w, names, version)
	return w.Flush()
}

func (s *site) swap() error { return os.Rename(s.path("next"), s.file()) }

func run(ctx context.Context, argv ...string) error {
	if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return nil
}

// ours is the peer for CoreDNS with this plugin.
var ours = &peer{name: "CoreDNS + blocklist", what: "a side list; notices the rename", list: plain, configure: coredns(
	"blocklist orders.yaml small.yaml", nothing)}

var peers = []*peer{
	{name: "CoreDNS bare", what: "`template`: static NXDOMAIN, no list; against itself once more", configure: coredns("", nothing)},
	ours,
	{name: "CoreDNS hosts", what: "exact names only; `reload 1s`; over `whoami`", exact: true, list: hosts, configure: coredns(
		"hosts list {\n  reload 1s\n  ttl 60\n  fallthrough\n }", "whoami")},
	{name: "Unbound local-zone", what: "`always_nxdomain`; SIGHUP", needs: unboundPrograms, list: localZones, configure: unbound(
		"server:\n include: %q\n"), reload: hangup},
	{name: "Unbound local-zone by control command", what: "`unbound-control local_zone` for the name alone; no reload", needs: unboundPrograms,
		list: localZones, configure: unbound("server:\n include: %q\n"), reload: func(ctx context.Context, s *site) error {
			return run(ctx, "unbound-control", "-c", s.tool, "local_zone", added(s.version), "always_nxdomain")
		}},
	{name: "Unbound RPZ", what: "`unbound-control auth_zone_reload`", needs: unboundPrograms, list: rpz, configure: unbound(
		"rpz:\n name: rpz.\n zonefile: %q\n"), reload: func(ctx context.Context, s *site) error {
		return run(ctx, "unbound-control", "-c", s.tool, "auth_zone_reload", "rpz.")
	}},
	{name: "BIND RPZ", what: "`rndc reload`; no log of what is blocked", needs: map[string]string{"named": "bind9", "rndc": "bind9-utils"}, list: rpz,
		configure: bind, reload: func(ctx context.Context, s *site) error {
			return run(ctx, "rndc", "-s", "127.0.0.1", "-p", s.control, "-k", s.tool, "reload", "rpz")
		}},
	{name: "PowerDNS Recursor RPZ", what: "`rec_control reload-lua-config`", list: rpz,
		needs: map[string]string{"pdns_recursor": "pdns-recursor", "rec_control": "pdns-recursor"}, configure: recursor,
		reload: func(ctx context.Context, s *site) error {
			return run(ctx, "rec_control", "--timeout=300", "--config-dir="+s.dir, "--socket-dir="+s.dir, "reload-lua-config")
		}},
	{name: "Knot Resolver RPZ", what: "loaded anew in Lua, through its control socket", needs: map[string]string{"kresd": "knot-resolver"}, list: rpz,
		configure: knot, reload: knotReload},
	{name: "dnsdist SuffixMatchNode", what: "built in Lua; from its console", needs: map[string]string{"dnsdist": "dnsdist"}, list: plain,
		configure: dnsdist, reload: func(ctx context.Context, s *site) error {
			return run(ctx, "dnsdist", "-C", s.tool, "-e", "load()")
		}},
}
