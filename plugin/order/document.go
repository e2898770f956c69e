package order

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/pace"
)

// errStopped is the error of a load that Options.Stop ended.
var errStopped = errors.New("the load was stopped")

// stopped returns an error when the load is to end.
func (p *parser) stopped() error {
	if p.opt.Stop != nil && p.opt.Stop() {
		return errStopped
	}
	return nil
}

// step is pace.Step for the rounds of a loop that Options.Stop ends. It reports whether the
// loop goes on: it also ends where there are too many problems, or too many labels.
func (p *parser) step(i int) bool {
	pace.Step(i)
	if i%1024 == 0 && p.stopErr == nil {
		p.stopErr = p.stopped()
	}
	return p.stopErr == nil && !p.cut && !p.tooDeep
}

// SizeOf returns the size of what a stream will yield, 0 when the stream does not say.
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

// chunk is how much of a document is read before the outline looks at the chunk. It is a
// variable, so that tests can have several chunks in small texts.
var chunk = 256 << 10

// early is how much memory a document has at most before the document is about that large.
const early = 4 << 20

func tooLarge() error {
	return &syntaxError{0, 0, fmt.Sprintf("is larger than %d MiB; write the orders as JSON Lines, and the names into side lists", maxDocument>>20)}
}

// readDocument reads a YAML or JSON document into memory. It stops when the document is
// larger, or makes a larger tree, than what is read.
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
			t.buf = append(make([]byte, 0, min(max(room, chunk), maxDocument+1)), t.buf...)
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
		// Neither YAML nor JSON has control characters. The parser says where they are.
		if err != nil || t.control {
			return &t.outline, nil
		}
		pace.Yield()
	}
}

// input is a document or a line while it is read.
type input struct {
	outline
	buf       []byte
	firstLine int
	seen      int // octets of the outline's text that the outline has looked at
	searched  int // octets of the outline's text that were searched for the end of a line
}

func newInput(json bool, line int) input {
	return input{outline: outline{json: json, mark: spot{0, line, 1}}, firstLine: line}
}

// look looks at what was read, all of it or up to a line feed or a comma. Where there is
// neither, look goes up to the last ASCII character: a name that is cut there is in no run.
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
