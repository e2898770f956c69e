package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// reader is a stream that ends in io.EOF only if its bytes were the promised ones. Files
// of hundreds of megabytes are parsed while they stream, so that the parser has seen
// bytes before anyone can know whether they are right. Hence the rule that the parse
// does not count until the end has been reached.
type reader struct {
	src  *Source
	in   *input // nil after a call that did not return
	path string
	h    hash.Hash
	want Digest
	size int64  // bytes promised
	left int64  // and not yet read
	rest []byte // read and not yet handed on
	err  error
	shut bool
	rcpt *receipt
	lost func() // tells the source that what it reported was not received
}

// input is the file of a reader and the answer of the last call.
type input struct {
	f   openFile
	buf []byte
	n   int
	err error
}

func (in *input) close() {
	if in.f != nil {
		_ = in.f.Close() // opened for reading: nothing to lose
	}
}

// newReader opens a file.
func newReader(s *Source, open func() (openFile, error), path string, v version, rcpt *receipt, lost func()) (*reader, error) {
	r := &reader{
		src: s, in: &input{buf: make([]byte, min(v.size+1, 64<<10))}, path: path, h: sha256.New(),
		want: v.digest, size: v.size, left: v.size, rcpt: rcpt, lost: lost,
	}
	err := r.call(func(in *input) {
		f, err := open()
		if err != nil {
			in.err = err
			return
		}
		in.f = f
		if info, err := f.Stat(); err != nil || info.Size() != v.size { // spare the parse
			in.err = ErrChanged
		}
	})
	if err != nil {
		r.close()
		return nil, pathError(path, "", err)
	}
	rcpt.count(1)
	return r, nil
}

// call runs fn, which may never return, and returns the error of the input. When fn does
// not return in time, the file is closed after fn.
func (r *reader) call(fn func(*input)) error {
	if r.src.ended() {
		return ErrClosed
	}
	in, over := r.in, make(chan struct{})
	go func() { fn(in); close(over) }()
	if r.src.returns(over, stall, nil) {
		return in.err
	}
	r.in = nil
	go func() { <-over; in.close() }()
	if r.src.ended() {
		return ErrClosed
	}
	return hangs(fmt.Sprintf("reading it does not finish: no byte for %s", stall))
}

func (r *reader) close() {
	if r.in != nil {
		r.in.close()
	}
}

// Size returns the bytes of the whole file.
func (r *reader) Size() int64 { return r.size }

// Read is io.Reader, with ErrChanged in place of io.EOF for the wrong bytes.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	coop.Yield()
	if len(r.rest) == 0 {
		err := r.call(func(in *input) { in.n, in.err = in.f.Read(in.buf) })
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, r.fail(err)
		}
		r.rest = r.in.buf[:r.in.n]
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.h.Write(p[:n])
	r.left -= int64(n)
	switch {
	case r.left < 0: // do not stream the endless tail of a growing file
		return n, r.fail(ErrChanged)
	case len(r.rest) > 0 || r.in.err == nil:
	case r.left != 0 || [sha256.Size]byte(r.h.Sum(nil)) != r.want:
		return n, r.fail(ErrChanged)
	default:
		r.err = io.EOF
	}
	return n, r.err
}

func (r *reader) fail(err error) error {
	r.err = pathError(r.path, "", err)
	r.rcpt.failed(r.err)
	r.lost()
	return r.err
}

// Close reads what the parser left (a parser that stopped at an error or at the end of a
// document has not seen the end of the file), so that its answer is about the whole file,
// and then closes the file. A second Close repeats the answer.
func (r *reader) Close() error {
	if !r.shut {
		r.shut = true
		_, _ = io.Copy(io.Discard, onlyReader{r})
		r.close()
		r.rcpt.count(-1)
	}
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// onlyReader hides everything but Read from io.Copy.
type onlyReader struct{ io.Reader }
