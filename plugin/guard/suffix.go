package guard

import (
	_ "embed"
	"iter"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// suffixList holds the rules of the public suffix list, both sections, as
// publicsuffix.org writes them ("*." wildcards, "!" exceptions), one a line. They
// are those of golang.org/x/net/publicsuffix, whose own tables cannot tell
// whether a public suffix stands below a name. A test fails when the two differ.
//
//go:generate go test -run ^TestSuffixList$ -update
//go:embed suffixes.txt
var suffixList string

// suffixes yields the rules: each name with the bits that the index holds of it.
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

// specialName is a name that resolvers treat apart, with all below it.
type specialName struct{ name, rfc string }

// specialNames are not the public DNS's to block: what answers there is the
// machine, the local link, another network, or the DNS's own plumbing.
var specialNames = []specialName{
	{"arpa", "RFC 3172"}, // reverse look-ups, and how NAT64 is found (ipv4only.arpa)
	{"localhost", "RFC 6761"},
	{"local", "RFC 6762"}, // multicast DNS
	{"invalid", "RFC 6761"},
	{"test", "RFC 6761"},
	{"onion", "RFC 7686"}, // Tor
	{"alt", "RFC 9476"},   // other name systems
}

// parsed reads a name of this package's own tables.
func parsed(s string) dname.Name {
	n, err := dname.Parse(s)
	if err != nil {
		panic("guard: " + s + ": " + err.Error()) // a test reads them all
	}
	return n
}
