package signature

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"aead.dev/minisign"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const secretSize = 158

// A SecretKey is a minisign secret key.
type SecretKey struct{ private minisign.PrivateKey }

// Generate makes a new secret key.
func Generate() (SecretKey, error) {
	_, private, err := minisign.GenerateKey(nil)
	return SecretKey{private}, err
}

// Public returns the public key of the secret key.
func (s SecretKey) Public() Key {
	k, err := ParseKey(s.private.Public().(minisign.PublicKey).String())
	if err != nil {
		panic(err) // the library writes a form that ParseKey accepts
	}
	return k
}

// Encode returns the content of a secret key file. An empty password means no encryption.
// Encryption needs some seconds and 1 GiB of memory.
func (s SecretKey) Encode(password string) ([]byte, error) {
	text, err := s.private.MarshalText()
	if password != "" {
		text, err = minisign.EncryptKey(password, s.private)
	}
	return append(text, '\n'), err
}

// EncodePublic returns the content of the public key file.
func (k Key) EncodePublic() []byte {
	return fmt.Appendf(nil, "%sminisign public key %s\n%s\n", untrustedLabel, k.ID(), k)
}

// ParseSecretKey parses a secret key file. It asks for the password only if the key is encrypted.
func ParseSecretKey(data []byte, password func() (string, error)) (s SecretKey, err error) {
	lines, err := splitLines(data)
	if err != nil {
		return s, err
	}
	if n := len(lines); n != 1 && (n != 2 || !strings.HasPrefix(lines[0], untrustedLabel)) {
		return s, errNoSecret
	}
	line := lines[len(lines)-1]
	raw, err := base64.StdEncoding.DecodeString(line)
	switch {
	case err == nil && len(raw) == keySize:
		return s, errors.New("is a public key; a signature needs the secret key")
	case err != nil || len(raw) != secretSize:
		return s, errNoSecret
	}
	if !minisign.IsEncrypted([]byte(line)) {
		if err := s.private.UnmarshalText([]byte(line)); err != nil {
			return s, errNoSecret
		}
		return s, nil
	}
	pass, err := password()
	if err != nil {
		return s, err
	}
	if s.private, err = minisign.DecryptKey(pass, []byte(line)); err != nil {
		return s, errors.New("cannot be decrypted: the password is wrong, or the file is damaged")
	}
	return s, nil
}

var errNoSecret = errors.New("is not a minisign secret key")

// A Hash is a BLAKE2b-512 hash. Use NewHash to make a Hash.
type Hash struct {
	chunk bytes.Reader
	sum   *minisign.Reader
}

// NewHash returns an empty Hash.
func NewHash() *Hash {
	h := new(Hash)
	h.sum = minisign.NewReader(&h.chunk)
	return h
}

func (h *Hash) Write(p []byte) (int, error) {
	h.chunk.Reset(p)
	io.Copy(io.Discard, h.sum) // h.chunk and io.Discard never return an error
	return len(p), nil
}

// Sign returns the content of a signature file. The name is the base name of the signed file. The
// hash covers the content of this file.
func (s SecretKey) Sign(name string, now time.Time, content *Hash) ([]byte, error) {
	if !printable.Is(name) {
		return nil, fmt.Errorf("the file name %q has characters that are not printable; a signature cannot contain this name", name)
	}
	trusted := fmt.Sprintf("timestamp:%d\tfile:%s\thashed", now.Unix(), name)
	return content.sum.SignWithComments(s.private, trusted, "signature of blocklistctl with the key "+s.Public().ID().String()), nil
}
