package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
)

// The function calls emit for each order. The contents in e.kept and e.edited replace the file on
// the disk.
func (e *env) readFile(path string, emit func(*order.Order)) (parsed *order.File, digest source.Digest, problems order.Problems) {
	if e.kept != nil {
		return e.kept.read(path, emit)
	}
	if data, ok := e.edited[path]; ok {
		return parseOrders(path, bytes.NewReader(data), openSide(path), emit)
	}
	f, err := openFile(path, order.MaxBytes(path, false))
	if err != nil {
		return nil, digest, order.Problems{{File: path, Msg: "cannot be read: " + err.Error()}}
	}
	defer f.Close()
	return parseOrders(path, f, openSide(path), emit)
}

// parseOrders parses the content of an order file.
func parseOrders(path string, r io.Reader, side func(string) (io.ReadCloser, error), emit func(*order.Order)) (parsed *order.File, digest source.Digest, problems order.Problems) {
	sum, last := sha256.New(), lastByte(0)
	parsed, problems = order.Parse(path, io.TeeReader(r, io.MultiWriter(sum, &last)), order.Options{OpenSide: side, Emit: emit, Ahead: true})
	if ext := order.Ext(path); last != '\n' && (ext == ".yaml" || ext == ".yml") && len(problems.Errors()) == 0 {
		problems = append(problems, order.Problem{File: path, Warning: true,
			Msg: "the last line has no end, so the file may be incomplete; YAML that was cut off is often valid"})
	}
	return parsed, source.Digest(sum.Sum(nil)), problems
}

type lastByte byte

// Write implements io.Writer.
func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		*l = lastByte(p[len(p)-1])
	}
	return len(p), nil
}

// The file must be regular. The function refuses a pipe, because open could wait for a writer. The
// error does not contain the path.
func openFile(path string, most int64) (f *os.File, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.IsDir():
		err = errors.New("is a directory")
	case !info.Mode().IsRegular():
		err = errors.New("is not a regular file")
	case info.Size() > most:
		err = fmt.Errorf("is larger than %d MiB", most>>20)
	default:
		f, err = os.Open(path)
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return f, err
}
