package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
)

// A files value contains signature files by path.
type files map[string][]byte

func (f files) read(path string) ([]byte, error) {
	if data, ok := f[path]; ok {
		return data, nil
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func policy(t testing.TB, need int, names ...string) Policy {
	t.Helper()
	var keys []Key
	for _, n := range names {
		keys = append(keys, public(t, n))
	}
	p, err := NewPolicy(need, keys)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func check(p Policy, path string, content []byte, f files) Result {
	c := p.Check(path, f.read)
	for piece := range slices.Chunk(content, 7) {
		c.Write(piece)
	}
	return c.Result()
}

func signers(r Result) (out []string) {
	for _, s := range r.Signers {
		out = append(out, s.Path+" "+s.Key.String())
	}
	return out
}

const at = "/etc/orders.yaml"

var clock = time.Unix(1700000000, 0).UTC()

func hashOf(content []byte) *Hash {
	h := NewHash()
	h.Write(content)
	return h
}

func signed(t testing.TB, name, base string, content []byte) []byte {
	t.Helper()
	sig, err := secret(t, name).Sign(base, clock, hashOf(content))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestCheck(t *testing.T) {
	content := file(t, "orders.yaml")
	changed := append(bytes.Clone(content), '\n')
	first, second := file(t, "orders.yaml.minisig"), file(t, "orders.yaml.2.minisig")
	id := func(name string) string { return public(t, name).ID().String() }
	untrusted := bytes.Replace(first, []byte("minisign secret key"), []byte("nobody in particular"), 1)
	retimed := bytes.Replace(first, []byte("timestamp:1"), []byte("timestamp:2"), 1)
	relabelled := bytes.Replace(first, []byte("\tfile:orders.yaml"), []byte("\tfile:others.yaml"), 1)
	did := func(key string) string {
		return "the key " + id(key) + " did not sign these bytes and this trusted comment; the file or the signature was changed after signing, or only one of the two is new"
	}
	for _, tc := range []struct {
		name    string
		policy  Policy
		content []byte
		files   files
		signers []string
		want    []string // problems
		ok      bool
	}{
		{"one of one", policy(t, 1, "one"), content, files{at + ".minisig": first}, []string{"one"}, nil, true},
		{"one of two", policy(t, 1, "two", "one"), content, files{at + ".minisig": first}, []string{"one"}, nil, true},
		{"two of two", policy(t, 2, "one", "two"), content, files{at + ".minisig": first, at + ".2.minisig": second}, []string{"one", "two"}, nil, true},
		{"the slots may change places", policy(t, 2, "one", "two"), content, files{at + ".minisig": second, at + ".2.minisig": first}, []string{"two", "one"}, nil, true},
		{"the second slot suffices", policy(t, 1, "one", "two"), content, files{at + ".2.minisig": second}, []string{"two"}, nil, true},
		{"legacy", policy(t, 2, "one", "two"), content, files{at + ".minisig": file(t, "legacy/orders.yaml.minisig"), at + ".2.minisig": file(t, "legacy/orders.yaml.2.minisig")}, []string{"one", "two"}, nil, true},
		{"legacy and prehashed", policy(t, 2, "one", "two"), content, files{at + ".minisig": file(t, "legacy/orders.yaml.minisig"), at + ".2.minisig": second}, []string{"one", "two"}, nil, true},
		{"another untrusted comment", policy(t, 1, "one"), content, files{at + ".minisig": untrusted}, []string{"one"}, nil, true},

		{"no signature", policy(t, 1, "one"), content, files{}, nil,
			[]string{`signature orders.yaml.minisig: is missing; sign the file with "blocklistctl sign"`}, false},
		{"a slot behind the number of keys", policy(t, 1, "one"), content, files{at + ".2.minisig": first}, nil,
			[]string{`signature orders.yaml.minisig: is missing; sign the file with "blocklistctl sign"`}, false},
		{"other bytes", policy(t, 1, "one"), changed, files{at + ".minisig": first}, nil,
			[]string{"signature orders.yaml.minisig: " + did("one")}, false},
		{"no bytes", policy(t, 1, "one"), nil, files{at + ".minisig": first}, nil,
			[]string{"signature orders.yaml.minisig: " + did("one")}, false},
		{"legacy, other bytes", policy(t, 1, "one"), changed, files{at + ".minisig": file(t, "legacy/orders.yaml.minisig")}, nil,
			[]string{"signature orders.yaml.minisig: " + did("one")}, false},
		{"another time", policy(t, 1, "one"), content, files{at + ".minisig": retimed}, nil,
			[]string{"signature orders.yaml.minisig: " + did("one")}, false},
		{"another file name", policy(t, 1, "one"), content, files{at + ".minisig": relabelled}, nil,
			[]string{`signature orders.yaml.minisig: is the signature of a file with another name: the trusted comment has "file:others.yaml"`}, false},
		{"the signature of a file with another name", policy(t, 1, "one"), content, files{at + ".minisig": signed(t, "one", "lifts.yaml", content)}, nil,
			[]string{`signature orders.yaml.minisig: is the signature of a file with another name: the trusted comment has "file:lifts.yaml"`}, false},
		{"no file name", policy(t, 1, "one"), content, files{at + ".minisig": file(t, "comment.minisig")}, nil,
			[]string{`signature orders.yaml.minisig: the trusted comment must contain "file:orders.yaml"; sign with blocklistctl sign, or with minisign without -t`}, false},
		{"a key that was removed", policy(t, 1, "two"), content, files{at + ".minisig": first}, nil,
			[]string{"signature orders.yaml.minisig: was made with the key " + id("one") + ", which is not one of the keys that may sign"}, false},
		{"malformed", policy(t, 1, "one"), content, files{at + ".minisig": append(bytes.Clone(first), "more\n"...)}, nil,
			[]string{"signature orders.yaml.minisig: has 5 lines, but a signature has 4: an untrusted comment, the signature, a trusted comment and its signature"}, false},

		{"one key twice", policy(t, 2, "one", "two"), content, files{at + ".minisig": first, at + ".2.minisig": signed(t, "one", "orders.yaml", content)}, []string{"one"},
			[]string{"signature orders.yaml.2.minisig: was made with the key " + id("one") + ", like orders.yaml.minisig; each signature needs another key",
				"signature: 2 different keys must sign this version, and 1 did"}, false},
		{"the second signature is old", policy(t, 2, "one", "two"), changed, files{at + ".minisig": signed(t, "one", "orders.yaml", changed), at + ".2.minisig": second}, []string{"one"},
			[]string{"signature orders.yaml.2.minisig: " + did("two"), "signature: 2 different keys must sign this version, and 1 did"}, false},
		{"the second signature is missing", policy(t, 2, "one", "two"), content, files{at + ".minisig": first}, []string{"one"},
			[]string{"signature: 2 different keys must sign this version, and 1 did"}, false},
		{"enough signatures and a bad one", policy(t, 2, "one", "two", "three"), content, files{at + ".minisig": first, at + ".2.minisig": second, at + ".3.minisig": []byte("x")}, []string{"one", "two"},
			[]string{"signature orders.yaml.3.minisig: has 1 lines, but a signature has 4: an untrusted comment, the signature, a trusted comment and its signature"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := check(tc.policy, at, tc.content, tc.files)
			var got []string
			for _, s := range r.Signers {
				got = append(got, s.Key.String())
			}
			var want []string
			for _, s := range tc.signers {
				want = append(want, id(s))
			}
			if !slices.Equal(got, want) || !slices.Equal(r.Problems, tc.want) || r.OK() != tc.ok || (r.Err() == nil) != tc.ok {
				t.Errorf("got %v %v %q\nwant %v %v %q", r.OK(), signers(r), r.Problems, tc.ok, want, tc.want)
			}
			if !tc.ok && r.Err().Error() != at+": "+strings.Join(tc.want, "\n"+at+": ") {
				t.Errorf("got %q", r.Err())
			}
		})
	}
}

func TestReadError(t *testing.T) {
	r := policy(t, 1, "one").Check(at, func(string) ([]byte, error) { return nil, errors.New("permission denied") }).Result()
	if want := at + ": signature orders.yaml.minisig: permission denied"; r.Err() == nil || r.Err().Error() != want {
		t.Errorf("got %v, want %s", r.Err(), want)
	}
}

func TestTime(t *testing.T) {
	content := []byte("x")
	early := signed(t, "one", "orders.yaml", content)
	late, err := secret(t, "two").Sign("orders.yaml", clock.Add(time.Hour), hashOf(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []files{{at + ".minisig": late, at + ".2.minisig": early}, {at + ".minisig": early, at + ".2.minisig": late}} {
		r := check(policy(t, 1, "one", "two"), at, content, f)
		if got := r.Signed(); len(r.Signers) != 2 || !got.Equal(clock.Add(time.Hour)) {
			t.Errorf("signed at %v, %+v", got, r.Signers)
		}
	}
}

func TestLegacyLimit(t *testing.T) {
	c := policy(t, 1, "one").Check(at, files{at + ".minisig": file(t, "legacy/orders.yaml.minisig")}.read)
	piece := make([]byte, 1<<20)
	for range MaxLegacy>>20 + 1 {
		c.Write(piece)
	}
	if want := at + ": signature orders.yaml.minisig: is a legacy signature, which is allowed for files of at most 64 MiB; sign without -l"; len(c.whole) > MaxLegacy || fmt.Sprint(c.Result().Err()) != want {
		t.Errorf("got %v with %d bytes in memory, want %s", c.Result().Err(), len(c.whole), want)
	}
}

func TestHashAsLegacy(t *testing.T) {
	content := file(t, "orders.yaml")
	sig := signed(t, "one", "orders.yaml", content)
	lines := strings.Split(string(sig), "\n")
	lines[1] = "RW" + lines[1][2:] // "RW" is the algorithm Ed in base64
	r := check(policy(t, 1, "one"), at, blake(content), files{at + ".minisig": []byte(strings.Join(lines, "\n"))})
	if r.OK() || !strings.Contains(r.Problems[0], `says "hashed"`) {
		t.Errorf("got %+v", r)
	}
}

// A line break or a tab in a file name could add fields to the signature.
func TestSignName(t *testing.T) {
	for _, name := range []string{"a\nb.yaml", "a\tfile:b.yaml", "\u202e.yaml"} {
		if _, err := secret(t, "one").Sign(name, clock, NewHash()); err == nil {
			t.Errorf("%q can be signed", name)
		}
	}
}
