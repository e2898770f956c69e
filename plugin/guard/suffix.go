package guard

import (
	_ "embed"
	"iter"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// suffixList contains the public suffix list, one rule a line. golang.org/x/net/publicsuffix cannot
// find the public suffixes below a name.
//
//go:generate go test -run ^TestSuffixList$ -update
//go:embed suffixes.txt
var suffixList string

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

type specialName struct{ name, rfc string }

// specialNames contains the special-use names. Systems other than DNS resolve most of them.
var specialNames = []specialName{
	{"arpa", "RFC 3172"}, // reverse look-ups, and ipv4only.arpa for the discovery of NAT64
	{"localhost", "RFC 6761"},
	{"local", "RFC 6762"}, // multicast DNS
	{"invalid", "RFC 6761"},
	{"test", "RFC 6761"},
	{"onion", "RFC 7686"}, // Tor
	{"alt", "RFC 9476"},   // name systems other than the DNS
}

func parsed(s string) dname.Name {
	n, err := dname.Parse(s)
	if err != nil {
		panic("guard: " + s + ": " + err.Error()) // never happens, because a test parses each name
	}
	return n
}
