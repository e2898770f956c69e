package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// A version is the version of a file that is in force.
type version struct {
	part      *ruleset.Part // the compiled orders; nil for a protect list, and if no version is in force
	list      *guard.List   // the protect list; nil for an order file
	digest    string        // the digest of the file and its side lists; see versionDigest
	ownDigest source.Digest // the digest of the only file that may have exactly this serial
	// serial is the lowest serial that the next version may have, or -1. It is usually the serial
	// of this version. It is higher if a newer version was accepted earlier or if a person has set
	// a serial.
	serial  int64
	expires order.Time // the expires of the file, or order.NoTime
	zone    string     // the time zone as written in the file
	signed  time.Time  // the newest time of signing, or zero
	number  uint64     // later versions of this process have higher numbers
	// anyBytes means that a file with exactly this serial may have any content. This is the case
	// after a person has set the serial.
	anyBytes bool
	// unchecked means that recheck has not compared the snapshot with the stored files
	// yet.
	unchecked bool
	// unproven means that the version is from the state directory and its signatures are
	// not checked yet.
	unproven bool
	kept     bool                   // the journal has received the files of the version
	stored   state.Version          // the version as the state directory keeps it
	sizes    map[state.Digest]int64 // the sizes of the order file and its side lists in bytes, if known
	bytes    map[state.Digest]held  // the bytes of files that are not stored yet, if they are held
}

// noVersion is the version of a path at which no version was ever in force.
var noVersion = version{serial: -1, expires: order.NoTime}

// versions counts the versions that went into force in this process.
var versions atomic.Uint64

// former returns a version with only the serial and the digest of the order file. The Store keeps
// this version when the file is gone. If the file comes back, the Store can refuse a lower serial.
func (v *version) former() version {
	return version{serial: v.serial, ownDigest: v.ownDigest, anyBytes: v.anyBytes, expires: order.NoTime}
}

func (s *Store) formerVersion(path string) version {
	if v, ok := s.former[path]; ok {
		return v
	}
	return noVersion
}

// newerThan reports whether v is newer than w. Both were in force for one path, perhaps in
// different Stores.
func (v *version) newerThan(w *version) bool {
	switch {
	case w.part == nil && w.list == nil:
		return true
	case v.stored.Serial >= 0 && w.stored.Serial >= 0 && v.stored.Serial != w.stored.Serial:
		return v.stored.Serial > w.stored.Serial
	}
	return v.number > w.number
}

// versionDigest returns one digest of an order file (own) and its side lists (sides).
// Paths have no effect, so equal files have equal digests on all servers.
func versionDigest(own source.Digest, sides map[string]string) string {
	if len(sides) == 0 {
		return own.String()
	}
	h := sha256.New()
	fmt.Fprintln(h, own)
	for _, path := range slices.Sorted(maps.Keys(sides)) {
		fmt.Fprintln(h, sides[path])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// reportedSides returns the digests of the side lists in a report, by path. If a list cannot be
// read, the value is its state as text. Signature files are left out, because they are not part of
// a version.
func (s *Store) reportedSides(r source.File) map[string]string {
	signatures := s.signatureNames(r.Path)
	sides := map[string]string{}
	for _, side := range r.Sides {
		if filepath.Dir(side.Path) == filepath.Dir(r.Path) && slices.Contains(signatures, filepath.Base(side.Path)) {
			continue
		}
		sides[side.Path] = side.Digest.String()
		if side.State != source.Ready {
			sides[side.Path] = side.State.String() // the state as text, which differs from every digest
		}
	}
	return sides
}

// sidesOf returns the side lists of a report, like reportedSides. After a start or a reload, the
// source does not know the side lists of the version in force yet. In this case, sidesOf makes the
// source watch the stored side lists, so that the file is not compiled again.
func (s *Store) sidesOf(r source.File, f *file) map[string]string {
	sides := s.reportedSides(r)
	if len(sides) > 0 || f.part == nil || state.Digest(r.Digest) != f.stored.Order {
		return sides
	}
	for name := range f.stored.Sides {
		side := r.WatchSide(name)
		sides[side.Path] = side.Digest.String()
		if side.State != source.Ready {
			sides[side.Path] = side.State.String()
		}
	}
	return sides
}
