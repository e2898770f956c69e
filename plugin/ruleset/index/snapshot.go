package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
)

// All numbers are little-endian. WriteTo writes these fields:
//
// 	magic, fingerprint, key, names, topLevel, len(buckets), len(arena), len(nodes), len(marked),
// 	xxHash64 of the header up to here          8 bytes each
// 	buckets, arena, nodes, marked
// 	xxHash64 of the arrays                     8 bytes
//
// The arrays have the same form in the file and in memory. Read must check the checksum of the
// header before it allocates the arrays.

const (
	magic = "DNSINDEX"
	// Raise this number if a field gets another meaning. The fingerprint does not detect this
	// change.
	form       = 1
	headerSize = 10 * 8
	bucketSize = 64
)

// Read returns these errors. The caller must then build the index again.
var (
	errDamaged = errors.New("index: damaged")
	errOther   = errors.New("index: written in another form")
)

var fingerprint = sync.OnceValue(func() uint64 {
	d := xxhash.New()
	t := reflect.TypeFor[bucket]()
	fmt.Fprintln(d, form, t.Size(), slots, fill, hasRef, interior, lenMask, wideRef, dname.MaxWire, dname.MaxLabel)
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Fprintln(d, f.Name, f.Type, f.Offset)
	}
	var w dname.Wire
	w.Set("www.fingerprint-of-a-hash.example.")
	for h, k := uint64(0x0123456789abcdef), 1; k <= w.NumLabels(); k++ {
		h = w.Hash(k, h)
		fmt.Fprintln(d, h, home(h, 1000), tagOf(h), overOf(h))
	}
	return d.Sum64()
})

// WriteTo writes the index. Read reads it again.
func (x *Index) WriteTo(to io.Writer) (int64, error) {
	w := &writer{to: to, sum: xxhash.New()}
	head := append(make([]byte, 0, headerSize), magic...)
	for _, v := range x.header() {
		head = binary.LittleEndian.AppendUint64(head, v)
	}
	head = binary.LittleEndian.AppendUint64(head, xxhash.Sum64(head))
	w.put(head)
	w.sum.Reset()
	buf := make([]byte, 0, 64<<10)
	room := func(n int) {
		if len(buf)+n > cap(buf) {
			w.put(buf)
			buf = buf[:0]
		}
	}
	for i := range x.buckets {
		b := &x.buckets[i]
		room(bucketSize)
		buf = append(buf, b.tags[:]...)
		buf = binary.LittleEndian.AppendUint32(buf, b.over)
		for _, off := range b.offs {
			buf = binary.LittleEndian.AppendUint32(buf, off)
		}
	}
	w.put(buf)
	buf = buf[:0]
	for rest := x.arena; len(rest) > 0; {
		n := min(len(rest), cap(buf))
		w.put(rest[:n])
		rest = rest[n:]
	}
	for _, offs := range [][]uint32{x.nodes, x.marked} {
		for _, off := range offs {
			room(4)
			buf = binary.LittleEndian.AppendUint32(buf, off)
		}
	}
	w.put(buf)
	w.put(binary.LittleEndian.AppendUint64(nil, w.sum.Sum64()))
	runtime.KeepAlive(x)
	return w.n, w.err
}

func (x *Index) header() [8]uint64 {
	top := uint64(0)
	if x.topLevel {
		top = 1
	}
	return [8]uint64{fingerprint(), x.key, uint64(x.names), top,
		uint64(len(x.buckets)), uint64(len(x.arena)), uint64(len(x.nodes)), uint64(len(x.marked))}
}

type writer struct {
	to  io.Writer
	sum *xxhash.Digest
	n   int64
	err error
}

func (w *writer) put(b []byte) {
	coop.Yield()
	if w.err == nil {
		var n int
		n, w.err = w.to.Write(b)
		w.n += int64(n)
		w.sum.Write(b)
	}
}

// Read reads an index. The argument size is its exact length in bytes. Read returns an error for
// damaged bytes and for other versions of the format. For an untrusted file, also call Check.
func Read(from io.Reader, size int64) (*Index, error) {
	r := &reader{from: from, sum: xxhash.New(), buf: make([]byte, min(64<<10, max(size, headerSize)))}
	head := r.next(headerSize)
	if r.err != nil {
		return nil, r.err
	}
	if string(head[:8]) != magic || binary.LittleEndian.Uint64(head[headerSize-8:]) != xxhash.Sum64(head[:headerSize-8]) {
		return nil, fmt.Errorf("%w: the header has a wrong checksum", errDamaged)
	}
	var v [8]uint64
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(head[8+8*i:])
	}
	if v[0] != fingerprint() {
		return nil, errOther
	}
	buckets, arena, nodes, marked := v[4], v[5], v[6], v[7]
	// Each number has a limit, so the sum of the sizes cannot overflow.
	if v[2] > arena || v[3] > 1 || buckets > 1<<32 || arena > maxArena || nodes > 1<<32 || marked > nodes+arena ||
		uint64(size) != headerSize+buckets*bucketSize+arena+4*(nodes+marked)+8 {
		return nil, fmt.Errorf("%w: the sizes in the header are not those of the index", errDamaged)
	}
	x := &Index{key: v[1], names: int(v[2]), topLevel: v[3] == 1}
	r.sum.Reset()
	x.buckets = r.buckets(alloc[bucket](x, int(buckets), int(buckets)))
	if !slices.ContainsFunc(x.buckets, func(b bucket) bool { return b.over == 0 }) && r.err == nil {
		r.err = fmt.Errorf("%w: all buckets are full", errDamaged) // a look-up of a missing name would not end
	}
	x.arena = r.bytes(alloc[byte](x, int(arena), int(arena)))
	x.nodes = r.offsets(alloc[uint32](x, int(nodes), int(nodes)))
	x.marked = r.offsets(alloc[uint32](x, int(marked), int(marked)))
	sum := r.sum.Sum64()
	if got := r.next(8); r.err == nil && binary.LittleEndian.Uint64(got) != sum {
		r.err = fmt.Errorf("%w: wrong checksum", errDamaged)
	}
	runtime.KeepAlive(x)
	if r.err != nil {
		return nil, r.err
	}
	return x, nil
}

type reader struct {
	from io.Reader
	sum  *xxhash.Digest
	buf  []byte
	err  error
}

// The result is valid until the next call. The buffer must have room for n bytes.
func (r *reader) next(n int) []byte {
	r.fill(r.buf[:n])
	return r.buf[:n]
}

func (r *reader) fill(b []byte) {
	coop.Yield()
	if r.err == nil {
		if _, err := io.ReadFull(r.from, b); err != nil {
			r.err = fmt.Errorf("%w: %w", errDamaged, err)
			return
		}
		r.sum.Write(b)
	}
}

func (r *reader) buckets(out []bucket) []bucket {
	for rest := out; len(rest) > 0 && r.err == nil; {
		some := rest[:min(len(rest), len(r.buf)/bucketSize)]
		rest = rest[len(some):]
		b := r.next(len(some) * bucketSize)
		for i := range some {
			to := &some[i]
			from := b[:bucketSize]
			b = b[bucketSize:]
			copy(to.tags[:], from)
			to.over = binary.LittleEndian.Uint32(from[slots:])
			from = from[slots+4:]
			for j := range to.offs {
				to.offs[j] = binary.LittleEndian.Uint32(from[4*j:])
			}
		}
	}
	return out
}

func (r *reader) bytes(out []byte) []byte {
	for rest := out; len(rest) > 0 && r.err == nil; {
		some := rest[:min(len(rest), len(r.buf))]
		rest = rest[len(some):]
		r.fill(some)
	}
	return out
}

func (r *reader) offsets(out []uint32) []uint32 {
	for rest := out; len(rest) > 0 && r.err == nil; {
		some := rest[:min(len(rest), len(r.buf)/4)]
		rest = rest[len(some):]
		b := r.next(4 * len(some))
		for i := range some {
			some[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
	}
	return out
}
