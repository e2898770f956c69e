package store

import (
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestDigest: nodes have the same digest when files and options are the same, on
// whatever paths, and another when an option makes another set of the same files.
func TestDigest(t *testing.T) {
	digest := func(change func(*Options)) string {
		w := newWorld(t)
		w.write("a.yaml", orders("", "x: a.example"))
		w.write("p.txt", "b.example\n")
		err := w.start(func(o *Options) {
			o.Protect = []string{filepath.Join(w.dir, "p.txt")}
			if change != nil {
				change(o)
			}
		}, "a.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return w.s.Status().Digest
	}
	redirect := func(addrs ...string) func(*Options) {
		return func(o *Options) {
			o.Rules.Response.Kind = order.Redirect
			for _, a := range addrs {
				o.Rules.Response.Addresses = append(o.Rules.Response.Addresses, netip.MustParseAddr(a))
			}
		}
	}
	first := digest(nil)
	for name, change := range map[string]func(*Options){
		"other paths":          nil,
		"the default said":     func(o *Options) { o.Rules.Response.Kind = order.NXDOMAIN },
		"what decides nothing": func(o *Options) { o.MaxShrink, o.Poll = 10, 2*o.Poll },
	} {
		if digest(change) != first {
			t.Errorf("%s: another digest", name)
		}
	}
	nat64 := func(prefixes ...string) func(*Options) {
		return func(o *Options) {
			for _, p := range prefixes {
				o.Rules.NAT64 = append(o.Rules.NAT64, netip.MustParsePrefix(p))
			}
		}
	}
	seen := map[string]string{first: "none"}
	for name, change := range map[string]func(*Options){
		"no country": func(o *Options) { o.Rules.NoCountry = true },
		"addresses":  func(o *Options) { o.Rules.Addresses = true },
		"nodata":     func(o *Options) { o.Rules.Response.Kind = order.NODATA },
		"refused":    func(o *Options) { o.Rules.Response.Kind = order.Refused },
		"redirect":   redirect("192.0.2.1"),
		"elsewhere":  redirect("192.0.2.2"),
		"nat64":      nat64("2001:db8:64::/96"),
		"to two":     redirect("192.0.2.1", "192.0.2.2"),
	} {
		d := digest(change)
		if other, twice := seen[d]; twice {
			t.Errorf("%s: the digest of %s", name, other)
		}
		seen[d] = name
	}
	if digest(redirect("192.0.2.2", "192.0.2.1")) != digest(redirect("192.0.2.1", "192.0.2.2")) {
		t.Error("the order of addresses makes another digest")
	}
	if digest(nat64("2001:db8:64::/96", "2001:db8::/32")) != digest(nat64("2001:db8::/32", "2001:db8:64::/96")) {
		t.Error("the order of NAT64 prefixes makes another digest")
	}
	// The text is fixed: digests outlive versions.
	o := Options{}
	redirect("2001:db8::1", "192.0.2.1")(&o)
	o.Rules.Addresses = true
	if got, want := rulesText(o.Rules), "rules no_country=false addresses=true response=redirect 192.0.2.1 2001:db8::1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
