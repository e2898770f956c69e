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

// MaxBytes is the largest size in bytes of a key file or a signature file. An ordinary
// signature file has about 320 bytes.
const MaxBytes = 4096

// maxComment is the largest number of bytes of a comment, without its label.
const maxComment = 1024

const (
	untrustedLabel = "untrusted comment: "
	trustedLabel   = "trusted comment: "
)

// A KeyID identifies a key. Equal IDs do not prove that two keys are equal, because the maker of a
// key can choose any ID.
type KeyID uint64

// String returns the ID as 16 hexadecimal digits, as minisign prints it.
func (id KeyID) String() string { return fmt.Sprintf("%016X", uint64(id)) }

// keySize is the size of an encoded public key in bytes. Two bytes are for the algorithm,
// eight for the ID, and 32 for the Ed25519 point.
const keySize = 2 + 8 + 32

// A Key is a minisign public key. Two Keys can be compared with ==.
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

// IsKey reports whether s is a public key, and not the path of a key file.
func IsKey(s string) bool {
	_, err := ParseKey(s)
	return err == nil
}

// ParseKey parses a public key in one line of base64 (the last line of a key file).
func ParseKey(s string) (Key, error) {
	// The base64 decoder ignores line breaks. ParseKey must refuse line breaks itself.
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

// ParseKeyFile parses a public key file. The first line may be an untrusted comment. The last line
// is the key.
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

// splitLines returns the lines of a file. A line ends with LF or CRLF. The last line may
// have no line end.
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
