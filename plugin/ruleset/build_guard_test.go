package ruleset

import (
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
)

type stubGuard struct {
	names []protect
	nets  []netip.Prefix
}

type protect struct {
	name dname.Name
	only bool // the entry has the form =name
}

func (g *stubGuard) Name(w *dname.Wire) string     { return g.name(w.Name()) }
func (g *stubGuard) Protected(w *dname.Wire) bool  { return g.protects(w.Name()) }
func (g *stubGuard) Address(x netip.Prefix) string { return g.net(x) }

func (g *stubGuard) name(n dname.Name) string {
	for _, p := range g.names {
		if n.Covers(p.name) || !p.only && p.name.Covers(n) {
			return "protects " + p.name.String()
		}
	}
	return ""
}

func (g *stubGuard) protects(n dname.Name) bool {
	return slices.ContainsFunc(g.names, func(p protect) bool { return n == p.name || !p.only && p.name.Covers(n) })
}

func (g *stubGuard) net(x netip.Prefix) string {
	for _, p := range g.nets {
		if p.Overlaps(x) {
			return "protects " + p.String()
		}
	}
	return ""
}
