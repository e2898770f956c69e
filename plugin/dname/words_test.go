package dname

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSetPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const octets = "az AZ@[`{./-\\09_\x00\x01\x7f\x80\xae\xaf\xc1\xdc\xff"
	taken := 0
	for range 100_000 {
		s := make([]byte, r.IntN(70))
		for i := range s {
			s[i] = 'a' + byte(r.IntN(26))
			if r.IntN(4) == 0 {
				s[i] = octets[r.IntN(len(octets))]
			}
		}
		var plain, slow Wire
		if !plain.setPlain(string(s)) {
			continue
		}
		taken++
		if !slow.setAny(string(s)) || plain.Name() != slow.Name() || plain.labels != slow.labels || plain.off != slow.off {
			t.Fatalf("%q: %q, %q", s, plain.Name().Wire(), slow.Name().Wire())
		}
	}
	if taken < 20_000 {
		t.Errorf("setPlain accepted only %d names", taken)
	}
	var w Wire
	if !w.setPlain("www.Example.com.") || !w.setPlain(strings.Repeat("a", 63)) || w.setPlain(`a\.b.example.`) {
		t.Error("setPlain refuses a plain name or accepts an escape")
	}
}

func TestHash(t *testing.T) {
	hash := func(w *Wire, k int, key uint64) uint64 {
		for i := 1; i <= k; i++ {
			key = w.Hash(i, key)
		}
		return key
	}
	long := strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 61)
	for _, name := range []string{"a", "com", "seven77", "example8", "example.com", "a.bc.example.com", long} {
		var alone, below, other Wire
		alone.Set(name)
		other.Set("x" + name[1:])
		k := alone.NumLabels()
		below.Set(strings.Repeat("z.", 120)) // the octets of this name remain in the buffer
		if name != long {
			below.Set("www." + name)
		} else {
			below.Set(name)
		}
		h := hash(&alone, k, 1)
		if hash(&below, k, 1) != h || hash(&alone, k, 2) == h || hash(&other, k, 1) == h {
			t.Errorf("%s: %x", name, h)
		}
	}
	// Names with equal letters but different labels must have different hashes.
	var x, y Wire
	x.Set("ab.c")
	y.Set("a.bc")
	if hash(&x, 2, 1) == hash(&y, 2, 1) {
		t.Error("ab.c and a.bc have the same hash")
	}
}
