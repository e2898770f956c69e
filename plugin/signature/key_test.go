package signature

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file returns the content of a file in testdata.
func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// public returns the public key in testdata/NAME.pub.
func public(t testing.TB, name string) Key {
	t.Helper()
	k, err := ParseKeyFile(file(t, name+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func secret(t testing.TB, name string) SecretKey {
	t.Helper()
	s, err := ParseSecretKey(file(t, name+".key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKey(t *testing.T) {
	for _, name := range []string{"one", "two", "three", "locked"} {
		text := string(file(t, name+".pub"))
		k := public(t, name)
		lines := strings.Split(text, "\n")
		if k.String() != lines[1] || !strings.HasSuffix(lines[0], strings.TrimLeft(k.ID().String(), "0")) {
			t.Errorf("%s: got %s %s, want\n%s", name, k.ID(), k, text)
		}
		for _, form := range []string{lines[1], lines[1] + "\n", lines[0] + "\r\n" + lines[1] + "\r\n", string(k.EncodePublic())} {
			if got, err := ParseKeyFile([]byte(form)); err != nil || got != k {
				t.Errorf("%q: got %s, %v", form, got, err)
			}
		}
		if !IsKey(lines[1]) {
			t.Errorf("%q is not a key", lines[1])
		}
	}
	if got := secret(t, "one").Public(); got != public(t, "one") {
		t.Errorf("the public key of one.key is %s", got)
	}
}

func TestKeyErrors(t *testing.T) {
	one := public(t, "one").String()
	wrong := public(t, "one")
	wrong[1] = 'D'
	const no = "is not a minisign public key, which has 56 characters of base64 and begins with RW"
	for _, tc := range []struct{ text, want string }{
		{"", "is empty"},
		{"\n", no},
		{"orders.pub", no},
		{one[:55], no},
		{one + "AAAA", no},
		{one[:20] + "\r" + one[20:], no},
		{" " + one, no},
		{one + " ", no},
		{wrong.String(), no},
		{string(file(t, "one.key")), "is a minisign secret key; write the public key here, and keep the secret key away from servers"},
		{one + "\n" + one + "\n", `line 1: must begin with "untrusted comment: "`},
		{"untrusted comment: a\n" + one + "\n\n", "has 3 lines, but a file with a public key has an untrusted comment and the key"},
		{"untrusted comment: a\x1b[2J\n" + one + "\n", `line 1: the comment has characters that are not printable, got "a\x1b[2J"`},
		{"untrusted comment: " + strings.Repeat("a", 1025) + "\n" + one + "\n", "line 1: the comment is longer than 1024 bytes"},
		{strings.Repeat("\n", MaxBytes+1), "is larger than 4096 bytes"},
	} {
		_, err := ParseKeyFile([]byte(tc.text))
		if err == nil || err.Error() != tc.want {
			t.Errorf("%q: got %v, want %s", tc.text, err, tc.want)
		}
	}
	for _, text := range []string{"", "2", "./" + one, one[:55], one + "\n", "orders.pub"} {
		if IsKey(text) {
			t.Errorf("%q is a key", text)
		}
	}
}

func TestPolicy(t *testing.T) {
	one, two := public(t, "one"), public(t, "two")
	renamed := one
	renamed[2]++
	clash := two
	copy(clash[2:10], one[2:10])
	id := one.ID().String()
	for _, tc := range []struct {
		need int
		keys []Key
		want string
	}{
		{1, nil, "needs at least one public key"},
		{0, []Key{one}, "the number of keys that must sign must be at least 1, got 0"},
		{2, []Key{one}, "2 different keys must sign, but the number of keys is 1"},
		{1, []Key{one, two, one}, "the key " + id + " is given twice"},
		{2, []Key{one, renamed}, "the keys " + id + " and " + renamed.ID().String() + " are the same key with two IDs, so they do not belong to two people"},
		{1, []Key{one, clash}, "two different keys have the ID " + id + "; make one of them again"},
		{1, make([]Key, MaxKeys+1), "has 17 keys, but at most 16 are allowed"},
	} {
		if _, err := NewPolicy(tc.need, tc.keys); err == nil || err.Error() != tc.want {
			t.Errorf("%d %v: got %v, want %s", tc.need, tc.keys, err, tc.want)
		}
	}
	p, err := NewPolicy(2, []Key{one, two})
	if err != nil || p.String() != "2 "+one.String()+" "+two.String() {
		t.Errorf("got %s, %v", p, err)
	}
}

func TestSecretKeyErrors(t *testing.T) {
	one := file(t, "one.key")
	for _, tc := range []struct {
		text []byte
		want string
	}{
		{nil, "is empty"},
		{file(t, "one.pub"), "is a public key; a signature needs the secret key"},
		{file(t, "orders.yaml.minisig"), "is not a minisign secret key"},
		{append(bytes.Clone(one), one...), "is not a minisign secret key"},
		{bytes.Replace(one, []byte("\nRWQA"), []byte("\nRWRA"), 1), "is not a minisign secret key"},
		{one[:100], "is not a minisign secret key"},
	} {
		if _, err := ParseSecretKey(tc.text, nil); err == nil || err.Error() != tc.want {
			t.Errorf("%q: got %v, want %s", tc.text, err, tc.want)
		}
	}
}
