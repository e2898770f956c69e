package signature

import (
	"bytes"
	"testing"

	"aead.dev/minisign"
	second "github.com/jedisct1/go-minisign"
	"golang.org/x/crypto/blake2b"
)

// blake returns the BLAKE2b-512 hash of content.
func blake(content []byte) []byte {
	sum := blake2b.Sum512(content)
	return sum[:]
}

func FuzzCheck(f *testing.F) {
	content := file(f, "orders.yaml")
	for _, path := range []string{"orders.yaml.minisig", "orders.yaml.2.minisig", "legacy/orders.yaml.minisig", "comment.minisig"} {
		sig := file(f, path)
		f.Add(sig, content)
		f.Add(bytes.ReplaceAll(sig, []byte("\n"), []byte("\r\n")), content)
		f.Add(sig, content[1:])
	}
	f.Add([]byte("untrusted comment: \n\ntrusted comment: \n\n"), []byte{})
	p := policy(f, 1, "one", "two")
	f.Fuzz(func(t *testing.T, sig, content []byte) {
		r := check(p, at, content, files{at + ".minisig": sig})
		theirs := secondOpinion(t, sig, content)
		if r.OK() && !theirs {
			t.Fatalf("the second library refuses a signature that counts: %+v", r)
		}
		s, err := Parse(sig)
		if theirs && err == nil && s.File == "orders.yaml" && !r.OK() {
			t.Fatalf("the second library accepts a signature that does not count: %+v", r)
		}
		if err == nil {
			compare(t, s, sig)
		}
	})
}

func secondOpinion(t *testing.T, sig, content []byte) bool {
	parsed, err := second.DecodeSignature(string(sig))
	if err != nil {
		return false
	}
	for _, name := range []string{"one", "two"} {
		key, err := second.NewPublicKey(public(t, name).String())
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := key.Verify(content, parsed); ok {
			return true
		}
	}
	return false
}

func compare(t *testing.T, s Signature, sig []byte) {
	var first minisign.Signature
	if err := first.UnmarshalText(sig); err != nil {
		t.Fatalf("the first library refuses a form that Parse accepts: %v", err)
	}
	parsed, err := second.DecodeSignature(string(sig))
	if err != nil {
		t.Fatalf("the second library refuses a form that Parse accepts: %v", err)
	}
	legacy := parsed.SignatureAlgorithm == [2]byte{'E', 'd'}
	if first.KeyID != uint64(s.Key) || s.Legacy != legacy || s.Legacy != (first.Algorithm == minisign.EdDSA) ||
		"trusted comment: "+first.TrustedComment != parsed.TrustedComment {
		t.Fatalf("the libraries read different fields: %+v, %+v, %+v", s, first, parsed)
	}
}

func FuzzParseKeyFile(f *testing.F) {
	for _, name := range []string{"one.pub", "two.pub", "one.key", "orders.yaml.minisig"} {
		f.Add(file(f, name))
	}
	f.Add([]byte(public(f, "one").String()))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := ParseKeyFile(data)
		if err != nil {
			return
		}
		var first minisign.PublicKey
		if err := first.UnmarshalText(data); err != nil || first.String() != k.String() {
			t.Fatalf("the first library reads %s, %v instead of %s", first, err, k)
		}
		if again, err := ParseKeyFile(k.EncodePublic()); err != nil || again != k {
			t.Fatalf("%s is written as %s, %v", k, again, err)
		}
		if p, err := second.NewPublicKey(k.String()); err != nil || p.PublicKey != k.point() {
			t.Fatalf("the second library refuses the key: %v", err)
		}
	})
}
