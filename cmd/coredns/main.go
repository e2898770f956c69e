// Command coredns is CoreDNS with the blocklist plugin in its place: directly
// above cache, where answers that depend on the client or on the hour are never
// cached, and below acl.
//
//	go run ./cmd/coredns -conf Corefile.example
//	go build -tags full ./cmd/coredns
//
// By default it links a resolver's plugins: all of CoreDNS's but the ten that
// bring a cloud's, an orchestrator's or a tracer's client along, or a database:
// azure, clouddns, dnssec (it can fetch its keys from a cloud), dynupdate, etcd,
// k8s_external, kubernetes, nomad, route53, trace. With -tags full it links all.
// A Corefile that uses one of the ten is told so, and told of the tag.
//
// The reason is the first minute of somebody new here. With an empty build
// cache, on two cores that had nothing else to do:
//
//	default      57 s, 106 s of CPU,  36 MB
//	-tags full  160 s, 251 s of CPU, 111 MB
//
// Of the default's CPU some 70 s are the server itself (DNS over QUIC, HTTPS
// and gRPC, and Prometheus), which no choice of plugins avoids; view and template
// add 4 s, tls 5 s, geoip 2 s. dnssec alone would add 13 s.
//
// To compile the plugin into a CoreDNS of your own see docs/compile.md.
package main

import (
	"errors"
	"log"
	"runtime/debug"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	"github.com/coredns/coredns/plugin"

	_ "github.com/dns-orders/blocklist"
)

const (
	serverType = "dns" // as CoreDNS registers itself with caddy
	name       = "blocklist"
	below      = "cache" // the plugin that ours stands directly above
)

func main() {
	if err := install(); err != nil {
		log.Fatal(err)
	}
	coremain.GitCommit = commit(coremain.GitCommit)
	coremain.Run()
}

// install puts blocklist into the list of directives, which is what decides the
// order of the plugins; the order of imports means nothing.
func install() error {
	list, err := insert(dnsserver.Directives)
	if err != nil {
		return err
	}
	if err := dnsserver.SetDirectives(list); err != nil {
		return err
	}
	// Loaders run once the flags are read, just before the Corefile is. Not
	// earlier: -plugins lists what is registered, and must not list what is
	// not linked.
	caddy.RegisterCaddyfileLoader(name, caddy.LoaderFunc(func(string) (caddy.Input, error) {
		explainAbsent()
		return nil, nil // not ours to load: the next loader's turn
	}))
	return nil
}

// insert returns directives with blocklist directly above cache. It never
// appends: at the end of the list it would stand below forward and never be asked.
func insert(directives []string) ([]string, error) {
	i := slices.Index(directives, below)
	if i < 0 {
		return nil, errors.New("no " + below + " among CoreDNS's directives: no place to put " + name)
	}
	return slices.Insert(slices.Clone(directives), i, name), nil
}

// explainAbsent gives each directive of CoreDNS that is not linked a setup that
// fails with the way out, where caddy would only wonder about "a missing plugin".
func explainAbsent() {
	for _, d := range dnsserver.Directives {
		if _, err := caddy.DirectiveAction(serverType, d); err == nil {
			continue
		}
		plugin.Register(d, func(c *caddy.Controller) error {
			c.Next() // so that the error has the directive's line
			return plugin.Error(d, c.Err("this binary leaves the plugin out, to build quickly; build or run it with -tags full"))
		})
	}
}

// commit is what -version and coredns_build_info say about the source: this
// module's version, unless the builder has set something with -ldflags.
func commit(set string) string {
	info, ok := debug.ReadBuildInfo()
	if set != "" || !ok {
		return set
	}
	return name + " " + info.Main.Version
}
