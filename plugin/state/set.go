package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A Set is the content of current.json: the last good versions of all files, and the serials
// that later versions must have.
type Set struct {
	// Options and Guard are digests of the settings and of the guard with which the snapshots
	// were compiled.
	Options, Guard Digest
	// Versions are the last good versions by the path of the file.
	Versions map[string]Version
	// Floors are the lowest serials that later versions may have, by the path of the file. A
	// path has a floor also after its version is forgotten.
	Floors map[string]Floor
}

// A Version is the last good version of a file.
type Version struct {
	Order      Digest            // of the file
	Sides      map[string]Digest // of the side lists, by the names in the order file
	Serial     int64             // of the order file; NoSerial if it has none
	Keys       []string          // the ids of the keys whose signatures were good
	Signatures []string          // the text of the signature files
	Accepted   time.Time         // when the version went into force, to the second
	Snapshot   Snapshot          // the compiled part; the zero Snapshot if there is none
}

// NoSerial is the serial of a file without a serial.
const NoSerial = -1

// A Floor is the lowest serial that a file may have.
type Floor struct {
	Serial int64
	// Order is the digest of the order file with this serial. It is zero if a person has set
	// the floor: then any file may have the serial.
	Order Digest
}

// A Snapshot is the size and the checksum of a file with a compiled part.
type Snapshot struct {
	Size  int64 // in bytes, 0 if there is no snapshot
	XXH64 uint64
}

// File returns the name of the file of the snapshot.
func (s Snapshot) File() string { return fmt.Sprintf("%016x.snap", s.XXH64) }

// snapshotSum returns the checksum in the name of a snapshot file, and reports whether the name
// is a name of a snapshot file.
func snapshotSum(name string) (sum uint64, ok bool) {
	if len(name) != 16+len(".snap") {
		return 0, false
	}
	sum, err := strconv.ParseUint(name[:16], 16, 64)
	return sum, err == nil && Snapshot{XXH64: sum}.File() == name
}

// Sorted yields the versions in the sequence of their paths.
func (s Set) Sorted() iter.Seq2[string, Version] {
	return func(yield func(string, Version) bool) {
		for _, path := range slices.Sorted(maps.Keys(s.Versions)) {
			if !yield(path, s.Versions[path]) {
				return
			}
		}
	}
}

// blobs yields the digest of each blob of the version, after a text that says which blob it is.
func (v Version) blobs() iter.Seq2[string, Digest] {
	return func(yield func(string, Digest) bool) {
		if !yield("file", v.Order) {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v.Sides)) {
			if !yield(fmt.Sprintf("side list %q", name), v.Sides[name]) {
				return
			}
		}
	}
}

// sameContent reports whether two versions were made of the same bytes.
func (v Version) sameContent(w Version) bool {
	return v.Order == w.Order && maps.Equal(v.Sides, w.Sides)
}

// A Digest is a SHA-256.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns 64 hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 64 hexadecimal digits in lower case.
func (d *Digest) UnmarshalText(text []byte) error {
	var out Digest
	if len(text) != hex.EncodedLen(len(out)) {
		return fmt.Errorf("a SHA-256 has 64 digits, got %d bytes", len(text))
	}
	if _, err := hex.Decode(out[:], text); err != nil {
		return err
	}
	if out.String() != string(text) {
		return fmt.Errorf("a SHA-256 in lower case is wanted, got %q", text)
	}
	*d = out
	return nil
}
