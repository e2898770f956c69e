package signature

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Signature contains the fields of a signature file. Parse does not verify the signature.
type Signature struct {
	Key KeyID
	// A Legacy signature (algorithm Ed) covers the bytes of the file. Other signatures (algorithm
	// ED) cover the BLAKE2b-512 hash.
	Legacy bool
	// File is the base name of the signed file in the trusted comment, or empty.
	File string
	// Signed is the time of signing in the trusted comment, or zero.
	Signed time.Time

	text []byte // the content of the signature file, which the minisign library needs
}

// lastTime is the end of the year 9999.
const lastTime = 253402300799

// Parse parses a signature file strictly. An attacker could misuse a file that two
// programs read differently.
func Parse(data []byte) (Signature, error) {
	lines, err := splitLines(data)
	if err != nil {
		return Signature{}, err
	}
	if len(lines) != 4 {
		return Signature{}, fmt.Errorf("has %d lines, but a signature has 4: an untrusted comment, the signature, a trusted comment and its signature", len(lines))
	}
	if _, err := comment(lines[0], untrustedLabel); err != nil {
		return Signature{}, fmt.Errorf("line 1: %w", err)
	}
	raw, err := decode(lines[1], 2+8+64)
	if err != nil {
		return Signature{}, fmt.Errorf("line 2: %w", err)
	}
	trusted, err := comment(lines[2], trustedLabel)
	if err != nil {
		return Signature{}, fmt.Errorf("line 3: %w", err)
	}
	if _, err := decode(lines[3], 64); err != nil {
		return Signature{}, fmt.Errorf("line 4: %w", err)
	}
	s := Signature{Key: KeyID(binary.LittleEndian.Uint64(raw[2:10])), text: data}
	switch algorithm := string(raw[:2]); algorithm {
	case "ED":
	case "Ed":
		s.Legacy = true
	default:
		return Signature{}, fmt.Errorf("line 2: the algorithm must be ED or Ed, got %q", algorithm)
	}
	if err := s.readTrusted(trusted); err != nil {
		return Signature{}, fmt.Errorf("line 3: the trusted comment: %w", err)
	}
	return s, nil
}

func (s *Signature) readTrusted(text string) error {
	seen := map[string]bool{}
	for field := range strings.SplitSeq(text, "\t") {
		key, value, _ := strings.Cut(field, ":")
		if key != "timestamp" && key != "file" && key != "hashed" {
			continue
		}
		if seen[key] {
			return fmt.Errorf("has %q twice", key)
		}
		seen[key] = true
		switch key {
		case "timestamp":
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil || n > lastTime {
				return fmt.Errorf("the timestamp must be a number of seconds since 1970, got %q", value)
			}
			s.Signed = time.Unix(int64(n), 0).UTC()
		case "file":
			if value == "" {
				return errors.New("the file name is empty")
			}
			s.File = value
		case "hashed":
			// An attacker can change the algorithm of a signature from ED to Ed. The signature
			// would then be valid for a file that contains only the hash.
			if s.Legacy {
				return errors.New(`says "hashed", but the algorithm of the signature is Ed, which does not hash`)
			}
		}
	}
	return nil
}

func comment(line, label string) (string, error) {
	text, ok := strings.CutPrefix(line, label)
	switch {
	case !ok:
		return "", fmt.Errorf("must begin with %q", label)
	case len(text) > maxComment:
		return "", fmt.Errorf("the comment is longer than %d bytes", maxComment)
	}
	parts := []string{text}
	if label == trustedLabel {
		parts = strings.Split(text, "\t")
	}
	for _, p := range parts {
		if !printable.Is(p) {
			return "", fmt.Errorf("the comment has characters that are not printable, got %q", shorten(p))
		}
	}
	return text, nil
}

const maxShown = 80

func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return s[:maxShown] + "..."
}

func decode(line string, size int) ([]byte, error) {
	// The base64 decoder ignores carriage returns.
	if strings.Contains(line, "\r") {
		return nil, errors.New("has a carriage return inside")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(line)
	switch {
	case err != nil:
		return nil, fmt.Errorf("is not base64, got %q", shorten(line))
	case len(raw) != size:
		return nil, fmt.Errorf("must have %d bytes in base64, got %d", size, len(raw))
	}
	return raw, nil
}
