package guard

import (
	"strings"
	"testing"
)

func TestDigest(t *testing.T) {
	list := func(path, text string) *List {
		l, ps := Parse(path, strings.NewReader(text))
		if len(ps) > 0 {
			t.Fatal(ps)
		}
		return l
	}
	seen := map[[32]byte]string{}
	for name, g := range map[string]*Guard{
		"no list":       New(),
		"a name":        New(list("a", "a.example\n")),
		"the name only": New(list("a", "=a.example\n")),
		"another line":  New(list("a", "\na.example\n")),
		"another file":  New(list("b", "a.example\n")),
		"two names":     New(list("a", "a.example\nb.example\n")),
		"two files":     New(list("a", "a.example\n"), list("b", "b.example\n")),
		"a network":     New(list("a", "192.0.2.0/24\n")),
		"an address":    New(list("a", "192.0.2.0\n")),
	} {
		if other, ok := seen[g.Digest()]; ok {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[g.Digest()] = name
	}
	if New(list("a", "a.example\n")).Digest() != New(nil, list("a", "a.example\n")).Digest() {
		t.Error("two equal guards have different digests")
	}
}
