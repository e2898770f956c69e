package audit

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

//go:embed known.txt
var builtin string

// A Known is a table of services that park or seize names.
type Known struct {
	servers, aliases []knownName
	addresses        []knownAddress
}

type knownName struct {
	class Class
	name  dname.Name
}

type knownAddress struct {
	class   Class
	network netip.Prefix
}

// Builtin returns the table of this package.
func Builtin() *Known {
	k, problems := ParseKnown("known.txt", builtin)
	if len(problems) > 0 {
		panic(problems[0])
	}
	return k
}

// ParseKnown parses a table in the form of known.txt. It returns all problems of the text.
func ParseKnown(path, text string) (k *Known, problems []error) {
	k = &Known{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		entry, source, commented := strings.Cut(line, "#")
		words := strings.Fields(entry)
		if len(words) == 0 {
			continue
		}
		bad := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("%s:%d: %s", path, number, fmt.Sprintf(format, args...)))
		}
		switch {
		case len(words) != 3:
			bad("want a class, a kind, a value and a source after #, got %q", strings.TrimSpace(entry))
			continue
		case words[0] != string(Parked) && words[0] != string(Seized):
			bad("the class must be parked or seized, got %q", words[0])
			continue
		case !commented || strings.TrimSpace(source) == "":
			bad("the entry %s has no source; write the source after #", words[2])
			continue
		}
		if why := k.add(Class(words[0]), words[1], words[2]); why != "" {
			bad("%s, got %q", why, words[2])
		}
	}
	return k, problems
}

func (k *Known) add(class Class, kind, value string) (why string) {
	switch kind {
	case "ns", "alias":
		n, err := dname.Parse(value)
		if err != nil {
			return err.Error()
		}
		if n.NumLabels() < 2 {
			return "a name needs at least two labels"
		}
		list := &k.servers
		if kind == "alias" {
			list = &k.aliases
		}
		*list = append(*list, knownName{class, n})
	case "address":
		p, why := order.ParsePrefix(value)
		if why != "" {
			return "the address " + why
		}
		k.addresses = append(k.addresses, knownAddress{class, p})
	default:
		return fmt.Sprintf("the kind must be ns, alias or address, and not %q", kind)
	}
	return ""
}

// The class Seized has precedence over the class Parked.
func (k *Known) find(f *Facts) (class Class, why string) {
	found := func(c Class, format string, args ...any) {
		if class == "" || class == Parked && c == Seized {
			class, why = c, fmt.Sprintf(format, args...)
		}
	}
	servers := f.NameServers
	if primary, _, ok := strings.Cut(f.SOA, " "); ok {
		servers = append(servers[:len(servers):len(servers)], primary)
	}
	for _, s := range servers {
		if e := match(k.servers, s); e != nil {
			found(e.class, "the name server %s is in the table: %s", s, e.name)
		}
	}
	if e := match(k.aliases, f.Alias); e != nil {
		found(e.class, "the alias %s is in the table: %s", f.Alias, e.name)
	}
	for _, s := range f.Addresses {
		a, err := netip.ParseAddr(s)
		for _, e := range k.addresses {
			if err == nil && e.network.Contains(a) {
				found(e.class, "the address %s is in the table: %s", s, e.network)
			}
		}
	}
	return class, why
}

func match(list []knownName, s string) *knownName {
	var w dname.Wire
	if s == "" || !w.Set(s+".") {
		return nil
	}
	n := w.Name()
	for i := range list {
		if list[i].name.Covers(n) {
			return &list[i]
		}
	}
	return nil
}
