package guard

import (
	"crypto/sha256"
	"fmt"
	"io"
)

// Digest returns a digest of all rules of the guard.
func (g *Guard) Digest() [sha256.Size]byte { return g.digest() }

func (g *Guard) sum() [sha256.Size]byte {
	h := sha256.New()
	_, _ = io.WriteString(h, suffixList)
	fmt.Fprintf(h, "%q\n", specialNames)
	for _, s := range specialNets {
		fmt.Fprintln(h, s.net, s.rfc) // one by one, because fmt prints a Prefix in a struct with an address of memory
	}
	for _, e := range g.entries {
		fmt.Fprintf(h, "%q\n", e.String())
	}
	return [sha256.Size]byte(h.Sum(nil))
}
