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
)

// load loads a batch of changed files. It tries all files of the batch first, and then swaps
// the set at most once. A panic does not end the process: the set before the batch stays in
// force, and the files of the batch are refused.
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
	// The log is written after the swap, because it takes time to compare large files.
	if err := s.catchPanic("the log of a load", func() { s.report(old) }); err != nil {
		s.log.Errorf("%v; the order set is in force, but the log does not have all changes", err)
	}
	s.activated = nil
}

// apply loads the files of a batch and swaps the set if necessary.
func (s *Store) apply(reports []source.File) {
	changed := s.protect(reports)
	for _, r := range reports {
		if !s.isProtectList[r.Path] {
			s.observe(r)
		}
	}
	s.sortPaths()
	changed = s.admit() || changed
	s.alarmGone()
	s.sortPaths()
	if changed || s.set.Load() == nil {
		s.swap()
	}
	s.setError = nil
}

// observe handles the new state of one order file, directory or glob. A good version of a file
// waits for admit.
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
	if digest := versionDigest(r.Digest, s.reportedSides(r)); f.part != nil && f.digest == digest && err == nil {
		if f.err != nil && !r.Detached {
			s.log.Infof("%s: is back as it was, version %.12s in force", r.Path, digest)
		}
		f.signed, f.unsignedAt = p.signed, time.Time{}
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
		// The file or one of its side lists is being written, or the Store closes. This causes
		// no alarm, because the source will report the file again.
		if f.part == nil {
			f.err = err
		}
		return
	}
	if err != nil {
		s.fail(r.Path, f, r.Digest, err)
		return
	}
	c.signed = p.signed
	f.waiting = c
}

// markGood ends the alarm of a file, since the newest version of the file is in force. If the
// file is detached, the alarm stays, because later changes cannot be seen.
func (s *Store) markGood(r source.File, f *file) {
	if !r.Detached {
		f.err = nil
		return
	}
	s.fail(r.Path, f, r.Digest, fmt.Errorf("%s: was replaced outside of this mount; changes can no longer be seen: mount the directory", r.Path))
}

// candidate reads a file and checks whether its version may replace the version in force.
func (s *Store) candidate(r source.File, f *file) (*candidate, error) {
	part, parsed, digest, err := s.read(r)
	if err != nil {
		return nil, err
	}
	if err := s.mayReplace(r, f, part, parsed); err != nil {
		return nil, err
	}
	return &candidate{r: r, part: part, parsed: parsed, digest: digest}, nil
}

// pending returns the error for a file that is being written, or that cannot be read to its
// end.
func pending(r source.File) error {
	if r.Err != nil {
		return r.Err
	}
	return fmt.Errorf("%s: %w", r.Path, source.ErrPending)
}

// beingWritten reports whether an error does not depend on the content of the file: the file
// changed while it was read, or the Store closes.
func beingWritten(err error) bool {
	return errors.Is(err, source.ErrChanged) || errors.Is(err, source.ErrPending) || errors.Is(err, source.ErrClosed)
}

// parse is order.Parse. Tests replace it.
var parse = order.Parse

// maxDemands is about the largest number of problems with Options.Demands of one file.
const maxDemands = 1000

// read parses and compiles a file, and returns the digest of the version that it read.
func (s *Store) read(r source.File) (part *ruleset.Part, parsed *order.File, digest string, err error) {
	in, err := r.Open()
	if err != nil {
		return nil, nil, "", err
	}
	closed := false
	defer func() {
		if !closed {
			in.Close() // after a panic
		}
	}()
	b := ruleset.NewBuilder(r.Path, s.rules)
	sides := map[string]string{}
	var demands order.Problems
	parsed, problems := parse(r.Path, in, order.Options{
		OpenSide: func(name string) (io.ReadCloser, error) {
			// The side lists, and so the version of the file, are known only when the file is
			// parsed.
			side, digest, err := r.OpenSide(name)
			if err == nil {
				sides[filepath.Join(filepath.Dir(r.Path), name)] = digest.String()
			}
			return side, err
		},
		Emit: func(o *order.Order) {
			if len(demands) < maxDemands {
				demands = append(demands, s.opt.Demands.Order(r.Path, o)...)
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
		return nil, nil, "", err
	}
	// If the file changed while it was read, the problems may be about a mixture of two
	// versions.
	if err := r.Intact(); err != nil {
		return nil, nil, "", err
	}
	if s.closing.Load() {
		return nil, nil, "", fmt.Errorf("%s: %w", r.Path, source.ErrClosed)
	}
	problems = append(append(problems, demands...), s.opt.Demands.File(parsed)...)
	if bad := problems.Errors(); len(bad) > 0 {
		s.touched += int(r.Size / garbage) // the text and the syntax tree of a refused file are garbage too
		return nil, nil, "", bad
	}
	part, warnings := b.Freeze()
	if bad := warnings.Errors(); len(bad) > 0 {
		return nil, nil, "", bad
	}
	s.warn(r.Path, checkOrders, append(problems, warnings...))
	return part, parsed, versionDigest(r.Digest, sides), nil
}

// alarmGone raises an alarm for each file of the batch that cannot be read any more. If such a
// file has no orders in force, alarmGone drops the file instead. alarmGone runs after admit,
// because a file may be gone while other files of the batch contain its orders.
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

// gone returns the error for a file that cannot be read any more.
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
		return fmt.Errorf("%w; its orders stay %s until the server restarts: put the file back before then", err, s.stateText(ruleset.InForce))
	}
	return err
}

// forget drops a file that is gone from the state of the Store, and reports whether it did.
// forget keeps a file that the configuration itself names.
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

// fileAt returns the state of the file at a path. It adds the file if the path is new.
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

// sortPaths sorts the paths by the first pattern of the configuration that matches them, and
// then bytewise. If two new files have the same order id, the first file wins. Protect lists
// come last, in their own order.
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

// merge is ruleset.Merge. Tests replace it.
var merge = ruleset.Merge

// swap puts the versions of all files into force.
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
	st.Digest, st.UselessLifts = hex.EncodeToString(h.Sum(nil)), useless
	s.set.Store(set)
	if s.previous != nil {
		s.previous = set
	}
	s.status.Store(&st)
	s.warnings, s.unlogged = warnings, true
}
