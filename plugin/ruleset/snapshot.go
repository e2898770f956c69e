package ruleset

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// A snapshot is a file with the compiled orders of a part. Numbers of fixed size are little-endian.
// The file contains:
//
// 	magic, fingerprint                                           8 bytes each
// 	digest of the Origin                                         32 bytes
// 	size of the numbers, size of the texts, size of the index    8 bytes each
// 	xxHash64 of the header up to here                            8 bytes
// 	numbers, texts (see coder)
// 	xxHash64 of the numbers and texts                            8 bytes
// 	index (see index.WriteTo, which has checksums of its own)
//
// Damaged sizes could exhaust the memory, so ReadSnapshot must first check the checksum of the
// header.

const (
	// snapshotMagic is the first 8 bytes of a snapshot.
	snapshotMagic = "DNSORDER"
	// Change snapshotForm if a field gets another meaning. fingerprint does not detect this change.
	snapshotForm = 1
	headerSize   = 8 + 8 + sha256.Size + 4*8
)

// ErrOrigin means that the snapshot is from another program version, other files or other options.
var ErrOrigin = errors.New("snapshot: was compiled by another version of the program, from other files or with other settings")

// ErrRebuilt means that the part was not compiled from a file.
var ErrRebuilt = errors.New("snapshot: the orders were not compiled from a file")

// An Origin identifies the files and the options of a part. ReadSnapshot refuses another Origin.
type Origin struct {
	Path    string            // the path of the order file
	Files   [sha256.Size]byte // the caller's digest of the order file and its side lists
	Options [sha256.Size]byte // see Options.Digest
	Guard   [sha256.Size]byte // the digest of the guard
}

func (o Origin) digest() [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %x %x %x", o.Path, o.Files, o.Options, o.Guard))
}

// A Snapshot contains a part and the fields of its order file that a server needs.
type Snapshot struct {
	Part     *Part
	Expires  order.Time // the expires of the file, or order.NoTime
	Timezone string     // the time zone as written in the file
}

// Digest returns a digest of all options except Guard.
func (o Options) Digest() [sha256.Size]byte {
	kind := o.Response.Kind
	if kind == order.ResponseUnset {
		kind = order.NXDOMAIN
	}
	return sha256.Sum256(fmt.Appendln(nil, kind, o.Response.Addresses, o.NoCountry, o.Addresses, o.NAT64))
}

// fingerprint is a hash of the types in a snapshot and of all module versions. Another version of
// the program may compile orders in another way.
var fingerprint = sync.OnceValue(func() uint64 {
	d := xxhash.New()
	fmt.Fprintln(d, snapshotForm, blockBelow)
	describe(d, reflect.TypeFor[Part](), map[reflect.Type]bool{})
	if info, ok := debug.ReadBuildInfo(); ok {
		_, _ = io.WriteString(d, info.String())
	}
	return d.Sum64()
})

func describe(to io.Writer, t reflect.Type, seen map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		describe(to, t.Elem(), seen)
		return
	case reflect.Map:
		describe(to, t.Key(), seen)
		describe(to, t.Elem(), seen)
		return
	}
	own := t.PkgPath() == reflect.TypeFor[Part]().PkgPath() || t.PkgPath() == reflect.TypeFor[order.Order]().PkgPath()
	if seen[t] || !own || t.Kind() != reflect.Struct {
		return
	}
	seen[t] = true
	fmt.Fprintln(to, t)
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Fprintln(to, f.Name, f.Type)
		describe(to, f.Type, seen)
	}
}

func (c *coder) fields(s *Snapshot) {
	c.time(&s.Expires)
	word(c, &s.Timezone)
	c.part(s.Part)
}

// WriteSnapshot writes a part and its Origin. For a part that was not compiled from a file,
// WriteSnapshot returns ErrRebuilt.
func WriteSnapshot(to io.Writer, o Origin, s Snapshot) error {
	if s.Part.recompiled {
		return ErrRebuilt
	}
	var numbers, texts, names discard
	c := newWriter(&numbers, &texts)
	c.fields(&s)
	_ = c.flush() // a discard does not fail
	if _, err := s.Part.names.WriteTo(&names); err != nil {
		return err
	}
	sum := o.digest()
	head := append(make([]byte, 0, headerSize), snapshotMagic...)
	head = binary.LittleEndian.AppendUint64(head, fingerprint())
	head = append(head, sum[:]...)
	for _, size := range []discard{numbers, texts, names} {
		head = binary.LittleEndian.AppendUint64(head, uint64(size))
	}
	head = binary.LittleEndian.AppendUint64(head, xxhash.Sum64(head))
	if _, err := to.Write(head); err != nil {
		return err
	}
	check := xxhash.New()
	section := io.MultiWriter(to, check)
	for _, streams := range [][2]io.Writer{{section, io.Discard}, {io.Discard, section}} {
		c := newWriter(streams[0], streams[1])
		c.fields(&s)
		if err := c.flush(); err != nil {
			return err
		}
	}
	if _, err := to.Write(binary.LittleEndian.AppendUint64(nil, check.Sum64())); err != nil {
		return err
	}
	_, err := s.Part.names.WriteTo(to)
	return err
}

// ReadSnapshot reads a snapshot of exactly size bytes. The options must be those of the Origin. For
// an untrusted file, also call Part.Check.
func ReadSnapshot(from io.Reader, size int64, o Origin, opt Options) (Snapshot, error) {
	var s Snapshot
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(from, head); err != nil {
		return s, fmt.Errorf("%w: %w", errSnapshot, err)
	}
	body, end := head[:headerSize-8], binary.LittleEndian.Uint64(head[headerSize-8:])
	if string(head[:8]) != snapshotMagic || xxhash.Sum64(body) != end {
		return s, fmt.Errorf("%w: the header has a wrong checksum", errSnapshot)
	}
	sum := o.digest()
	if binary.LittleEndian.Uint64(head[8:]) != fingerprint() || !bytes.Equal(head[16:16+sha256.Size], sum[:]) {
		return s, ErrOrigin
	}
	var sizes [3]uint64
	total := uint64(headerSize + 8)
	for i := range sizes {
		sizes[i] = binary.LittleEndian.Uint64(head[16+sha256.Size+8*i:])
		if total += sizes[i]; sizes[i] > maxSize || total > uint64(size) {
			return s, fmt.Errorf("%w: the sizes in the header are not those of the file", errSnapshot)
		}
	}
	if total != uint64(size) {
		return s, fmt.Errorf("%w: the sizes in the header are not those of the file", errSnapshot)
	}
	b := NewBuilder(o.Path, opt)
	s.Part = b.part
	if err := s.read(from, sizes, b); err != nil {
		return Snapshot{}, err
	}
	return s, nil
}

func (s *Snapshot) read(from io.Reader, sizes [3]uint64, b *Builder) error {
	numbers, texts := make([]byte, sizes[0]), new(strings.Builder)
	check := xxhash.New()
	if _, err := io.ReadFull(from, numbers); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	texts.Grow(int(sizes[1]))
	if _, err := io.CopyN(texts, from, int64(sizes[1])); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	coop.Yield()
	_, _ = check.Write(numbers)
	_, _ = check.WriteString(texts.String())
	var end [8]byte
	if _, err := io.ReadFull(from, end[:]); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	if binary.LittleEndian.Uint64(end[:]) != check.Sum64() {
		return fmt.Errorf("%w: wrong checksum", errSnapshot)
	}
	c := &coder{reading: true, in: numbers, chars: texts.String(), path: b.part.path}
	if c.fields(s); len(c.in)+len(c.chars) > 0 {
		c.refuse()
	}
	if c.err != nil {
		return c.err
	}
	var err error
	if s.Part.names, err = index.Read(from, int64(sizes[2])); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	return b.derive()
}
