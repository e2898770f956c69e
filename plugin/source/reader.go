package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// The caller must not use parsed data before the end of the stream.
type reader struct {
	src     *Source
	in      *input // nil after a blocked system call
	path    string
	h       hash.Hash
	want    Digest
	size    int64  // the size of the file in the report
	left    int64  // the number of reported bytes that are not read yet
	rest    []byte // bytes that the caller has not taken yet
	err     error
	closed  bool
	failed  func(error) // called with each error of the stream
	onClose func()
	hold    func(*os.File) // may be nil
}

type input struct {
	f   openFile
	buf []byte
	n   int
	err error
}

func (in *input) close() {
	if in != nil && in.f != nil {
		_ = in.f.Close() // a file that was only read can lose no data
	}
}

func newReader(s *Source, open func() (openFile, error), path string, v version, failed func(error)) (*reader, error) {
	r := &reader{
		src: s, in: &input{buf: make([]byte, min(v.size+1, 64<<10))}, path: path, h: sha256.New(),
		want: v.digest, size: v.size, left: v.size, failed: failed, onClose: func() {},
	}
	err := r.call(func(in *input) {
		if in.f, in.err = open(); in.err != nil {
			in.f = nil
		} else if info, err := in.f.Stat(); err != nil || info.Size() != v.size { // the file has changed
			in.err = ErrChanged
		}
	})
	if err != nil {
		r.in.close()
		return nil, r.fail(err)
	}
	return r, nil
}

// A system call may block, so it runs in a goroutine with a time limit.
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

func (r *reader) Size() int64 { return r.size }

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
	case r.left < 0: // the file may grow without end
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

// Hold sets a function that gets the open file after a complete read. Close then leaves the file
// open.
func (r *reader) Hold(keep func(*os.File)) { r.hold = keep }

// Close reads the rest of the file, because the digest covers all bytes. It returns ErrChanged if
// the content is not the reported content.
func (r *reader) Close() error {
	if !r.closed {
		r.closed = true
		_, _ = io.Copy(io.Discard, onlyReader{r})
		if f := r.file(); r.hold != nil && r.err == io.EOF && f != nil {
			r.hold(f)
		} else {
			r.in.close()
		}
		r.onClose()
	}
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// file returns the open file, or nil.
func (r *reader) file() *os.File {
	if r.in == nil {
		return nil
	}
	f, _ := r.in.f.(*os.File)
	return f
}

type onlyReader struct{ io.Reader }
