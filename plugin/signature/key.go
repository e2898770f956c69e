package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"aead.dev/minisign"
)

// MaxBytes is the maximum size in bytes of a key file or a signature file.
const MaxBytes = 4096

const maxComment = 1024

const (
	untrustedLabel = "untrusted comment: "
	trustedLabel   = "trusted comment: "
)

// A KeyID identifies a key. Two keys can have the same ID, because the maker of a key chooses the
// ID.
type KeyID uint64

func (id KeyID) String() string { return fmt.Sprintf("%016X", uint64(id)) }

const keySize = 2 + 8 + 32

// A Key is a minisign public key. Keys can be compared with ==.
type Key [keySize]byte

// ID returns the ID of the key.
func (k Key) ID() KeyID { return KeyID(binary.LittleEndian.Uint64(k[2:10])) }

// String returns the key as one line of base64 for ParseKey.
func (k Key) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// point returns the Ed25519 point of the key.
func (k Key) point() [32]byte { return [32]byte(k[10:]) }

func (k Key) minisign() (p minisign.PublicKey) {
	if err := p.UnmarshalText([]byte(k.String())); err != nil {
		panic(err) // ParseKey has checked the length and the algorithm
	}
	return p
}

var keyChars = base64.StdEncoding.EncodedLen(keySize)

// IsKey reports whether s is a public key. Otherwise s is the path of a key file.
func IsKey(s string) bool {
	_, err := ParseKey(s)
	return err == nil
}

// ParseKey parses a public key in one line of base64 (the last line of a key file).
func ParseKey(s string) (Key, error) {
	// The base64 decoder ignores line breaks.
	if strings.ContainsAny(s, "\r\n") {
		return Key{}, errNoKey
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err == nil && len(raw) == secretSize:
		return Key{}, errSecret
	case err != nil || len(raw) != keySize || raw[0] != 'E' || raw[1] != 'd':
		return Key{}, errNoKey
	}
	return Key(raw), nil
}

var (
	errNoKey  = fmt.Errorf("is not a minisign public key, which has %d characters of base64 and begins with RW", keyChars)
	errSecret = errors.New("is a minisign secret key; write the public key here, and keep the secret key away from servers")
)

// ParseKeyFile parses a public key file. An untrusted comment may come before the key.
func ParseKeyFile(data []byte) (Key, error) {
	lines, err := splitLines(data)
	if err != nil {
		return Key{}, err
	}
	if len(lines) == 2 {
		if _, err := comment(lines[0], untrustedLabel); err != nil {
			return Key{}, fmt.Errorf("line 1: %w", err)
		}
		lines = lines[1:]
	}
	if len(lines) != 1 {
		return Key{}, fmt.Errorf("has %d lines, but a file with a public key has an untrusted comment and the key", len(lines))
	}
	return ParseKey(lines[0])
}

func splitLines(data []byte) ([]string, error) {
	switch {
	case len(data) > MaxBytes:
		return nil, fmt.Errorf("is larger than %d bytes", MaxBytes)
	case len(data) == 0:
		return nil, errors.New("is empty")
	}
	var lines []string
	for line := range bytes.Lines(data) {
		line, ended := bytes.CutSuffix(line, []byte("\n"))
		if ended {
			line = bytes.TrimSuffix(line, []byte("\r"))
		}
		lines = append(lines, string(line))
	}
	return lines, nil
}
