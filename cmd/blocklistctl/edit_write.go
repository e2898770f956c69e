package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/signature"
)

type writeFlags struct {
	Yes           bool   `short:"y" xor:"write" help:"Write the change without a question."`
	DryRun        bool   `short:"n" xor:"write" help:"Only show the change and its effect."`
	Sign          string `placeholder:"KEY" help:"Sign the new version with this secret key."`
	Commit        bool   `help:"Commit the changed file with git."`
	passwordFlags `embed:""`
}

// With --sign, the function adds a missing serial. It also checks the server's rules for signed
// files.
func (x *editing) signable(data []byte) ([]byte, error) {
	if x.flags.Sign == "" {
		return data, nil
	}
	if x.file.Serial < 0 {
		with, err := order.SetSerial(x.path, data, 1)
		if err != nil {
			return nil, err
		}
		data = with
	}
	demands := order.Demands{Signed: true}
	var missing order.Problems
	parsed, problems := order.Parse(x.path, bytes.NewReader(data), order.Options{OpenSide: openSide(x.path), Emit: func(o *order.Order) {
		missing = append(missing, demands.Order(x.path, o)...)
	}})
	problems = append(append(problems.Errors(), missing...), demands.File(parsed)...)
	if len(problems) > 0 {
		x.e.listProblems(problems)
		return nil, errProblems
	}
	return data, nil
}

// With --sign, the function also signs the file. It fails if another program has changed the file.
func (x *editing) write(data []byte, serial int64) (written []string, err error) {
	var secret signature.SecretKey
	if x.flags.Sign != "" {
		c := &signCmd{Key: x.flags.Sign, passwordFlags: x.flags.passwordFlags}
		if secret, err = c.secretKey(x.e); err != nil {
			return nil, err
		}
	}
	now, err := os.ReadFile(x.path)
	if x.isNew && errors.Is(err, fs.ErrNotExist) {
		err = nil
	} else if x.isNew && err == nil {
		return nil, fmt.Errorf("%s: was made while the command ran; nothing was written", x.path)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(now, x.old) {
		return nil, fmt.Errorf("%s: has changed while the command ran; nothing was written", x.path)
	}
	if x.flags.Sign == "" {
		return []string{x.path}, writeFile(x.path, data, x.mode)
	}
	slot, err := slotOf(x.path, secret.Public())
	if err != nil {
		return nil, err
	}
	b := &signed{file: x.path, from: x.path, serial: serial, hash: signature.NewHash()}
	if b.content, err = stage(x.path, x.mode); err != nil {
		return nil, err
	}
	defer b.discard()
	// A Hash never returns an error.
	_, _ = b.hash.Write(data)
	if _, err := b.content.Write(data); err != nil {
		return nil, err
	}
	b.signature, err = secret.Sign(filepath.Base(x.path), x.e.now().UTC().Truncate(time.Second), b.hash)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.path, err)
	}
	_, err = install([]*signed{b}, slot)
	return []string{x.path, signature.Path(x.path, slot)}, err
}

// The result is the number of the key's signature file. A new key gets the number 1.
func slotOf(path string, key signature.Key) (int, error) {
	for slot := 1; slot <= signature.MaxKeys; slot++ {
		data, err := readSignature(signature.Path(path, slot))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", signature.Path(path, slot), err)
		}
		if s, err := signature.Parse(data); err == nil && s.Key == key.ID() {
			return slot, nil
		}
	}
	return 1, nil
}

func (x *editing) stale(written []string) ([]string, error) {
	all, err := signatures(x.path)
	if err != nil || x.flags.Sign == "" {
		return all, err
	}
	if written == nil {
		return []string{}, nil
	}
	return slices.DeleteFunc(all, func(path string) bool { return slices.Contains(written, path) }), nil
}
