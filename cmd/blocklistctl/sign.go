package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/signature"
)

// signCmd contains the arguments of the command blocklistctl sign.
type signCmd struct {
	File          string `arg:"" help:"The order file, at the path from which the server reads it."`
	Key           string `required:"" placeholder:"FILE" help:"The secret key."`
	From          string `placeholder:"NEW" xor:"what" help:"Sign this new version, and put it in the place of FILE after its signature."`
	Rollback      string `placeholder:"OLD" xor:"what" help:"Put this old version in the place of FILE under a serial above that of FILE, and sign it."`
	Slot          int    `default:"1" placeholder:"N" help:"The number of the signature. The first person writes FILE.minisig, and with --slot 2 another person writes FILE.2.minisig."`
	passwordFlags `embed:""`
}

// Help returns the long help of blocklistctl sign.
func (*signCmd) Help() string {
	return `sign writes FILE.minisig, which minisign can check. It refuses an order file with problems, without a serial, or with a side list without its sha256, because a server with the property verify refuses such a file.

Without --from, FILE must already have the content to be signed. With --from the server never sees the new version with the old signature for long: sign renames the signature into place first, and the order file after it. Signatures of other slots that are beside NEW move with it. Side lists must already be beside FILE.

Example:

  blocklistctl sign /etc/coredns/orders.yaml --from orders.yaml --key desk.key
  blocklistctl sign orders.yaml --key second.key --slot 2
  blocklistctl sign orders.yaml --rollback orders.yaml.monday --key desk.key`
}

// signJSON is the output of sign with --json.
type signJSON struct {
	File      string `json:"file"`
	Signature string `json:"signature"`
	Key       string `json:"key"`
	Signed    string `json:"signed"`
	Serial    int64  `json:"serial"`
	Replaced  bool   `json:"replaced"`
}

// Run checks and signs an order file.
func (c *signCmd) Run(e *env) error {
	if c.Slot < 1 || c.Slot > signature.MaxKeys {
		return misuse("--slot must be from 1 to %d, got %d", signature.MaxKeys, c.Slot)
	}
	if !slices.Contains(order.Extensions, order.Ext(c.File)) {
		return misuse("%s: is not an order file, whose name ends in .yaml, .yml, .json or .jsonl; a side list needs no signature, because the order file has its sha256", c.File)
	}
	if c.From != "" && filepath.Clean(c.From) == filepath.Clean(c.File) {
		return misuse("--from: NEW must be another file than FILE; without --from, sign signs FILE as it is")
	}
	if c.From != "" && order.Ext(c.From) != order.Ext(c.File) {
		return misuse("--from: the names of FILE and NEW must have the same ending, got %q", c.From)
	}
	// Check the order file before a person types the password.
	b, err := c.prepare(e)
	if b != nil {
		defer b.discard()
	}
	if err != nil {
		return err
	}
	secret, err := c.secretKey(e)
	if err != nil {
		return err
	}
	now := e.now().UTC().Truncate(time.Second)
	text, err := secret.Sign(filepath.Base(c.File), now, b.hash)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.Rollback == "" { // a rollback changes the serial, so the other signatures are invalid anyway
		if err := c.differs(secret.Public(), b.from); err != nil {
			return err
		}
	}
	if err := b.install(c.File, c.Slot, text); err != nil {
		return err
	}
	path, id := signature.Path(c.File, c.Slot), secret.Public().ID().String()
	if e.json {
		return e.writeJSON(signJSON{c.File, path, id, now.Format(time.RFC3339), b.serial, b.content != nil})
	}
	fmt.Fprintf(e.stdout, "%s: signed with the key %s, serial %d\n", printable.Line(path), id, b.serial)
	if b.content != nil {
		fmt.Fprintf(e.stdout, "%s: replaced by %s\n", printable.Line(c.File), printable.Line(b.from))
	}
	return nil
}

// secretKey reads the secret key, and asks for the password if the key is encrypted.
func (c *signCmd) secretKey(e *env) (s signature.SecretKey, err error) {
	f, err := openFile(c.Key, signature.MaxBytes)
	if err != nil {
		return s, misuse("--key: %s: %v", c.Key, err)
	}
	data, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return s, err
	}
	s, err = signature.ParseSecretKey(data, func() (string, error) {
		password, err := c.password(e, c.Key, false)
		if err == nil {
			e.sayOnTerminal("decrypting the key, which takes some seconds and 1 GiB of memory")
		}
		return password, err
	})
	if misused := misuseError(""); err != nil && !errors.As(err, &misused) {
		err = fmt.Errorf("%s: %w", c.Key, err)
	}
	return s, err
}

// differs returns an error if the key has already signed the file, because a server counts
// each key once. The signatures are beside the path from.
func (c *signCmd) differs(key signature.Key, from string) error {
	for slot := 1; slot <= signature.MaxKeys; slot++ {
		path := signature.Path(from, slot)
		data, err := readSignature(path)
		if slot == c.Slot || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if s, err := signature.Parse(data); err == nil && s.Key == key.ID() {
			return fmt.Errorf("%s: was made with the same key %s, and a server counts each key once; another person must sign with another key", path, key.ID())
		}
	}
	return nil
}

// readSignature returns the content of a signature file. The error does not contain the path.
func readSignature(path string) ([]byte, error) {
	f, err := openFile(path, signature.MaxBytes)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// existing parses the order file that a new version will replace. Without a file it returns
// nil.
func existing(path string) (*order.File, error) {
	f, err := openFile(path, order.MaxBytes(path, false))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	parsed, problems := order.Parse(path, f, order.Options{OpenSide: openSide(path), Emit: func(*order.Order) {}})
	if len(problems.Errors()) > 0 && parsed.Serial < 0 {
		return nil, fmt.Errorf("%s: the serial of the version in place cannot be read; correct the file or move it away", path)
	}
	return parsed, nil
}

// A signed value is a version of an order file that is being signed.
type signed struct {
	from    string // the path from which the content was read
	serial  int64
	hash    *signature.Hash
	content *staged // the new content, or nil if the order file is signed as it is
	moves   bool    // the other signatures next to the new version are installed too
}

// discard removes the copy of a version that was not installed.
func (b *signed) discard() {
	if b.content != nil {
		b.content.discard()
	}
}

// prepare checks the version to sign. If it is in another file, prepare copies it into the
// directory of the order file.
func (c *signCmd) prepare(e *env) (*signed, error) {
	b := &signed{from: c.File, hash: signature.NewHash(), moves: c.From != ""}
	var in io.ReadCloser
	var err error
	var least int64 = -1 // the new serial must be higher
	if c.From != "" || c.Rollback != "" {
		before, err := existing(c.File)
		if err != nil {
			return b, err
		}
		if before != nil {
			least = before.Serial
		}
		b.from = c.From + c.Rollback
	}
	if c.Rollback != "" {
		in, err = rolledBack(c.File, c.Rollback, least)
	} else if in, err = openFile(b.from, order.MaxBytes(c.File, false)); err != nil {
		return nil, misuse("%s: %v", b.from, err)
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var out io.Writer = b.hash
	if b.from != c.File {
		mode := fs.FileMode(modeSealed)
		if info, err := os.Stat(b.from); err == nil {
			mode = info.Mode().Perm()
		}
		if b.content, err = stage(c.File, mode); err != nil {
			return nil, err
		}
		out = io.MultiWriter(b.hash, b.content)
	}
	tee := io.TeeReader(in, out)
	demands := order.Demands{Signed: true}
	var missing order.Problems
	parsed, problems := order.Parse(c.File, tee, order.Options{OpenSide: openSide(c.File), Emit: func(o *order.Order) {
		missing = append(missing, demands.Order(c.File, o)...)
	}})
	// The parser stops early at some errors, but the copy must be complete.
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return b, err
	}
	problems = append(append(problems.Errors(), missing...), demands.File(parsed)...)
	if parsed.Serial >= 0 && parsed.Serial <= least {
		problems = append(problems, order.Problem{File: c.File, Field: "serial", Msg: fmt.Sprintf("must be above %d, the serial of the version in place; --rollback reissues an old version under a higher serial", least),
			Got: fmt.Sprint(parsed.Serial), HasGot: true})
	}
	if len(problems) > 0 {
		e.listProblems(problems)
		return b, errProblems
	}
	b.serial = parsed.Serial
	return b, nil
}

// listProblems prints the problems of an order file in the output of a command.
func (e *env) listProblems(problems order.Problems) {
	e.progress.clear()
	problems.Sort()
	if e.json {
		e.writeJSON(struct {
			Problems []problemJSON `json:"problems"`
		}{problemsJSON(problems)})
	}
	for _, p := range problems {
		fmt.Fprintln(e.stderr, problemText(p))
	}
}

// rolledBack returns the content of the old version with a new serial, which is higher than
// the old serial and the serial least of the current version.
func rolledBack(file, old string, least int64) (io.ReadCloser, error) {
	f, err := openFile(old, min(maxFormat, order.MaxBytes(file, false)))
	if err != nil {
		return nil, misuse("--rollback: %s: %v", old, err)
	}
	data, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return reissue(file, old, data, least)
}
