package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

var errDiffers = errors.New("its orders are not the orders of the stored files")

// This file stores compiled orders in the state directory. Each order file has one snapshot. A
// start can then answer queries at once. Later, the function recheck compares the snapshots with
// the stored files.

func (s *Store) rulesDigests() (options, guarded state.Digest) {
	return s.rules.Digest(), s.rules.Guard.(*guard.Guard).Digest()
}

func originOf(path string, v state.Version, options, guarded state.Digest) ruleset.Origin {
	h := sha256.New()
	fmt.Fprintln(h, v.Order)
	for _, name := range slices.Sorted(maps.Keys(v.Sides)) {
		fmt.Fprintf(h, "%q %v\n", name, v.Sides[name])
	}
	return ruleset.Origin{Path: path, Files: [sha256.Size]byte(h.Sum(nil)), Options: options, Guard: guarded}
}

// snapshotOf returns the snapshot of a version in force.
func (v *version) snapshotOf() ruleset.Snapshot {
	return ruleset.Snapshot{Part: v.part, Expires: v.expires, Timezone: v.zone}
}

func (s *Store) snapshotWriter(path string, v version) func(io.Writer) error {
	if v.part == nil || v.unchecked || !v.part.FromFile() {
		return nil
	}
	options, guarded := s.rulesDigests()
	return func(to io.Writer) error {
		return ruleset.WriteSnapshot(to, originOf(path, v.stored, options, guarded), v.snapshotOf())
	}
}

func (s *Store) readSnapshot(st *state.State, path string, v state.Version) (g reading, err error) {
	in, size, err := st.Snapshot(path)
	if err != nil {
		return g, err
	}
	defer in.Close()
	options, guarded := s.rulesDigests()
	snap, err := ruleset.ReadSnapshot(in, size, originOf(path, v, options, guarded), s.rules)
	if err == nil {
		_, err = io.Copy(io.Discard, onlyReader{in}) // the state directory checks its checksum at the end
	}
	if err != nil {
		return g, err
	}
	sides := map[string]string{}
	for name, d := range v.Sides {
		sides[filepath.Join(filepath.Dir(path), name)] = d.String()
	}
	return reading{
		part: snap.Part, parsed: &order.File{Serial: v.Serial, Expires: snap.Expires, Timezone: snap.Timezone},
		digest: versionDigest(source.Digest(v.Order), sides), sides: v.Sides,
	}, nil
}

func (s *Store) recalledVersion(st *state.State, path string, v state.Version) (g reading, compiled bool, why, err error) {
	why = s.guarded(path, func() (err error) { g, err = s.readSnapshot(st, path, v); return err })
	switch {
	case why == nil:
		return g, false, nil, nil
	case errors.Is(why, fs.ErrNotExist):
		why = nil
	default:
		st.DropSnapshot(path, v.Snapshot)
	}
	c := &storedContent{st: st, v: v}
	err = s.guarded(path, func() (err error) { g, err = s.read(path, 0, source.Digest(v.Order), c, order.Demands{}); return err })
	return g, true, why, err
}

func (s *Store) complete() bool {
	return !slices.ContainsFunc(s.opt.Patterns, func(p string) bool { return !s.anyInForce(p) }) &&
		!slices.ContainsFunc(s.opt.Protect, func(path string) bool { return s.files[path] == nil || s.files[path].list == nil })
}

// The checksum of a snapshot is not enough, because an intruder can compute a checksum. The result
// is true if more versions must be checked.
func (s *Store) recheck() (more bool) {
	if s.dir == nil || s.closing.Load() {
		return false
	}
	st, done := s.dir.open(0), false
	for _, path := range s.paths {
		f := s.files[path]
		switch {
		case !f.unchecked && !f.unproven || f.part == nil || st == nil:
		case done:
			return true
		default:
			if f.unproven {
				f.unproven = false
				s.reprove(path, f.stored, &storedContent{st: st, v: f.stored})
			}
			if f.unchecked {
				s.recheckFile(st, path, f)
			}
			done = true
		}
	}
	return false
}

// If the snapshot and the stored files differ, use the orders of the stored files.
func (s *Store) recheckFile(st *state.State, path string, f *file) {
	f.unchecked = false
	var g reading
	c := &storedContent{st: st, v: f.stored}
	err := s.guarded(path, func() (err error) {
		g, err = s.read(path, 0, source.Digest(f.stored.Order), c, order.Demands{})
		return err
	})
	if errors.Is(err, source.ErrClosed) {
		return
	}
	if err != nil {
		s.log.Errorf("state %s: the stored files of %s cannot be compiled, so nothing confirms the snapshot that is in force: %v", s.dir.path, path, err)
		s.persist() // stores a damaged file again
		return
	}
	s.touched += f.part.Targets()
	next := f.version
	next.part, next.expires, next.zone, next.number = g.part, g.parsed.Expires, g.parsed.Timezone, versions.Add(1)
	if f.part.FromFile() {
		err := f.part.Check()
		if err == nil && f.snapshotOf().Same(next.snapshotOf()) {
			return
		}
		if err == nil {
			err = errDiffers
		}
		s.dir.countWrongSnapshot()
		s.log.Errorf("state %s: the snapshot of %s, in force since the start, is wrong: %v; the orders of the stored files go into force now; a disk error, a change by another program or a bug can be the reason", s.dir.path, path, err)
	}
	st.DropSnapshot(path, f.stored.Snapshot)
	old, was := s.set.Load(), *f
	f.version = next
	ids := map[string]*ruleset.Part{}
	for other, x := range s.files {
		if other != path && x.part != nil {
			for id := range x.part.IDs() {
				ids[id] = x.part
			}
		}
	}
	s.dropTaken(path, f, ids)
	if err := s.catchPanic("the order set", s.swap); err != nil {
		*f = was
		s.log.Errorf("%v; the old order set stays in force", err)
		return
	}
	s.summarize(s.clock.Now())
	s.publish()
	s.persist()
	if err := s.catchPanic("the log of a load", func() { s.report(old) }); err != nil {
		s.log.Errorf("%v; the order set is in force, but the log does not have all changes", err)
	}
}
