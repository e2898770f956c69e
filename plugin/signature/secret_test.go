package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/scrypt"
)

var update = flag.Bool("update", false, "write testdata/cheap.key again")

const cheapPassword = "correct horse"

func cheapKey(t *testing.T) []byte {
	t.Helper()
	lines := strings.Split(string(file(t, "one.key")), "\n")
	raw, err := base64.StdEncoding.DecodeString(lines[1])
	if err != nil {
		t.Fatal(err)
	}
	const memory, ops = 1 << 24, 1 << 20
	copy(raw[2:], "Sc")
	copy(raw[6:38], "a salt for tests has 32 bytes ..")
	binary.LittleEndian.PutUint64(raw[38:], ops)
	binary.LittleEndian.PutUint64(raw[46:], memory)
	secret := raw[54:]
	sum := blake2b.Sum256(append([]byte("Ed"), secret[:72]...))
	copy(secret[72:], sum[:])
	n := memory / 1024
	stream, err := scrypt.Key([]byte(cheapPassword), raw[6:38], n, 8, ops/4/n/8, len(secret))
	if err != nil {
		t.Fatal(err)
	}
	for i := range secret {
		secret[i] ^= stream[i]
	}
	return []byte(lines[0] + "\n" + base64.StdEncoding.EncodeToString(raw) + "\n")
}

func TestEncryptedKey(t *testing.T) {
	if *update {
		if err := os.WriteFile("testdata/cheap.key", cheapKey(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data := file(t, "cheap.key")
	if !bytes.Equal(data, cheapKey(t)) {
		t.Error("cheap.key is not the key one; run this test with -update")
	}
	with := func(password string) func() (string, error) {
		return func() (string, error) { return password, nil }
	}
	s, err := ParseSecretKey(data, with(cheapPassword))
	if err != nil || s.Public() != public(t, "one") {
		t.Fatalf("got %s, %v", s.Public(), err)
	}
	const wrong = "cannot be decrypted: the password is wrong, or the file is damaged"
	for _, password := range []string{"", "correct hors", cheapPassword + "\n"} {
		if _, err := ParseSecretKey(data, with(password)); err == nil || err.Error() != wrong {
			t.Errorf("%q: got %v, want %s", password, err, wrong)
		}
	}
	no := errors.New("no password")
	if _, err := ParseSecretKey(data, func() (string, error) { return "", no }); err != no {
		t.Errorf("got %v, want %v", err, no)
	}
}

func TestEncode(t *testing.T) {
	s, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Encode("")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSecretKey(data, nil)
	if err != nil || again.Public() != s.Public() {
		t.Errorf("%q: got %s, %v", data, again.Public(), err)
	}
	other, err := Generate()
	if err != nil || other.Public() == s.Public() {
		t.Errorf("two keys are equal, %v", err)
	}
}
