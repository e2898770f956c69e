package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/signature"
)

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

type signed struct {
	file      string // the path of the order file
	from      string // the path from which the content was read
	serial    int64
	hash      *signature.Hash
	signature []byte
	content   *staged // the new content, or nil if the order file is signed as it is
	moves     bool    // also install the other signatures next to the new version
}

func (b *signed) discard() {
	if b.content != nil {
		b.content.Close()
	}
}

func (c *signCmd) prepare(file string) (*signed, order.Problems, error) {
	b := &signed{file: file, from: file, hash: signature.NewHash(), moves: c.From != ""}
	var in io.ReadCloser
	var err error
	var least int64 = -1 // the new serial must be higher
	if c.From != "" || c.Rollback != "" {
		before, err := existing(file)
		if err != nil {
			return b, nil, err
		}
		if before != nil {
			least = before.Serial
		}
		b.from = c.From + c.Rollback
	}
	if c.Rollback != "" {
		in, err = rolledBack(file, c.Rollback, least)
	} else if in, err = openFile(b.from, order.MaxBytes(file, false)); err != nil {
		return nil, nil, misuse("%s: %v", b.from, err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	var out io.Writer = b.hash
	if b.from != file {
		mode := fs.FileMode(modeSealed)
		if info, err := os.Stat(b.from); err == nil {
			mode = info.Mode().Perm()
		}
		if b.content, err = stage(file, mode); err != nil {
			return nil, nil, err
		}
		out = io.MultiWriter(b.hash, b.content)
	}
	tee := io.TeeReader(in, out)
	demands := order.Demands{Signed: true}
	var missing order.Problems
	parsed, problems := order.Parse(file, tee, order.Options{OpenSide: openSide(file), Emit: func(o *order.Order) {
		missing = append(missing, demands.Order(file, o)...)
	}})
	// The parser may stop early after an error, so copy the rest of the file.
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return b, nil, err
	}
	problems = append(append(problems.Errors(), missing...), demands.File(parsed)...)
	if parsed.Serial >= 0 && parsed.Serial <= least {
		problems = append(problems, order.Problem{File: file, Field: "serial", Msg: fmt.Sprintf("must be above %d, the serial of the version in place; --rollback reissues an old version under a higher serial", least),
			Got: fmt.Sprint(parsed.Serial), HasGot: true})
	}
	b.serial = parsed.Serial
	return b, problems, nil
}

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
