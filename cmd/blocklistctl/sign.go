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
	"github.com/dns-orders/blocklist/plugin/source"
)

// signCmd contains the arguments of the command blocklistctl sign.
type signCmd struct {
	Files         []string `arg:"" name:"file" help:"An order file, at the path from which the server reads it, or a directory with order files."`
	Key           string   `required:"" placeholder:"FILE" help:"The secret key."`
	From          string   `placeholder:"NEW" xor:"what" help:"Sign this new version, and put it in the place of FILE after its signature."`
	Rollback      string   `placeholder:"OLD" xor:"what" help:"Put this old version in the place of FILE under a serial above that of FILE, and sign it."`
	Slot          int      `default:"1" placeholder:"N" help:"The number of the signature. The first person writes FILE.minisig, and with --slot 2 another person writes FILE.2.minisig."`
	passwordFlags `embed:""`
}

// Help returns the long help of blocklistctl sign.
func (*signCmd) Help() string {
	return `sign writes FILE.minisig, which minisign can check. It refuses an order file with problems, without a serial, or with a side list without its sha256, because a server with the property verify refuses such a file.

Without --from, each FILE must already have the content to be signed. Several files and directories are signed with one password. If a file has problems, no file is signed. A directory stands for the order files in it that a server reads.

With --from the server never sees the new version with the old signature for long: sign renames the signature into place first, and the order file after it. Signatures of other slots that are beside NEW move with it. Side lists must already be beside FILE.

Example:

  blocklistctl sign /etc/coredns/orders.yaml --from orders.yaml --key desk.key
  blocklistctl sign orders.yaml --key second.key --slot 2
  blocklistctl sign /etc/coredns/orders/ --key new.key
  blocklistctl sign orders.yaml --rollback orders.yaml.monday --key desk.key`
}

type signJSON struct {
	File      string `json:"file"`
	Signature string `json:"signature"`
	Key       string `json:"key"`
	Signed    string `json:"signed"`
	Serial    int64  `json:"serial"`
	Replaced  bool   `json:"replaced"`
}

// Run checks and signs order files.
func (c *signCmd) Run(e *env) error {
	if c.Slot < 1 || c.Slot > signature.MaxKeys {
		return misuse("--slot must be from 1 to %d, got %d", signature.MaxKeys, c.Slot)
	}
	paths, several, err := c.paths()
	if err != nil {
		return err
	}
	// Check the order files before the person types the password.
	var versions []*signed
	defer func() {
		for _, b := range versions {
			b.discard()
		}
	}()
	var problems order.Problems
	for i, path := range paths {
		e.progress.say("reading %d of %d: %s", i+1, len(paths), path)
		b, ps, err := c.prepare(path)
		if b != nil {
			versions = append(versions, b)
		}
		if err != nil {
			return err
		}
		problems = append(problems, ps...)
	}
	if len(problems) > 0 {
		e.listProblems(problems)
		return errProblems
	}
	e.progress.clear()
	secret, err := c.secretKey(e)
	if err != nil {
		return err
	}
	now := e.now().UTC().Truncate(time.Second)
	for _, b := range versions {
		if b.signature, err = secret.Sign(filepath.Base(b.file), now, b.hash); err != nil {
			return fmt.Errorf("%s: %w", b.file, err)
		}
		if c.Rollback == "" { // a rollback changes the serial, which makes the other signatures invalid
			if err := c.differs(secret.Public(), b.from); err != nil {
				return err
			}
		}
	}
	n, failed := install(versions, c.Slot)
	return errors.Join(c.report(e, versions[:n], several, secret.Public().ID().String(), now), failed)
}

func (c *signCmd) report(e *env, versions []*signed, several bool, key string, now time.Time) error {
	out := []signJSON{}
	for _, b := range versions {
		out = append(out, signJSON{b.file, signature.Path(b.file, c.Slot), key, now.Format(time.RFC3339), b.serial, b.content != nil})
	}
	switch {
	case e.json && several:
		return e.writeJSON(struct {
			Files []signJSON `json:"files"`
		}{out})
	case e.json && len(out) > 0:
		return e.writeJSON(out[0])
	case e.json:
		return nil
	}
	for i, s := range out {
		fmt.Fprintf(e.stdout, "%s: signed with the key %s, serial %d\n", printable.Line(s.Signature), key, s.Serial)
		if s.Replaced {
			fmt.Fprintf(e.stdout, "%s: replaced by %s\n", printable.Line(s.File), printable.Line(versions[i].from))
		}
	}
	return nil
}

func (c *signCmd) paths() (paths []string, several bool, err error) {
	several = len(c.Files) > 1
	for _, path := range c.Files {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			paths = append(paths, path)
			continue
		}
		several = true
		found, errs := source.Expand([]string{path})
		if len(errs) > 0 {
			return nil, false, errors.Join(errs...)
		}
		paths = append(paths, found...)
	}
	if several && c.From+c.Rollback != "" {
		return nil, false, misuse("--from and --rollback are for one order file; sign several files where they are")
	}
	seen := map[string]bool{}
	for _, path := range paths {
		if !slices.Contains(order.Extensions, order.Ext(path)) {
			return nil, false, misuse("%s: is not an order file, whose name ends in .yaml, .yml, .json or .jsonl; a side list needs no signature, because the order file has its sha256", path)
		}
		if seen[filepath.Clean(path)] {
			return nil, false, misuse("%s: is given twice", path)
		}
		seen[filepath.Clean(path)] = true
	}
	if c.From != "" && filepath.Clean(c.From) == filepath.Clean(paths[0]) {
		return nil, false, misuse("--from: NEW must be another file than FILE; without --from, sign signs FILE as it is")
	}
	if c.From != "" && order.Ext(c.From) != order.Ext(paths[0]) {
		return nil, false, misuse("--from: the names of FILE and NEW must have the same ending, got %q", c.From)
	}
	return paths, several, nil
}

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

// A server counts each key once, so a second signature file from the same key is an error.
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

// The error does not contain the path.
func readSignature(path string) ([]byte, error) {
	f, err := openFile(path, signature.MaxBytes)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}
