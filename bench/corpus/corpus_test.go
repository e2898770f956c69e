package corpus

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

const size = 100_000

func digest(lines []string) string {
	h := sha256.New()
	for _, s := range lines {
		h.Write([]byte(s + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestDigests fails if the generator makes other names. All measurements must then be repeated.
func TestDigests(t *testing.T) {
	l := New(size)
	for _, tc := range []struct {
		what, want string
		lines      []string
	}{
		{"names", "117e15c21f722b9fff512872903006b59b2013669d257eb21517adc06ce995e7", l.Names},
		{"hits", "8bb3c0ea7160c683324f83cd3d63bdb59afb8892a29356f0ad650df7ed2a0549", l.Hits()},
		{"subdomain hits", "2c9bb6d0e5d5c449336199ba2da7b2c027585399c96d7023151b0e4063265b12", l.SubdomainHits()},
		{"misses", "0d1842c33f692a796c5af4a49949ba4b0b9e1716349978c49bb1b2846eebf093", l.Misses(size)},
		{"mix", "39c377de6c4e6df312adfe8b0617ac3374f73c7de4fdc3c36ee90119364116f0", l.Mix(size)},
	} {
		if got := digest(tc.lines); got != tc.want {
			t.Errorf("%s: SHA-256 %s, want %s", tc.what, got, tc.want)
		}
	}
}

func TestNames(t *testing.T) {
	l := New(size)
	if len(l.Names) != size {
		t.Fatalf("%d names, want %d", len(l.Names), size)
	}
	listed := map[string]bool{}
	for _, s := range l.Names {
		listed[s] = true
	}
	if len(listed) != size {
		t.Errorf("%d different names, want %d", len(listed), size)
	}
	plain := map[string]bool{}
	for _, s := range suffixes {
		plain[s] = true
	}
	total, deep, tlds := 0, 0, map[string]bool{}
	for _, s := range l.Names {
		if len(s) < MinLen || len(s) > MaxLen {
			t.Errorf("%s has %d octets", s, len(s))
		}
		for up := parent(s); up != ""; up = parent(up) {
			if listed[up] {
				t.Errorf("%s lies below %s", s, up)
			}
		}
		total += len(s)
		if !plain[parent(s)] {
			deep++
		}
		tlds[s[strings.LastIndexByte(s, '.')+1:]] = true
	}
	if mean := float64(total) / size; mean < 14.5 || mean > 16 {
		t.Errorf("mean length %.2f octets, want about 15", mean)
	}
	if share := float64(deep) / size; share < 0.19 || share > 0.21 {
		t.Errorf("%.1f %% are deeper than one label under a suffix, want 20 %%", 100*share)
	}
	if len(tlds) < 30 {
		t.Errorf("%d top-level domains, want a mixture", len(tlds))
	}
	if !slices.Equal(New(size/10).Names, l.Names[:size/10]) {
		t.Error("the list of a tenth is not the first tenth of the list")
	}
}

func TestQueries(t *testing.T) {
	l := New(size / 10)
	check := func(what string, q Queries, hits int) {
		t.Helper()
		got, seen := 0, map[string]bool{}
		for _, s := range q {
			if l.Covers(strings.TrimSuffix(s, ".")) {
				got++
			}
			seen[s] = true
		}
		if len(q) != size/10 || got < hits*9/10 || got > hits*11/10 || hits%len(q) == 0 && got != hits {
			t.Errorf("%s: %d of %d are covered, want %d", what, got, len(q), hits)
		}
		if what != "mix" && len(seen) != len(q) {
			t.Errorf("%s: only %d of %d differ", what, len(seen), len(q))
		}
		if slices.IsSorted(q) || q[0] == l.Names[0]+"." {
			t.Errorf("%s: not shuffled", what)
		}
	}
	check("hits", l.Hits(), size/10)
	check("subdomain hits", l.SubdomainHits(), size/10)
	check("misses", l.Misses(size/10), 0)
	check("mix", l.Mix(size/10), size/200)
}
