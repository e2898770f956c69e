// Command coredns is CoreDNS with the plugins blocklist and orders_rpz. The plugin blocklist is
// directly above cache, because the cache must not store answers that depend on the client. The
// plugin orders_rpz is directly below transfer.
//
//	go run ./cmd/coredns -conf Corefile.example
//	go build -tags full ./cmd/coredns
//
// The default build has the plugins that a resolver needs. It leaves out azure, clouddns, dnssec,
// dynupdate, etcd, k8s_external, kubernetes, nomad, route53 and trace, which need large client
// libraries. With -tags full, the build has all plugins. These are the times with an empty build
// cache on two idle cores:
//
//	default      57 s, 106 s of CPU,  36 MB
//	-tags full  160 s, 251 s of CPU, 111 MB
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
	_ "github.com/dns-orders/blocklist/ordersrpz"
)

const (
	serverType = "dns" // the name under which CoreDNS registers with caddy
	name       = "blocklist"
	below      = "cache" // the plugin directly below blocklist
	zoneName   = "orders_rpz"
	above      = "transfer" // the plugin directly above orders_rpz
)

func main() {
	if err := install(); err != nil {
		log.Fatal(err)
	}
	queueOutput(os.Stdout)
	coremain.GitCommit = commit(coremain.GitCommit)
	coremain.Run()
}

func install() error {
	list, err := insert(dnsserver.Directives)
	if err != nil {
		return err
	}
	if err := dnsserver.SetDirectives(list); err != nil {
		return err
	}
	// Call explainAbsent after CoreDNS has parsed its flags. Otherwise the output of -plugins would
	// list the missing plugins.
	caddy.RegisterCaddyfileLoader(name, caddy.LoaderFunc(func(string) (caddy.Input, error) {
		explainAbsent()
		return nil, nil // the next loader loads the Corefile
	}))
	return nil
}

// The directive blocklist goes directly above cache. The directive orders_rpz goes directly below
// transfer. Above transfer, orders_rpz would refuse all transfers.
func insert(directives []string) ([]string, error) {
	i, j := slices.Index(directives, below), slices.Index(directives, above)
	if i < 0 {
		return nil, errors.New("no " + below + " among CoreDNS's directives: no place to put " + name)
	}
	if j < 0 {
		return nil, errors.New("no " + above + " among CoreDNS's directives: no place to put " + zoneName)
	}
	list := slices.Insert(slices.Clone(directives), j+1, zoneName)
	return slices.Insert(list, slices.Index(list, below), name), nil
}

func explainAbsent() {
	for _, d := range dnsserver.Directives {
		if _, err := caddy.DirectiveAction(serverType, d); err == nil {
			continue
		}
		plugin.Register(d, func(c *caddy.Controller) error {
			c.Next() // so that the error has the line of the directive
			return plugin.Error(d, c.Err("this binary leaves the plugin out, to build quickly; build or run it with -tags full"))
		})
	}
}

// The result is for -version and for the metric coredns_build_info. Without a commit from -ldflags,
// the result is the version of this module.
func commit(set string) string {
	info, ok := debug.ReadBuildInfo()
	if set != "" || !ok {
		return set
	}
	return name + " " + info.Main.Version
}
