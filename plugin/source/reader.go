package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/dns-orders/blocklist/plugin/pace"
)

// readWait is how long a Read waits for a byte. It is real time, as the clock of the
// orders has nothing to do with a disk. Tests shorten it.
var readWait = stall

// reader is a stream that ends in io.EOF only if its bytes were the promised ones. Files
// of hundreds of megabytes are parsed while they stream, so that the parser has seen
// bytes before anyone can know whether they are right. Hence the rule that the parse
// does not count until the end has been reached.
//
// A goroutine reads ahead, so that a Read ends in time although the disk does not answer.
type reader struct {
	in   chan chunk
	free chan []byte   // buffers to be filled
	quit chan struct{} // closed by Close
	stop <-chan struct{}

	path string
	h    hash.Hash
	want Digest
	size int64  // bytes promised
	left int64  // and not yet read
	buf  []byte // in hand
	rest []byte // of buf, not yet handed on
	end  error  // what comes after rest
	err  error
	shut bool
	rcpt *receipt
	lost func() // tells the source that what it reported was not received
}

// chunk is what one read of the file gave.
type chunk struct {
	b   []byte
	err error
}

// newReader opens a file. stop is closed when the Source is.
func newReader(open func() (openFile, error), path string, v version, rcpt *receipt, stop <-chan struct{}, lost func()) (*reader, error) {
	r := &reader{
		in: make(chan chunk), free: make(chan []byte, 2), quit: make(chan struct{}), stop: stop,
		path: path, h: sha256.New(), want: v.digest, size: v.size, left: v.size, rcpt: rcpt, lost: lost,
	}
	go r.fill(open)
	if _, err := r.next(); err != nil {
		close(r.quit)
		return nil, pathError(path, "", err)
	}
	for range cap(r.free) {
		r.free <- make([]byte, min(r.size+1, 64<<10))
	}
	rcpt.opened()
	return r, nil
}

// fill reads the file until its end, an error or Close. The first chunk says whether the
// file could be opened.
func (r *reader) fill(open func() (openFile, error)) {
	f, err := open()
	if err == nil {
		defer func() { _ = f.Close() }() // opened for reading: nothing to lose
		info, serr := f.Stat()
		if serr != nil || info.Size() != r.size { // spare the parse
			err = ErrChanged
		}
	}
	for c := (chunk{nil, err}); ; {
		select {
		case r.in <- c:
		case <-r.quit:
			return
		}
		if c.err != nil {
			return
		}
		select {
		case b := <-r.free:
			n, err := f.Read(b)
			c = chunk{b[:n], err}
		case <-r.quit:
			return
		}
	}
}

// next returns the next chunk, whose error is not the end of the stream.
func (r *reader) next() (chunk, error) {
	select {
	case <-r.stop:
		return chunk{}, ErrClosed
	default:
	}
	limit := time.NewTimer(readWait)
	defer limit.Stop()
	select {
	case c := <-r.in:
		if c.err != nil && !errors.Is(c.err, io.EOF) {
			return c, c.err
		}
		return c, nil
	case <-limit.C:
		return chunk{}, hangs(fmt.Sprintf("reading it does not finish: no byte for %s", readWait))
	case <-r.stop:
		return chunk{}, ErrClosed
	}
}

// Size returns the bytes of the whole file.
func (r *reader) Size() int64 { return r.size }

// Read is io.Reader, with ErrChanged in place of io.EOF for the wrong bytes.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	pace.Yield()
	if len(r.rest) == 0 {
		c, err := r.next()
		if err != nil {
			return 0, r.fail(err)
		}
		r.buf, r.rest, r.end = c.b, c.b, c.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.h.Write(p[:n])
	r.left -= int64(n)
	switch {
	case r.left < 0: // do not stream the endless tail of a growing file
		return n, r.fail(ErrChanged)
	case len(r.rest) > 0:
	case r.end == nil:
		r.free <- r.buf[:cap(r.buf)]
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
		close(r.quit)
		r.rcpt.closed()
	}
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// onlyReader hides everything but Read from io.Copy.
type onlyReader struct{ io.Reader }
