package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// A Set contains the last good version and the floor of each order file. current.json stores a Set.
type Set struct {
	// Options is the digest of the settings. Guard is the digest of the guard. A change of one of
	// them drops all snapshots.
	Options, Guard Digest
	// Versions contains the last good version of each order file. The keys are paths.
	Versions map[string]Version
	// Floors contains the floor of each file. The keys are paths. Forget does not remove the floor.
	Floors map[string]Floor
	// Unaccepted is the time at which Open found the directory new, empty or damaged. After Accept,
	// the time is zero. Commit ignores Unaccepted.
	Unaccepted time.Time
}

// A Version describes the newest version of an order file that passed all checks.
type Version struct {
	Order      Digest            // the digest of the order file
	Sides      map[string]Digest // the digests of the side lists by the names in the order file
	Serial     int64             // the serial of the order file, or NoSerial
	Keys       []string          // the ids of the keys with good signatures
	Signatures []string          // the content of each signature file
	Accepted   time.Time         // the second in which the version went into force
	Snapshot   Snapshot          // the compiled version; the zero Snapshot if there is no snapshot
}

// NoSerial is the Serial of a Version whose order file has no serial.
const NoSerial = -1

// A Floor is the lowest allowed serial of the next version of an order file.
type Floor struct {
	Serial int64
	Order  Digest
}

// A Snapshot describes a stored file with compiled orders. Each snapshot belongs to one order file.
type Snapshot struct {
	Size  int64 // in bytes; 0 if there is no snapshot
	XXH64 uint64
}

// File returns the name of the snapshot file.
func (s Snapshot) File() string { return fmt.Sprintf("%016x.snap", s.XXH64) }

func snapshotSum(name string) (sum uint64, ok bool) {
	if len(name) != 16+len(".snap") {
		return 0, false
	}
	sum, err := strconv.ParseUint(name[:16], 16, 64)
	return sum, err == nil && Snapshot{XXH64: sum}.File() == name
}

// Sorted yields the path and the version of each order file, sorted by path.
func (s Set) Sorted() iter.Seq2[string, Version] {
	return func(yield func(string, Version) bool) {
		for _, path := range slices.Sorted(maps.Keys(s.Versions)) {
			if !yield(path, s.Versions[path]) {
				return
			}
		}
	}
}

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

func (v Version) sameContent(w Version) bool {
	return v.Order == w.Order && maps.Equal(v.Sides, w.Sides)
}

func (s Set) news(was Set) Set {
	s.Versions, s.Floors = maps.Clone(s.Versions), maps.Clone(s.Floors)
	maps.DeleteFunc(s.Versions, func(path string, v Version) bool {
		w, ok := was.Versions[path]
		return ok && reflect.DeepEqual(v, w)
	})
	maps.DeleteFunc(s.Floors, func(path string, f Floor) bool {
		w, ok := was.Floors[path]
		return ok && f == w
	})
	return s
}

// A Digest is a SHA-256.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the digest as 64 hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

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
