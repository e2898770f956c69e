// Package coredns helps tests that run CoreDNS in their own process.
package coredns

import (
	"io"
	stdlog "log"
	"slices"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
)

const patience = 10 * time.Second

// Prepare turns off the messages of CoreDNS and adds the directive blocklist above cache. Call
// Prepare in TestMain before a server starts.
func Prepare() {
	caddy.Quiet, dnsserver.Quiet = true, true
	stdlog.SetOutput(io.Discard)
	AddDirective("blocklist", "cache")
}

// AddDirective adds the directive name above the directive below.
func AddDirective(name, below string) {
	i := slices.Index(dnsserver.Directives, below)
	if err := dnsserver.SetDirectives(slices.Insert(slices.Clone(dnsserver.Directives), i, name)); err != nil {
		panic(err)
	}
}

// Start starts a server with a Corefile. The server answers queries when Start returns. It stops at
// the end of the test.
func Start(t testing.TB, corefile string) *caddy.Instance {
	t.Helper()
	inst, err := caddy.Start(Input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Stop(t, inst) })
	AwaitServing(t, inst)
	return inst
}

// Input returns a Corefile as an input for package caddy.
func Input(corefile string) caddy.Input {
	return caddy.CaddyfileInput{Filepath: "Corefile", ServerTypeName: "dns", Contents: []byte(corefile)}
}

// Stop stops a server, as CoreDNS does after SIGTERM.
func Stop(t testing.TB, inst *caddy.Instance) {
	t.Helper()
	for _, err := range inst.ShutdownCallbacks() {
		t.Error(err)
	}
	if err := inst.Stop(); err != nil {
		t.Error(err)
	}
}

// AwaitServing waits until all listeners of a server answer. The listeners must be plain UDP or
// TCP. Call AwaitServing before Stop.
//
// The queries of AwaitServing contain no question, so no plugin counts them.
func AwaitServing(t testing.TB, inst *caddy.Instance) {
	t.Helper()
	for _, l := range inst.Servers() {
		if a := l.LocalAddr(); a != nil {
			awaitAnswer(t, "udp", a.String())
		}
		if a := l.Addr(); a != nil {
			awaitAnswer(t, "tcp", a.String())
		}
	}
}

func awaitAnswer(t testing.TB, network, addr string) {
	t.Helper()
	c := dns.Client{Net: network, Timeout: patience}
	if _, _, err := c.Exchange(&dns.Msg{MsgHdr: dns.MsgHdr{Id: dns.Id()}}, addr); err != nil {
		t.Fatalf("the server does not serve %s: %v", network, err)
	}
}
