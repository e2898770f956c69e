// Command coredns is CoreDNS with the blocklist plugin in its place. The plugin is below acl
// and directly above cache, so that cache never keeps answers that depend on the client or the
// time.
//
//	go run ./cmd/coredns -conf Corefile.example
//	go build -tags full ./cmd/coredns
//
// The default build has the plugins that a resolver needs. These are all plugins of CoreDNS
// except the ten that bring in a client for a cloud, an orchestrator or a tracer, or a
// database: azure, clouddns, dnssec (it can fetch its keys from a cloud), dynupdate, etcd,
// k8s_external, kubernetes, nomad, route53 and trace. With -tags full the build has all
// plugins. If a Corefile uses one of the ten, the error names the tag.
//
// The default build is small so that a newcomer can start quickly. These are the build times
// with an empty build cache on two idle cores:
//
//	default      57 s, 106 s of CPU,  36 MB
//	-tags full  160 s, 251 s of CPU, 111 MB
//
// Some 70 s of the default's CPU time are the server itself (DNS over QUIC, HTTPS and gRPC,
// and Prometheus), which every choice of plugins needs. view and template add 4 s, tls 5 s,
// geoip 2 s. dnssec alone would add 13 s.
//
// docs/compile.md describes how to compile the plugin into another CoreDNS.
package main

import (
	"errors"
	"log"
	"os"
	"runtime/debug"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	"github.com/coredns/coredns/plugin"

	_ "github.com/dns-orders/blocklist"
)

const (
	serverType = "dns" // the name under which CoreDNS registers with caddy
	name       = "blocklist"
	below      = "cache" // the plugin directly below blocklist
)

func main() {
	if err := install(); err != nil {
		log.Fatal(err)
	}
	queueOutput(os.Stdout)
	coremain.GitCommit = commit(coremain.GitCommit)
	coremain.Run()
}

// install adds blocklist to the list of directives. This list decides the order of the
// plugins, and the order of imports has no effect.
func install() error {
	list, err := insert(dnsserver.Directives)
	if err != nil {
		return err
	}
	if err := dnsserver.SetDirectives(list); err != nil {
		return err
	}
	// Loaders run after the flags are read and just before the Corefile is loaded.
	// explainAbsent must not run earlier, because -plugins lists the registered plugins and
	// must not list absent ones.
	caddy.RegisterCaddyfileLoader(name, caddy.LoaderFunc(func(string) (caddy.Input, error) {
		explainAbsent()
		return nil, nil // the next loader loads the Corefile
	}))
	return nil
}

// insert returns directives with blocklist directly above cache. It never appends blocklist to
// the list: below forward the plugin would get no queries.
func insert(directives []string) ([]string, error) {
	i := slices.Index(directives, below)
	if i < 0 {
		return nil, errors.New("no " + below + " among CoreDNS's directives: no place to put " + name)
	}
	return slices.Insert(slices.Clone(directives), i, name), nil
}

// explainAbsent registers a setup function for each directive of CoreDNS that is not in this
// build. The function returns an error that names the build tag. The error of caddy would only
// mention "a missing plugin".
func explainAbsent() {
	for _, d := range dnsserver.Directives {
		if _, err := caddy.DirectiveAction(serverType, d); err == nil {
			continue
		}
		plugin.Register(d, func(c *caddy.Controller) error {
			c.Next() // for the line of the directive in the error
			return plugin.Error(d, c.Err("this binary leaves the plugin out, to build quickly; build or run it with -tags full"))
		})
	}
}

// commit returns the commit for -version and coredns_build_info. It is the version of this
// module, unless the builder has set another value with -ldflags.
func commit(set string) string {
	info, ok := debug.ReadBuildInfo()
	if set != "" || !ok {
		return set
	}
	return name + " " + info.Main.Version
}
