package order

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/coop"
)

var errStopped = errors.New("the load was stopped")

// stopped returns an error if Options.Stop returns true.
func (p *parser) stopped() error {
	if p.opt.Stop != nil && p.opt.Stop() {
		return errStopped
	}
	return nil
}

func (p *parser) step(i int) bool {
	coop.Tick(i)
	if i%1024 == 0 && p.stopErr == nil {
		p.stopErr = p.stopped()
	}
	return p.stopErr == nil && !p.cut && !p.tooDeep
}

// SizeOf returns the number of bytes that a reader will yield. 0 means unknown.
func SizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Size() int64 }:
		return r.Size()
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}

var chunk = 256 << 10

const early = 4 << 20

func tooLarge() error {
	return &syntaxError{0, 0, fmt.Sprintf("is larger than %d MiB; write the orders as JSON Lines, and the names into side lists", maxDocument>>20)}
}

func (p *parser) readDocument(r io.Reader) (*outline, error) {
	size := SizeOf(r)
	if size > maxDocument {
		return nil, tooLarge()
	}
	t := newInput(p.json, 1)
	for {
		if err := p.stopped(); err != nil {
			return nil, err
		}
		if len(t.buf) == cap(t.buf) {
			room := 2 * cap(t.buf)
			if size >= int64(cap(t.buf)) && room > early {
				room = int(size) + 1
			}
			least := chunk
			if size > 0 && size < int64(chunk) {
				least = int(size) + 1 // thousands of small files need no large buffers
			}
			t.buf = append(make([]byte, 0, min(max(room, least), maxDocument+1)), t.buf...)
		}
		n, err := r.Read(t.buf[len(t.buf):min(cap(t.buf), len(t.buf)+chunk)])
		t.buf = t.buf[:len(t.buf)+n]
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case len(t.buf) > maxDocument:
			return nil, tooLarge()
		}
		if err := t.look(err != nil); err != nil {
			return nil, err
		}
		// Stop at a control character, because YAML and JSON do not allow it. The parser then
		// reports its position.
		if err != nil || t.control {
			return &t.outline, nil
		}
		coop.Yield()
	}
}

type input struct {
	outline
	buf       []byte
	firstLine int
	seen      int // how many bytes of text are scanned
	searched  int // how many bytes of text were searched for a line end
}

func newInput(json bool, line int) input {
	return input{outline: outline{json: json, mark: spot{0, line, 1}}, firstLine: line}
}

// The scan stops at the last line feed, because the last line may be incomplete.
func (t *input) look(all bool) error {
	if t.text = t.buf; t.firstLine == 1 {
		t.text = bytes.TrimPrefix(t.buf, bom)
	}
	to := len(t.text)
	if !all {
		if to-t.seen < chunk {
			return nil
		}
		fresh := t.text[t.searched:]
		i := bytes.LastIndexByte(fresh, '\n')
		if i < 0 {
			i = bytes.LastIndexByte(fresh, ',')
		}
		if i < 0 {
			i = bytes.LastIndexFunc(fresh, func(r rune) bool { return r < utf8.RuneSelf && r != '\r' })
		}
		to, t.searched = t.searched+i+1, to
		if i < 0 {
			return nil
		}
	}
	if t.seen == 0 && t.firstLine == 1 {
		if err := isText(t.text); err != nil {
			return err
		}
	}
	if !utf8.Valid(t.text[t.seen:to]) {
		return validUTF8(t.text[:to], t.firstLine)
	}
	t.scan(t.seen, to)
	if t.seen = to; t.control {
		t.text = t.text[:to]
	}
	return t.check(t.values)
}
