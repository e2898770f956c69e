package guard

import (
	_ "embed"
	"iter"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// suffixList contains the rules of both sections of the public suffix list, one per line.
// Wildcards begin with "*." and exceptions with "!", as on publicsuffix.org. The rules are
// those of golang.org/x/net/publicsuffix. The tables of that package are not used, because
// they cannot find public suffixes below a name. TestSuffixList checks that both lists are
// equal.
//
//go:generate go test -run ^TestSuffixList$ -update
//go:embed suffixes.txt
var suffixList string

// suffixes yields the name of each rule with its flags for the index.
func suffixes() iter.Seq2[dname.Name, uint32] {
	return func(yield func(dname.Name, uint32) bool) {
		for line := range strings.Lines(suffixList) {
			rule, kind := strings.TrimSuffix(line, "\n"), suffix
			if base, ok := strings.CutPrefix(rule, "*."); ok {
				rule, kind = base, wildcard
			} else if name, ok := strings.CutPrefix(rule, "!"); ok {
				rule, kind = name, exception
			}
			if rule == "" || rule[0] == '#' {
				continue
			}
			if !yield(parsed(rule), kind) {
				return
			}
		}
	}
}

// A specialName is a special-use name. The names below it are special-use as well.
type specialName struct{ name, rfc string }

// specialNames contains names that are not public, so orders must not block them: the machine,
// the local link, another network or the infrastructure of the DNS answers for them.
var specialNames = []specialName{
	{"arpa", "RFC 3172"}, // reverse look-ups, and the discovery of NAT64 (ipv4only.arpa)
	{"localhost", "RFC 6761"},
	{"local", "RFC 6762"}, // multicast DNS
	{"invalid", "RFC 6761"},
	{"test", "RFC 6761"},
	{"onion", "RFC 7686"}, // Tor
	{"alt", "RFC 9476"},   // other name systems
}

// parsed parses a name of the tables in this package.
func parsed(s string) dname.Name {
	n, err := dname.Parse(s)
	if err != nil {
		panic("guard: " + s + ": " + err.Error()) // the tests parse all of them
	}
	return n
}
