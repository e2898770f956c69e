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

type version struct {
	part      *ruleset.Part // the compiled orders; nil for a protect list, and if no version is in force
	list      *guard.List   // the protect list; nil for an order file
	digest    string        // the digest of the file and its side lists; see versionDigest
	ownDigest source.Digest // the digest of the only file that may have exactly this serial
	// A person can also set this serial. The value -1 means no serial.
	serial  int64
	expires order.Time // the expires of the file, or order.NoTime
	zone    string     // the time zone as written in the file
	signed  time.Time  // the newest time of signing, or zero
	number  uint64     // later versions of this process have higher numbers
	// A file with exactly this serial may have any content.
	anyBytes bool
	// The function recheck must still compare the snapshot with the stored files.
	unchecked bool
	unproven  bool
	kept      bool                   // the journal has received the files of the version
	stored    state.Version          // the version as the state directory keeps it
	sizes     map[state.Digest]int64 // the sizes of the order file and its side lists in bytes, if known
	bytes     map[state.Digest]held  // the bytes of files that are not stored yet, if they are held
}

var noVersion = version{serial: -1, expires: order.NoTime}

var versions atomic.Uint64

// Keep the serial, because the file may come back with a lower serial.
func (v *version) former() version {
	return version{serial: v.serial, ownDigest: v.ownDigest, anyBytes: v.anyBytes, expires: order.NoTime}
}

func (s *Store) formerVersion(path string) version {
	if v, ok := s.former[path]; ok {
		return v
	}
	return noVersion
}

func (v *version) newerThan(w *version) bool {
	switch {
	case w.part == nil && w.list == nil:
		return true
	case v.stored.Serial >= 0 && w.stored.Serial >= 0 && v.stored.Serial != w.stored.Serial:
		return v.stored.Serial > w.stored.Serial
	}
	return v.number > w.number
}

// Paths must have no effect, because equal files need equal digests on all servers.
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

// After a start, use the stored names, because the source does not know the lists yet.
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
