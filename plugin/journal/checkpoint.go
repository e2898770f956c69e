package journal

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Other programs write the files with these endings. The server must not write or remove them.
const (
	stampSuffix    = ".tsr"   // SIZE.tsr: an answer of RFC 3161
	cosignedSuffix = ".cosig" // SIZE.KEY.cosig: the checkpoint with a cosignature
)

// A Checkpoint is a signed statement about the first records of a journal. Size is the number of
// these records. Root is the root of their tree. Text is a C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string // the name of the journal and of its key
	Size   int64
	Root   tlog.Hash
	Text   []byte // the signed note, with all signatures
}

// signCheckpoint returns a signed checkpoint.
func signCheckpoint(s note.Signer, size int64, root tlog.Hash) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", s.Name(), size, base64.StdEncoding.EncodeToString(root[:]))
	return note.Sign(&note.Note{Text: text}, s)
}

// OpenCheckpoint parses a checkpoint and checks the signature of the journal. Other signatures are
// ignored, for example those of witnesses.
func OpenCheckpoint(text []byte, v note.Verifier) (c Checkpoint, err error) {
	n, err := note.Open(text, note.VerifierList(v))
	if err != nil {
		return c, err
	}
	for _, sig := range append(n.Sigs, n.UnverifiedSigs...) {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return c, fmt.Errorf("the signature of %s is not base64", sig.Name)
		}
	}
	lines := strings.SplitN(n.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != v.Name() {
		return c, fmt.Errorf("not a checkpoint of %s", v.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return c, fmt.Errorf("the size %q is not a number", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return c, errors.New("the root is not a hash")
	}
	return Checkpoint{lines[0], size, tlog.Hash(root), text}, nil
}

// ReadCheckpoint reads a checkpoint from a file and checks its signature.
func ReadCheckpoint(path string, v note.Verifier) (Checkpoint, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := OpenCheckpoint(text, v)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ReadVerifier reads the public key of a journal from a file. The file has the format of
// journal.vkey.
func ReadVerifier(path string) (note.Verifier, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Base(path) == vkeyName {
		return nil, fmt.Errorf("%s: is not the directory of a journal or of a bundle: %w", filepath.Dir(path), err)
	}
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

func (j *Journal) loadKey() error {
	path, public := filepath.Join(j.dir, keyName), filepath.Join(j.dir, vkeyName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(j.dir, checkpointName)); err == nil {
			return fmt.Errorf("%s: the key is missing, but the journal has a signed checkpoint: put the key back, or begin a new journal in an empty directory", path)
		}
		skey, vkey, err := note.GenerateKey(rand.Reader, j.opt.Origin)
		if err != nil {
			return err
		}
		// Write the public key first. If a crash prevents the second write, the next start makes
		// two new keys.
		if err := j.fs.WriteFile(public, []byte(vkey+"\n"), 0o644); err != nil {
			return err
		}
		if err := j.fs.WriteFile(path, []byte(skey+"\n"), 0o600); err != nil {
			return err
		}
		text = []byte(skey)
	} else if err != nil {
		return err
	}
	if j.signer, err = note.NewSigner(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("%s: not a key of a journal", path) // the error of the package note may contain the key
	}
	j.secret = sha256.Sum256(append([]byte("contents of orders\n"), bytes.TrimSpace(text)...))
	if j.verifier, err = ReadVerifier(public); err != nil {
		return err
	}
	if j.verifier.Name() != j.signer.Name() || j.verifier.KeyHash() != j.signer.KeyHash() {
		return fmt.Errorf("%s: is not the public key of %s", public, keyName)
	}
	return nil
}

// KeptCheckpoint returns the path of a checkpoint in the directory checkpoints. The size is the
// number of records.
func KeptCheckpoint(dir string, size int64) string {
	return filepath.Join(dir, checkpointDir, strconv.FormatInt(size, 10))
}

// StampPath returns the path of the time stamp of a checkpoint. The size is the number of records.
func StampPath(dir string, size int64) string { return KeptCheckpoint(dir, size) + stampSuffix }

// CosignedPath returns the path of a checkpoint that a witness has signed too. The size is the
// number of records. The last argument is the key hash of the witness.
func CosignedPath(dir string, size int64, key uint32) string {
	return fmt.Sprintf("%s.%08x%s", KeptCheckpoint(dir, size), key, cosignedSuffix)
}

// An Outside describes one file in checkpoints/.
type Outside struct {
	Name  string // the path relative to the directory of the journal
	Size  int64  // the size of its checkpoint, or -1 if the name has no size
	Stamp bool   // the file is a time stamp; otherwise the file is a checkpoint with signatures
}

// Outsides returns the files in the directory checkpoints, sorted by size. A file with an
// unexpected name has the size -1.
func Outsides(dir string) (out []Outside, err error) {
	all, err := os.ReadDir(filepath.Join(dir, checkpointDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		x := Outside{Name: checkpointDir + "/" + e.Name(), Size: -1, Stamp: strings.HasSuffix(e.Name(), stampSuffix)}
		digits, _, _ := strings.Cut(e.Name(), ".")
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n >= 0 && strconv.FormatInt(n, 10) == digits {
			x.Size = n
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(x, y Outside) int { return cmp.Compare(x.Size, y.Size) })
	return out, err
}

// CheckOrigin returns an error for an invalid name of a journal. The signed-note format forbids
// blanks and plus signs.
func CheckOrigin(s string) error {
	bad := func(r rune) bool { return r == '+' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if s == "" || strings.ContainsFunc(s, bad) || strings.Contains(s, "://") {
		return fmt.Errorf("the name of a journal is a URL without scheme, blanks and plus signs, such as dns.example.net/journal/node1, got %q", s)
	}
	return nil
}
