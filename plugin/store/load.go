package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// load takes a batch of changed files and swaps the set once, when all of them
// have been tried. Run calls it, one batch at a time. A panic never ends the process: the
// set before the batch stays in force, and the files of the batch are refused.
func (s *Store) load(reports []source.File) {
	begin := s.clock.Now()
	before, old := s.remember(), s.set.Load()
	err := s.attempt("the order set", func() { s.take(reports) })
	if err != nil {
		s.restore(before, err)
		if s.set.Load() == nil {
			s.broken = s.attempt("the order set", s.swap)
		}
	}
	s.summarize(begin)
	s.publish()
	// What changed is told when it is in force: comparing large files takes time.
	if err := s.attempt("the log of a load", func() { s.report(old) }); err != nil {
		s.log.Errorf("%v; the order set is in force, the log has not said all of the changes", err)
	}
	s.news = nil
}

// take takes a batch of changed files into account, and swaps the set when the set
// changes.
func (s *Store) take(reports []source.File) {
	changed := s.protect(reports)
	for _, r := range reports {
		if !s.isList[r.Path] {
			s.look(r)
		}
	}
	s.place()
	changed = s.admit() || changed
	s.mourn()
	s.place()
	if changed || s.set.Load() == nil {
		s.swap()
	}
	s.broken = nil
}

// news is a version of a file that goes into force with the next swap.
type news struct {
	path     string
	old, new *ruleset.Part
	digest   string
}

// loss is a file that cannot be read any more.
type loss struct {
	path string
	r    source.File
}

// look acts on the state of one file. A good version waits for admit.
func (s *Store) look(r source.File) {
	f := s.known(r.Path)
	f.pattern, f.waiting, f.unseen = r.Pattern, nil, false
	f.gone = r.State == source.Missing
	switch {
	case r.State != source.Ready && r.State != source.Pending:
		s.losses = append(s.losses, loss{r.Path, r})
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
		if bug := s.attempt(r.Path, func() { p, err = s.prove(r) }); bug != nil {
			err = bug
		}
	}
	if digest := versionDigest(r.Digest, s.reportedSides(r)); f.part != nil && f.digest == digest && err == nil {
		if f.err != nil && !r.Detached {
			s.log.Infof("%s: is back as it was, version %.12s in force", r.Path, digest)
		}
		f.signed, f.unsignedAt = p.signed, time.Time{}
		s.good(r, f)
		return
	}
	var c *candidate
	if err == nil {
		if bug := s.attempt(r.Path, func() { c, err = s.candidate(r, f) }); bug != nil {
			err = bug
		}
	}
	if s.awaited(r, f, p, err) {
		err = fmt.Errorf("%w; %w", err, source.ErrPending)
	}
	if beingWritten(err) {
		// Somebody is writing at this moment, a side list perhaps, or the Store closes.
		// That is no alarm: the file is reported again when it is over.
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

// good notes that the version in force is that of the file. A file without a link to it
// is good, but its changes cannot be seen, so that stays an alarm.
func (s *Store) good(r source.File, f *file) {
	if !r.Detached {
		f.err = nil
		return
	}
	s.fail(r.Path, f, r.Digest, detached(r.Path))
}

// candidate reads a file and compares the version with that in force.
func (s *Store) candidate(r source.File, f *file) (*candidate, error) {
	part, parsed, digest, err := s.read(r)
	if err != nil {
		return nil, err
	}
	if err := s.check(r, f, part, parsed); err != nil {
		return nil, err
	}
	return &candidate{r: r, part: part, parsed: parsed, digest: digest}, nil
}

func detached(path string) error {
	return fmt.Errorf("%s: was replaced outside of this mount; changes can no longer be seen: mount the directory", path)
}

// pending says that a file is being written, or why its reading does not end.
func pending(r source.File) error {
	if r.Err != nil {
		return r.Err
	}
	return fmt.Errorf("%s: %w", r.Path, source.ErrPending)
}

// beingWritten reports whether an error says nothing about the file: the file changed
// while it was read, or the Store closes.
func beingWritten(err error) bool {
	return errors.Is(err, source.ErrChanged) || errors.Is(err, source.ErrPending) || errors.Is(err, source.ErrClosed)
}

// mourn gives an alarm for the files that cannot be read any more, and drops those of
// which nothing was in force. It runs after admit: a file whose orders have come in
// other files is no loss.
func (s *Store) mourn() {
	for _, l := range s.losses {
		f := s.files[l.path]
		if f == nil {
			continue
		}
		// A vanished file of a directory is not missed when it ordered nothing.
		if (f.part == nil || f.part.Orders() == 0) && s.forget(l.path, f) {
			s.log.Infof("%s: is gone; nothing of it was in force", l.path)
			continue
		}
		s.fail(l.path, f, l.r.Digest, gone(l.r, f))
	}
	s.losses = nil
}

// forget drops a vanished file that the configuration does not name itself, and reports
// whether it did.
func (s *Store) forget(path string, f *file) bool {
	if !f.unseen && !s.src.Forget(path) {
		return false
	}
	if f.serial >= 0 {
		s.past[path] = f.past()
	}
	delete(s.files, path)
	s.placed = false
	return true
}

// known returns what is known of the file at a path, new ones included.
func (s *Store) known(path string) *file {
	f := s.files[path]
	if f == nil {
		f = &file{version: s.pastVersion(path)}
		s.files[path] = f
		s.order = append(s.order, path)
		s.placed = false
	}
	return f
}

// pastVersion returns what is kept of the last version of a path that has no file in force.
func (s *Store) pastVersion(path string) version {
	if v, ok := s.past[path]; ok {
		return v
	}
	return noVersion
}

// gone returns what the log says about a file that cannot be read any more.
func gone(r source.File, f *file) error {
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
		return fmt.Errorf("%w; its orders stay in force until the server restarts: put the file back before then", err)
	}
	return err
}

// parse is order.Parse, for tests to replace.
var parse = order.Parse

// maxDemands is about the largest number of problems with Options.Demands of one file.
const maxDemands = 1000

// read parses and compiles a file, and names the version that it read.
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
			// Which lists a file has, and so its version, is only known when it has been
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
	s.parsed += parsed.Targets
	closed = true
	if err := in.Close(); err != nil {
		return nil, nil, "", err
	}
	// What was read while the file changed says nothing, neither good nor bad.
	if err := r.Intact(); err != nil {
		return nil, nil, "", err
	}
	if s.closing.Load() {
		return nil, nil, "", fmt.Errorf("%s: %w", r.Path, source.ErrClosed)
	}
	problems = append(append(problems, demands...), s.opt.Demands.File(parsed)...)
	if bad := problems.Errors(); len(bad) > 0 {
		s.parsed += int(r.Size / garbage) // the text and the tree of a refused file are garbage too
		return nil, nil, "", bad
	}
	part, warnings := b.Freeze()
	if bad := warnings.Errors(); len(bad) > 0 {
		return nil, nil, "", bad
	}
	s.warn(r.Path, checkOrders, append(problems, warnings...))
	return part, parsed, versionDigest(r.Digest, sides), nil
}

// check compares a good file with what is in force.
func (s *Store) check(r source.File, f *file, part *ruleset.Part, parsed *order.File) error {
	if f.part == nil && f.serial >= 0 && (parsed.Serial < f.serial || parsed.Serial == f.serial && r.Digest != f.own) {
		got := "no serial"
		if parsed.Serial >= 0 {
			got = fmt.Sprintf("%d", parsed.Serial)
		}
		return fmt.Errorf("%s: serial: must be above %d, the serial that was in force at this path before, got %s", r.Path, f.serial, got)
	}
	if f.part != nil && f.serial >= 0 {
		switch {
		case parsed.Serial < 0:
			return fmt.Errorf("%s: serial: is missing, but the version in force has %d; write a serial above %d", r.Path, f.serial, f.serial)
		case parsed.Serial < f.serial:
			return fmt.Errorf("%s: serial: is %d, but the version in force has %d; write a serial above %d", r.Path, parsed.Serial, f.serial, f.serial)
		case parsed.Serial == f.serial && r.Digest != f.own:
			return fmt.Errorf("%s: serial: the file has changed, but its serial is still %d; write a serial above %d", r.Path, f.serial, f.serial)
		}
	}
	return s.checkShrink(r, f, part, parsed)
}

// smallFile is the number of targets in force below which a file may shrink as
// it likes.
const smallFile = 20

func (s *Store) checkShrink(r source.File, f *file, part *ruleset.Part, parsed *order.File) error {
	if f.part == nil || parsed.Count == 0 { // "orders: []" says what it means
		return nil
	}
	// Most changes take away too little to matter, whatever of it was in force.
	if missing := f.part.NamesNotIn(part); (missing+f.part.Networks())*100 <= smallFile*s.opt.MaxShrink {
		return nil
	}
	now := seconds(s.clock.Now())
	before := f.part.BlockedAt(now)
	if before < smallFile {
		return nil
	}
	lost := f.part.TargetsLost(part, now)
	if lost*100 <= before*s.opt.MaxShrink || parsed.ShrinkOK == int64(parsed.Targets) {
		return nil
	}
	return fmt.Errorf("%s: loses %d of its %d targets in force, more than max_shrink %d%%. "+
		"If this is meant, write \"shrink_ok: %d\", the number of targets that this version holds",
		r.Path, lost, before, s.opt.MaxShrink, parsed.Targets)
}

// versionDigest names a file's version: the file itself, or when it has side
// lists the file and all of them, given by path. The paths themselves do not
// count: equal files on two nodes are equal wherever they lie.
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

// reportedSides are the side lists of a report, for versionDigest. Signatures do not belong to
// the version of a file.
func (s *Store) reportedSides(r source.File) map[string]string {
	sides, signatures := map[string]string{}, s.signatureNames(r.Path)
	for _, side := range r.Sides {
		if filepath.Dir(side.Path) == filepath.Dir(r.Path) && slices.Contains(signatures, filepath.Base(side.Path)) {
			continue
		}
		sides[side.Path] = side.Digest.String()
		if side.State != source.Ready {
			sides[side.Path] = side.State.String() // like no version that was ever read
		}
	}
	return sides
}

// place brings the files into the order of the configuration, in which later files are
// the newcomers: by the first pattern that names them, and by path. Protect lists come
// last, in their own order.
func (s *Store) place() {
	if s.placed {
		return
	}
	rank := make(map[string]int, len(s.files))
	s.order = s.order[:0]
	for path := range s.files {
		rank[path] = source.Place(s.opt.Patterns, path)
		if s.isList[path] {
			rank[path] += 1 + slices.Index(s.opt.Protect, path)
		}
		s.order = append(s.order, path)
	}
	slices.SortFunc(s.order, func(a, b string) int { return cmp.Or(rank[a]-rank[b], cmp.Compare(a, b)) })
	s.placed = true
}

// swap puts the last good versions of all files into force.
func (s *Store) swap() {
	var parts []*ruleset.Part
	h := sha256.New()
	io.WriteString(h, rulesText(s.rules))
	for _, path := range s.order {
		if f := s.files[path]; f.part != nil {
			parts = append(parts, f.part)
			fmt.Fprintln(h, f.digest)
		} else if f.list != nil {
			fmt.Fprintln(h, "protect", f.digest)
		}
	}
	set := merge(parts, s.rules)
	if before := s.before; before != nil {
		set.Follow(before, seconds(s.clock.Now()))
	}
	warnings, useless := set.Warnings()
	st := *s.status.Load()
	st.Digest, st.UselessLifts = hex.EncodeToString(h.Sum(nil)), useless
	s.set.Store(set)
	if s.before != nil {
		s.before = set
	}
	s.status.Store(&st)
	s.warnings, s.untold = warnings, true
}

// merge is ruleset.Merge, for tests to replace.
var merge = ruleset.Merge

// rulesText is what of the options decides, for the digest of the set. The text is
// fixed, so that nodes of different versions can be compared:
//
//	rules no_country=false addresses=true response=redirect 192.0.2.1 2001:db8::1 nat64=2001:db8:64::/96
func rulesText(o ruleset.Options) string {
	kind := map[order.ResponseKind]string{order.Refused: "refused", order.NODATA: "nodata", order.Redirect: "redirect"}[o.Response.Kind]
	out := fmt.Sprintf("rules no_country=%t addresses=%t response=%s", o.NoCountry, o.Addresses, cmp.Or(kind, "nxdomain"))
	for _, a := range slices.SortedFunc(slices.Values(o.Response.Addresses), netip.Addr.Compare) {
		out += " " + a.String()
	}
	for _, p := range slices.SortedFunc(slices.Values(o.NAT64), netip.Prefix.Compare) {
		out += " nat64=" + p.String()
	}
	return out + "\n"
}

// summarize brings the status up to date after a batch.
func (s *Store) summarize(begin time.Time) {
	st := *s.status.Load()
	st.Ready, st.LastOK, st.Files = true, s.broken == nil, make([]FileStatus, 0, len(s.order))
	for _, path := range s.order {
		f := s.files[path]
		st.LastOK = st.LastOK && f.err == nil
		st.Ready = st.Ready && (f.part != nil || f.list != nil || f.unseen || f.pattern && (f.err == nil || s.servedBy(path)))
		st.Files = append(st.Files, FileStatus{path, f.failures, f.err, f.expires, f.zone, f.signed})
	}
	st.LastLoad = s.clock.Now()
	st.Duration = st.LastLoad.Sub(begin)
	if st.LastOK {
		st.LastSuccess = st.LastLoad
	}
	s.status.Store(&st)
}

// servedBy reports whether a file that a pattern names is in force, though the pattern
// names no file at this moment.
func (s *Store) servedBy(pattern string) bool {
	for path, f := range s.files {
		if f.part != nil && source.Names(pattern, path) {
			return true
		}
	}
	return false
}
