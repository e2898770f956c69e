package signature

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"aead.dev/minisign"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// MaxLegacy is the maximum size in bytes of a file with a legacy signature. A legacy signature
// needs the whole file in memory.
const MaxLegacy = 64 << 20

// A Check compares one version of a file with its signatures. Write the whole file to the Check,
// and then call Result.
type Check struct {
	policy Policy
	path   string
	found  []found
	legacy bool // at least one signature is a legacy signature, which needs the whole file
	whole  []byte
	size   int64
	hash   *Hash
}

type found struct {
	path string
	sig  Signature
	key  Key
	why  error
}

// Check returns a new Check of a file. The given function reads a signature file, up to MaxBytes+1
// bytes. For a missing signature file, the function must return fs.ErrNotExist.
func (p Policy) Check(path string, read func(path string) ([]byte, error)) *Check {
	c := &Check{policy: p, path: path, hash: NewHash()}
	for slot := 1; slot <= len(p.Keys); slot++ {
		f := found{path: Path(path, slot)}
		data, err := read(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			f.sig, err = Parse(data)
		}
		if f.why = err; err == nil {
			f.why = c.claims(&f)
		}
		c.found = append(c.found, f)
		c.legacy = c.legacy || f.why == nil && f.sig.Legacy
	}
	return c
}

func (c *Check) claims(f *found) error {
	var ok bool
	if f.key, ok = c.policy.key(f.sig.Key); !ok {
		return fmt.Errorf("was made with the key %s, which is not one of the keys that may sign", f.sig.Key)
	}
	for _, before := range c.found {
		if before.why == nil && before.key == f.key {
			return fmt.Errorf("was made with the key %s, like %s; each signature needs another key", f.sig.Key, base(before.path))
		}
	}
	switch name := filepath.Base(c.path); f.sig.File {
	case name:
		return nil
	case "":
		return fmt.Errorf(`the trusted comment must contain "file:%s"; sign with blocklistctl sign, or with minisign without -t`, printable.Line(name))
	default:
		return fmt.Errorf("is the signature of a file with another name: the trusted comment has %q", "file:"+f.sig.File)
	}
}

func (c *Check) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	if c.legacy && c.size <= MaxLegacy {
		c.whole = append(c.whole, p...)
	}
	return c.hash.Write(p)
}

// Result checks the signatures against the written bytes.
func (c *Check) Result() Result {
	r := Result{Path: c.path, Need: c.policy.Need}
	for _, f := range c.found {
		why := f.why
		if why == nil {
			why = c.verify(&f)
		}
		if why != nil {
			r.Problems = append(r.Problems, fmt.Sprintf("signature %s: %v", base(f.path), why))
			continue
		}
		r.Signers = append(r.Signers, Signer{Key: f.sig.Key, Path: f.path, Signed: f.sig.Signed})
	}
	switch {
	case len(c.found) == 0:
		r.Problems = append(r.Problems, fmt.Sprintf(`signature %s: is missing; sign the file with "blocklistctl sign"`, base(Path(c.path, 1))))
	case !r.OK() && r.Need > 1:
		r.Problems = append(r.Problems, fmt.Sprintf("signature: %d different keys must sign this version, and %d did", r.Need, len(r.Signers)))
	}
	return r
}

// verify checks one signature against the written bytes.
func (c *Check) verify(f *found) error {
	var good bool
	switch {
	case !f.sig.Legacy:
		good = c.hash.sum.Verify(f.key.minisign(), f.sig.text)
	case c.size > MaxLegacy:
		return fmt.Errorf("is a legacy signature, which is allowed for files of at most %d MiB; sign without -l", MaxLegacy>>20)
	default:
		// Do not use minisign.Reader here. minisign.Reader would check a legacy signature against
		// the hash of the file.
		good = minisign.Verify(f.key.minisign(), c.whole, f.sig.text)
	}
	if !good {
		return fmt.Errorf("the key %s did not sign these bytes and this trusted comment; the file or the signature was changed after signing, or only one of the two is new", f.sig.Key)
	}
	return nil
}

// A Result describes which keys signed a version of a file.
type Result struct {
	Path string
	Need int
	// Signers are the different keys with good signatures.
	Signers []Signer
	// Problems contains the reasons why signatures do not count, as printable text.
	Problems []string
}

// A Signer is a key that signed a file.
type Signer struct {
	Key KeyID
	// Path is the path of the signature file.
	Path string
	// Signed is the time of signing by the clock of the signer, or zero.
	Signed time.Time
}

// OK reports whether enough different keys signed the file.
func (r Result) OK() bool { return r.Need > 0 && len(r.Signers) >= r.Need }

// Signed returns the time of the newest good signature, or zero.
func (r Result) Signed() (newest time.Time) {
	for _, s := range r.Signers {
		if s.Signed.After(newest) {
			newest = s.Signed
		}
	}
	return newest
}

// Err returns nil if enough keys signed the file. Otherwise Err returns all problems, one in each
// line.
func (r Result) Err() error {
	if r.OK() {
		return nil
	}
	var errs []error
	for _, p := range r.Problems {
		errs = append(errs, fmt.Errorf("%s: %s", printable.Line(r.Path), p))
	}
	return errors.Join(errs...)
}

func base(path string) string { return printable.Line(filepath.Base(path)) }
