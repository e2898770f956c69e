package journal

import (
	"bytes"
	"hash/maphash"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/klauspost/compress/zstd"
)

// A kept version is a file of Zstandard frames. Each frame has one chunk of the text. The hash of a
// line decides where a chunk ends, so an edit changes few chunks. The other frames are copied and
// not compressed again.

const (
	minChunk = 64 << 10
	maxChunk = 512 << 10
	cutMask  = 1<<11 - 1
)

func cut(b []byte) int {
	for at := minChunk; at < min(len(b), maxChunk); {
		n := bytes.IndexByte(b[at:min(len(b), maxChunk)], '\n') + 1
		if n == 0 {
			break
		}
		line := b[at : at+n]
		if at += n; xxhash.Sum64(line)&cutMask == 0 {
			return at
		}
	}
	return min(len(b), maxChunk)
}

type frames struct {
	path string // of the kept version
	at   map[chunk]frame
}

type chunk struct {
	hash uint64
	size int
}

type frame struct {
	off   int64
	size  int
	check uint64
}

// The seed is secret. Otherwise an author of order files could make two chunks with the same hash.
var chunkSeed = maphash.MakeSeed()

func writeFrames(out io.Writer, in io.Reader, before *frames) (*frames, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var old *os.File
	if before != nil {
		if old, err = os.Open(before.path); err == nil {
			defer old.Close()
		}
	}
	now := &frames{at: map[chunk]frame{}}
	var buf, text []byte
	var off int64
	for more := true; more; {
		coop.Yield()
		if buf, more, err = refill(buf, in); err != nil {
			return nil, err
		}
		n := cut(buf)
		c := chunk{maphash.Bytes(chunkSeed, buf[:n]), n}
		if text = before.read(old, c, text[:0]); len(text) == 0 {
			text = z.EncodeAll(buf[:n], text[:0])
		}
		if _, err := out.Write(text); err != nil {
			return nil, err
		}
		now.at[c] = frame{off, len(text), maphash.Bytes(chunkSeed, text)}
		off += int64(len(text))
		buf = buf[:copy(buf, buf[n:])]
		more = more || len(buf) > 0
	}
	return now, nil
}

func refill(buf []byte, in io.Reader) (_ []byte, more bool, err error) {
	if cap(buf) < maxChunk {
		buf = append(make([]byte, 0, maxChunk), buf...)
	}
	n, err := io.ReadFull(in, buf[len(buf):maxChunk])
	buf = buf[:len(buf)+n]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return buf, false, nil
	}
	return buf, err == nil, err
}

func (x *frames) read(old *os.File, c chunk, dst []byte) []byte {
	if x == nil || old == nil {
		return dst
	}
	f, ok := x.at[c]
	if !ok {
		return dst
	}
	text := append(dst, make([]byte, f.size)...)
	if _, err := old.ReadAt(text[len(dst):], f.off); err != nil || maphash.Bytes(chunkSeed, text[len(dst):]) != f.check {
		return dst
	}
	return text
}
