package store

import (
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func redirectTo(addrs ...string) func(*Options) {
	return func(o *Options) {
		o.Rules.Response.Kind = order.Redirect
		for _, a := range addrs {
			o.Rules.Response.Addresses = append(o.Rules.Response.Addresses, netip.MustParseAddr(a))
		}
	}
}

func translate(prefixes ...string) func(*Options) {
	return func(o *Options) {
		for _, p := range prefixes {
			o.Rules.NAT64 = append(o.Rules.NAT64, netip.MustParsePrefix(p))
		}
	}
}

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
	first := digest(nil)
	for name, change := range map[string]func(*Options){
		"other paths":                    nil,
		"the default is written":         func(o *Options) { o.Rules.Response.Kind = order.NXDOMAIN },
		"options that change no verdict": func(o *Options) { o.MaxShrink, o.Poll, o.Shadow = 10, 2*o.Poll, true },
	} {
		if digest(change) != first {
			t.Errorf("%s: another digest", name)
		}
	}
	seen := map[string]string{first: "none"}
	for name, change := range map[string]func(*Options){
		"no country": func(o *Options) { o.Rules.NoCountry = true },
		"addresses":  func(o *Options) { o.Rules.Addresses = true },
		"nodata":     func(o *Options) { o.Rules.Response.Kind = order.NODATA },
		"refused":    func(o *Options) { o.Rules.Response.Kind = order.Refused },
		"redirect":   redirectTo("192.0.2.1"),
		"elsewhere":  redirectTo("192.0.2.2"),
		"nat64":      translate("2001:db8:64::/96"),
		"to two":     redirectTo("192.0.2.1", "192.0.2.2"),
	} {
		d := digest(change)
		if other, twice := seen[d]; twice {
			t.Errorf("%s: the digest of %s", name, other)
		}
		seen[d] = name
	}
	if digest(redirectTo("192.0.2.2", "192.0.2.1")) != digest(redirectTo("192.0.2.1", "192.0.2.2")) {
		t.Error("the order of addresses makes another digest")
	}
	if digest(translate("2001:db8:64::/96", "2001:db8::/32")) != digest(translate("2001:db8::/32", "2001:db8:64::/96")) {
		t.Error("the order of NAT64 prefixes makes another digest")
	}
	// The format must not change, because digests of different program versions are compared.
	o := Options{}
	redirectTo("2001:db8::1", "192.0.2.1")(&o)
	o.Rules.Addresses = true
	if got, want := rulesText(o.Rules), "rules no_country=false addresses=true response=redirect 192.0.2.1 2001:db8::1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
