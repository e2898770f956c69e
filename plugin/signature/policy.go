// Package signature checks and makes the minisign signatures of order files. The signatures of FILE
// are FILE.minisig, FILE.2.minisig and so on.
//
// The package never opens a file. The caller must give the same bytes to a Check and to the parser.
package signature

import (
	"errors"
	"fmt"
)

// MaxKeys is the largest number of keys in a Policy.
const MaxKeys = 16

// A Policy contains the keys that may sign, and the number of keys that must sign each file. The
// zero Policy needs no signatures. Do not change a Policy.
type Policy struct {
	// Keys are the keys that may sign. An operator should use these keys only for order files.
	Keys []Key
	Need int
}

// NewPolicy returns a Policy. The first argument is the number of keys that must sign. It must be
// between 1 and the number of keys. The keys must differ.
func NewPolicy(need int, keys []Key) (Policy, error) {
	switch {
	case len(keys) == 0:
		return Policy{}, errors.New("needs at least one public key")
	case len(keys) > MaxKeys:
		return Policy{}, fmt.Errorf("has %d keys, but at most %d are allowed", len(keys), MaxKeys)
	case need < 1:
		return Policy{}, fmt.Errorf("the number of keys that must sign must be at least 1, got %d", need)
	case need > len(keys):
		return Policy{}, fmt.Errorf("%d different keys must sign, but the number of keys is %d", need, len(keys))
	}
	for i, k := range keys {
		for _, other := range keys[:i] {
			switch {
			case k == other:
				return Policy{}, fmt.Errorf("the key %s is given twice", k.ID())
			case k.point() == other.point():
				return Policy{}, fmt.Errorf("the keys %s and %s are the same key with two IDs, so they do not belong to two people", other.ID(), k.ID())
			case k.ID() == other.ID():
				return Policy{}, fmt.Errorf("two different keys have the ID %s; make one of them again", k.ID())
			}
		}
	}
	return Policy{Keys: keys, Need: need}, nil
}

// Demanded reports whether files need signatures under the policy.
func (p Policy) Demanded() bool { return p.Need > 0 }

// key returns the key with the given ID.
func (p Policy) key(id KeyID) (k Key, ok bool) {
	for _, k := range p.Keys {
		if k.ID() == id {
			return k, true
		}
	}
	return Key{}, false
}

// String returns the policy as in the Corefile, like "2 RWQ... RWS...". Policies with
// equal strings are equal.
func (p Policy) String() string {
	s := fmt.Sprint(p.Need)
	for _, k := range p.Keys {
		s += " " + k.String()
	}
	return s
}

// Path returns the path of a signature file. Slot 1 is FILE.minisig, and slot 2 is
// FILE.2.minisig.
func Path(file string, slot int) string {
	if slot == 1 {
		return file + ".minisig"
	}
	return fmt.Sprintf("%s.%d.minisig", file, slot)
}
