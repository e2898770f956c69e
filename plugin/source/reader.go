package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// reader is a stream that ends in io.EOF only if its bytes were the reported bytes. A file of
// hundreds of megabytes is parsed while it is read. The parser therefore sees bytes before the
// digest is known, and its result does not count before the end of the stream.
type reader struct {
	src     *Source
	in      *input // nil after a call that did not return
	path    string
	h       hash.Hash
	want    Digest
	size    int64  // the number of bytes reported
	left    int64  // the number of these bytes that are not read yet
	rest    []byte // read from the file, but not by the caller yet
	err     error
	closed  bool
	failed  func(error) // called with each error
	onClose func()
}

// input is the file of a reader and the result of the last call.
type input struct {
	f   openFile
	buf []byte
	n   int
	err error
}

func (in *input) close() {
	if in != nil && in.f != nil {
		_ = in.f.Close() // opened for reading: no data can be lost
	}
}

// newReader opens a file. failed is called with each error.
func newReader(s *Source, open func() (openFile, error), path string, v version, failed func(error)) (*reader, error) {
	r := &reader{
		src: s, in: &input{buf: make([]byte, min(v.size+1, 64<<10))}, path: path, h: sha256.New(),
		want: v.digest, size: v.size, left: v.size, failed: failed, onClose: func() {},
	}
	err := r.call(func(in *input) {
		if in.f, in.err = open(); in.err != nil {
			in.f = nil
		} else if info, err := in.f.Stat(); err != nil || info.Size() != v.size { // the file need not be parsed
			in.err = ErrChanged
		}
	})
	if err != nil {
		r.in.close()
		return nil, r.fail(err)
	}
	return r, nil
}

// call runs fn, which may never return, and returns the error of the input. If fn does not return
// in time, the file is closed after fn.
func (r *reader) call(fn func(*input)) error {
	if r.src.ended() {
		return ErrClosed
	}
	in, over := r.in, make(chan struct{})
	go func() { fn(in); close(over) }()
	if r.src.returns(over, readTimeout, nil) {
		return in.err
	}
	r.in = nil
	go func() { <-over; in.close() }()
	if r.src.ended() {
		return ErrClosed
	}
	return noAnswer(fmt.Sprintf("reading it does not finish: no byte for %s", readTimeout))
}

// Size returns the number of bytes of the whole file.
func (r *reader) Size() int64 { return r.size }

// Read implements io.Reader. It returns ErrChanged in place of io.EOF for wrong bytes.
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
	case r.left < 0: // the file grows, perhaps without end
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
	r.failed(r.err)
	return r.err
}

// Close reads the rest of the file, because a parser may stop before the end, and closes the file.
// Close returns ErrChanged if any byte of the file was wrong. A second Close returns the same.
func (r *reader) Close() error {
	if !r.closed {
		r.closed = true
		_, _ = io.Copy(io.Discard, onlyReader{r})
		r.in.close()
		r.onClose()
	}
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// onlyReader hides all methods but Read from io.Copy.
type onlyReader struct{ io.Reader }
