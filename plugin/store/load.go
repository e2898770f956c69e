package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// After a panic, the old set must stay in force.
func (s *Store) load(reports []source.File) {
	begin := s.clock.Now()
	before, old := s.takeSnapshot(), s.set.Load()
	err := s.catchPanic("the order set", func() { s.apply(reports) })
	if err != nil {
		s.restore(before, err)
		if s.set.Load() == nil {
			s.setError = s.catchPanic("the order set", s.swap)
		}
	}
	s.summarize(begin)
	s.publish()
	s.persist()
	s.journalLoad(err)
	// Write the log last, because the comparison of large files is slow.
	if err := s.catchPanic("the log of a load", func() { s.report(old) }); err != nil {
		s.log.Errorf("%v; the order set is in force, but the log does not have all changes", err)
	}
	s.activated = nil
}

func (s *Store) apply(reports []source.File) {
	changed := s.protect(reports)
	for _, r := range reports {
		if !s.isProtectList[r.Path] {
			s.observe(r)
		}
	}
	changed = s.carryOut() || changed
	s.sortPaths()
	changed = s.admit() || changed
	s.alarmGone()
	s.sortPaths()
	if changed || s.set.Load() == nil {
		s.journalIntent()
		s.swap()
	}
	s.setError = nil
}

func (s *Store) observe(r source.File) {
	f := s.fileAt(r.Path)
	f.pattern, f.waiting, f.unseen = r.Pattern, nil, false
	f.gone = r.State == source.Missing
	switch {
	case r.State != source.Ready && r.State != source.Pending:
		s.unreadable = append(s.unreadable, r)
		return
	case r.State == source.Pending:
		s.fail(r.Path, f, r.Digest, pending(r))
		return
	case r.Pattern:
		f.err = nil
		return
	}
	err := s.unlike(r.Path)
	var p proof
	if err == nil {
		if bug := s.catchPanic(r.Path, func() { p, err = s.prove(r) }); bug != nil {
			err = bug
		}
	}
	if state.Digest(r.Digest) == f.stored.Order {
		f.unproven = false // prove has checked the same bytes
	}
	if digest := versionDigest(r.Digest, s.sidesOf(r, f)); f.part != nil && f.digest == digest && err == nil {
		f.unsignedAt = time.Time{}
		f.proven(p)
		if err := s.rolledBack(r.Path, &f.version); err != nil {
			s.fail(r.Path, f, r.Digest, err)
			return
		}
		if f.err != nil && !r.Detached {
			s.log.Infof("%s: is back as it was, version %.12s in force", r.Path, digest)
		}
		s.markGood(r, f)
		return
	}
	var c *candidate
	if err == nil {
		if bug := s.catchPanic(r.Path, func() { c, err = s.candidate(r, f) }); bug != nil {
			err = bug
		}
	}
	if s.awaited(r, f, p, err) {
		err = fmt.Errorf("%w; %w", err, source.ErrPending)
	}
	if beingWritten(err) {
		// Raise no alarm, because the source will report the file again.
		if f.part == nil {
			f.err = err
		}
		return
	}
	if err != nil {
		s.fail(r.Path, f, r.Digest, err)
		return
	}
	c.proof = p
	f.waiting = c
}

func (s *Store) markGood(r source.File, f *file) {
	if !r.Detached {
		f.err = nil
		return
	}
	s.fail(r.Path, f, r.Digest, fmt.Errorf("%s: was replaced outside of this mount; changes can no longer be seen: mount the directory", r.Path))
}

func (s *Store) candidate(r source.File, f *file) (*candidate, error) {
	got, err := s.read(r.Path, r.Size, r.Digest, r, s.opt.Demands)
	if err != nil {
		return nil, err
	}
	if err := s.mayReplace(r, f, got.part, got.parsed); err != nil {
		return nil, err
	}
	return &candidate{r: r, reading: got}, nil
}

func pending(r source.File) error {
	if r.Err != nil {
		return r.Err
	}
	return fmt.Errorf("%s: %w", r.Path, source.ErrPending)
}

func beingWritten(err error) bool {
	return errors.Is(err, source.ErrChanged) || errors.Is(err, source.ErrPending) || errors.Is(err, source.ErrClosed)
}

var parse = order.Parse

type content interface {
	Open() (io.ReadCloser, error)
	OpenSide(name string) (io.ReadCloser, source.Digest, error)
	// Intact returns nil if all bytes that were read belong to the version.
	Intact() error
}

type reading struct {
	part   *ruleset.Part
	parsed *order.File
	digest string                  // see versionDigest
	sides  map[string]state.Digest // the side lists, by the names in the order file
	sizes  map[state.Digest]int64  // the sizes of the files in bytes, if known
	bytes  map[state.Digest]held   // the bytes of the files that are held until they are stored
}

func (g reading) version(own source.Digest, accepted time.Time) version {
	return version{
		part: g.part, digest: g.digest, ownDigest: own, serial: g.parsed.Serial, number: versions.Add(1),
		expires: g.parsed.Expires, zone: g.parsed.Timezone, sizes: g.sizes, bytes: g.bytes,
		stored: state.Version{Order: state.Digest(own), Sides: g.sides, Serial: g.parsed.Serial, Accepted: accepted},
	}
}

const maxDemands = 1000

// A size of 0 bytes means an unknown size.
func (s *Store) read(path string, size int64, own source.Digest, from content, demands order.Demands) (g reading, err error) {
	in, err := from.Open()
	if err != nil {
		return g, err
	}
	g.bytes = map[state.Digest]held{}
	keep := s.keepBytes
	if _, ok := from.(*storedContent); ok {
		keep = func(r io.ReadCloser, _ func(held)) io.ReadCloser { return r } // the bytes are stored
	}
	in = keep(in, func(h held) { g.bytes[state.Digest(own)] = h })
	closed := false
	defer func() {
		if !closed {
			in.Close() // only after a panic
		}
	}()
	b := ruleset.NewBuilder(path, s.rules)
	sides := map[string]string{}
	g.sides, g.sizes = map[string]state.Digest{}, map[state.Digest]int64{state.Digest(own): size}
	var unmet order.Problems
	parsed, problems := parse(path, in, order.Options{
		OpenSide: func(name string) (io.ReadCloser, error) {
			s.sides.Store(filepath.Join(filepath.Dir(path), name), true)
			side, digest, err := from.OpenSide(name)
			if err == nil {
				sides[filepath.Join(filepath.Dir(path), name)] = digest.String()
				d := state.Digest(digest)
				g.sides[name], g.sizes[d] = d, order.SizeOf(side)
				side = keep(side, func(h held) { g.bytes[d] = h })
			}
			return side, err
		},
		Emit: func(o *order.Order) {
			if len(unmet) < maxDemands {
				unmet = append(unmet, demands.Order(path, o)...)
			}
			b.Add(o)
		},
		Side:    b.Side,
		Targets: b.Targets,
		Stop:    s.closing.Load,
	})
	s.touched += parsed.Targets
	closed = true
	if err := in.Close(); err != nil {
		return g, err
	}
	// Check Intact first. A file that changed during the read may mix two versions.
	if err := from.Intact(); err != nil {
		return g, err
	}
	if s.closing.Load() {
		return g, fmt.Errorf("%s: %w", path, source.ErrClosed)
	}
	problems = append(append(problems, unmet...), demands.File(parsed)...)
	if bad := problems.Errors(); len(bad) > 0 {
		s.touched += int(size / garbage) // the text and the syntax tree of a refused file also become garbage
		return g, bad
	}
	part, warnings := b.Freeze()
	if bad := warnings.Errors(); len(bad) > 0 {
		return g, bad
	}
	s.warn(path, checkOrders, append(problems, warnings...))
	g.part, g.parsed, g.digest = part, parsed, versionDigest(own, sides)
	return g, nil
}

// The function alarmGone must run after the function admit.
func (s *Store) alarmGone() {
	for _, r := range s.unreadable {
		f := s.files[r.Path]
		if f == nil {
			continue
		}
		if (f.part == nil || f.part.Orders() == 0) && s.forget(r.Path, f) {
			s.log.Infof("%s: is gone; none of its orders was in force", r.Path)
			continue
		}
		s.fail(r.Path, f, r.Digest, s.gone(r, f))
	}
	s.unreadable = nil
}

func (s *Store) gone(r source.File, f *file) error {
	err := r.Err
	switch {
	case f.part != nil && r.State == source.Missing && (err == nil || errors.Is(err, fs.ErrNotExist)):
		err = fmt.Errorf("%s: is gone", r.Path)
	case err == nil:
		err = fmt.Errorf("%s: %s", r.Path, r.State)
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w: the server may not read the file; correct the permissions", err)
	}
	if r.State == source.Missing && f.part != nil && f.part.Orders() > 0 {
		if s.dir != nil && s.dir.keeps(r.Path) {
			return fmt.Errorf("%w; its orders stay %s, also after a restart, because the state directory %s has its last good version; \"blocklistctl state forget\" ends them", err, s.stateText(ruleset.InForce), s.dir.path)
		}
		return fmt.Errorf("%w; its orders stay %s until the server restarts: put the file back before then", err, s.stateText(ruleset.InForce))
	}
	return err
}

// A file with a configured path stays in the Store.
func (s *Store) forget(path string, f *file) bool {
	if !f.unseen && !s.src.Forget(path) {
		return false
	}
	if f.serial >= 0 {
		s.former[path] = f.former()
	}
	delete(s.files, path)
	s.sorted = false
	return true
}

func (s *Store) fileAt(path string) *file {
	f := s.files[path]
	if f == nil {
		f = &file{version: s.formerVersion(path)}
		s.files[path] = f
		s.paths = append(s.paths, path)
		s.sorted = false
	}
	return f
}

// The sequence matters. If two new files have the same order id, the first file has precedence.
func (s *Store) sortPaths() {
	if s.sorted {
		return
	}
	rank := make(map[string]int, len(s.files))
	s.paths = s.paths[:0]
	for path := range s.files {
		rank[path] = source.Place(s.opt.Patterns, path)
		if s.isProtectList[path] {
			rank[path] += 1 + slices.Index(s.opt.Protect, path)
		}
		s.paths = append(s.paths, path)
	}
	slices.SortFunc(s.paths, func(a, b string) int { return cmp.Or(rank[a]-rank[b], cmp.Compare(a, b)) })
	s.sorted = true
}

var merge = ruleset.Merge

func (s *Store) swap() {
	var parts []*ruleset.Part
	h := sha256.New()
	io.WriteString(h, rulesText(s.rules))
	for _, path := range s.paths {
		if f := s.files[path]; f.part != nil {
			parts = append(parts, f.part)
			fmt.Fprintln(h, f.digest)
		} else if f.list != nil {
			fmt.Fprintln(h, "protect", f.digest)
		}
	}
	set := merge(parts, s.rules)
	if s.previous != nil {
		set.Follow(s.previous, seconds(s.clock.Now()))
	}
	warnings, useless := set.Warnings()
	st := *s.status.Load()
	digest := hex.EncodeToString(h.Sum(nil))
	if digest != st.Digest {
		st.Since = s.sinceOf(digest)
	}
	st.Digest, st.UselessLifts, st.set = digest, useless, set
	s.set.Store(set)
	if s.previous != nil {
		s.previous = set
	}
	s.status.Store(&st)
	s.warnings, s.unlogged, s.unjournaled = warnings, true, true
}
