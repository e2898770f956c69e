package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
// have been tried. Run calls it, one batch at a time.
func (s *Store) load(reports []source.File) {
	begin := s.clock.Now()
	changed := s.protect(reports)
	for _, r := range reports {
		if !slices.Contains(s.opt.Protect, r.Path) {
			changed = s.report(r) || changed
		}
	}
	s.place()
	changed = s.admit() || changed
	if changed || s.set.Load() == nil {
		s.swap()
	}
	s.summarize(begin)
	// What changed is told when it is in force: comparing large files takes time.
	for _, n := range s.news {
		s.log.Infof("%s: in force: %s; now %d orders, %d targets, version %.12s",
			n.path, ruleset.Compare(n.old, n.new, n.missing), n.new.Orders(), n.new.Targets(), n.digest)
	}
	s.news = nil
}

// news is a version of a file that goes into force with the next swap.
type news struct {
	path     string
	old, new *ruleset.Part
	digest   string
	missing  int // of the old names in the new version, negative when not counted
}

// report acts on the state of one file and says whether the set has to change.
func (s *Store) report(r source.File) bool {
	f := s.known(r.Path)
	f.pattern, f.waiting = r.Pattern, nil
	f.gone = r.State == source.Missing
	switch {
	case r.State != source.Ready && r.State != source.Pending:
		// A vanished file of a directory is not missed when it ordered nothing.
		if (f.part == nil || f.part.Orders() == 0) && s.src.Forget(r.Path) {
			s.log.Infof("%s: is gone; nothing of it was in force", r.Path)
			delete(s.files, r.Path)
			return f.part != nil
		}
		s.fail(r.Path, f, r.Digest, gone(r, f))
		return false
	case r.State == source.Pending:
		s.fail(r.Path, f, r.Digest, fmt.Errorf("%s: %w", r.Path, source.ErrPending))
		return false
	case r.Pattern:
		f.err = nil
		return false
	}
	if digest := versionDigest(r.Digest, reportedSides(r)); f.part != nil && f.digest == digest {
		if f.err != nil {
			s.log.Infof("%s: is back as it was, version %.12s in force", r.Path, digest)
		}
		f.err = nil
		return false
	}
	part, parsed, digest, err := s.read(r)
	if errors.Is(err, source.ErrChanged) || errors.Is(err, source.ErrPending) {
		// Somebody is writing at this moment, a side list perhaps. That is no
		// alarm: the file is reported again when it is over.
		if f.part == nil {
			f.err = err
		}
		return false
	}
	missing := -1
	if err == nil {
		missing, err = s.check(r, f, part, parsed)
	}
	if err != nil {
		s.fail(r.Path, f, r.Digest, err)
		return false
	}
	f.waiting = &candidate{r.Path, r.Digest, part, parsed, digest, func() { r.SetSides(parsed.Sides) }, f.part, missing}
	return false
}

// known returns what is known of the file at a path, new ones included.
func (s *Store) known(path string) *file {
	f := s.files[path]
	if f == nil {
		f = &file{serial: -1, expires: order.NoTime}
		s.files[path] = f
		s.order = append(s.order, path)
	}
	return f
}

// gone says what the loss of a file means.
func gone(r source.File, f *file) error {
	err := r.Err
	if err == nil {
		err = fmt.Errorf("%s: %s", r.Path, r.State)
	}
	if f.part != nil && f.part.Orders() > 0 {
		return fmt.Errorf(`%w; its orders stay in force (to lift them write "orders: []")`, err)
	}
	return err
}

// read parses and compiles a file, and names the version that it read.
func (s *Store) read(r source.File) (part *ruleset.Part, parsed *order.File, digest string, err error) {
	in, err := r.Open()
	if err != nil {
		return nil, nil, "", err
	}
	b := ruleset.NewBuilder(r.Path, s.rules)
	sides := map[string]string{}
	parsed, problems := order.Parse(r.Path, in, order.Options{
		OpenSide: func(name string) (io.ReadCloser, error) {
			// Which lists a file has, and so its version, is only known when it has been
			// parsed.
			side, digest, err := r.OpenSide(name)
			if err == nil {
				sides[filepath.Join(filepath.Dir(r.Path), name)] = digest.String()
			}
			return side, err
		},
		Emit:    b.Add,
		Side:    b.Side,
		Targets: b.Targets,
	})
	s.parsed += parsed.Targets
	if err := in.Close(); err != nil {
		return nil, nil, "", err
	}
	// What was read while the file changed says nothing, neither good nor bad.
	if err := r.Intact(); err != nil {
		return nil, nil, "", err
	}
	if bad := problems.Errors(); len(bad) > 0 {
		return nil, nil, "", bad
	}
	part, warnings := b.Freeze()
	if bad := warnings.Errors(); len(bad) > 0 {
		return nil, nil, "", bad
	}
	s.warn(r.Path, checkOrders, append(problems, warnings...))
	return part, parsed, versionDigest(r.Digest, sides), nil
}

// check compares a good file with what is in force. It returns how many names are
// missing in it, negative when they were not counted.
func (s *Store) check(r source.File, f *file, part *ruleset.Part, parsed *order.File) (missing int, err error) {
	if f.part != nil && f.serial >= 0 {
		switch {
		case parsed.Serial < 0:
			return -1, fmt.Errorf("%s: serial: is missing, the version in force has %d", r.Path, f.serial)
		case parsed.Serial < f.serial:
			return -1, fmt.Errorf("%s: serial: must not go down from %d, got \"%d\"", r.Path, f.serial, parsed.Serial)
		case parsed.Serial == f.serial && r.Digest != f.own:
			return -1, fmt.Errorf("%s: serial: is that of the version in force, whose bytes differ, got \"%d\"", r.Path, parsed.Serial)
		}
	}
	return s.checkShrink(r, f, part, parsed)
}

// smallFile is the number of targets in force below which a file may shrink as
// it likes.
const smallFile = 20

func (s *Store) checkShrink(r source.File, f *file, part *ruleset.Part, parsed *order.File) (missing int, err error) {
	if f.part == nil || parsed.Count == 0 { // "orders: []" says what it means
		return -1, nil
	}
	// Most changes take away too little to matter, whatever of it was in force.
	missing = f.part.Missing(part)
	if (missing+f.part.Networks())*100 <= smallFile*s.opt.MaxShrink {
		return missing, nil
	}
	now := seconds(s.clock.Now())
	before := f.part.InForce(now)
	if before < smallFile {
		return missing, nil
	}
	lost := f.part.Lost(part, now)
	if lost*100 <= before*s.opt.MaxShrink || parsed.ShrinkOK == int64(parsed.Targets) {
		return missing, nil
	}
	return missing, fmt.Errorf("%s: loses %d of its %d targets in force, more than max_shrink %d%%. "+
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

// reportedSides are the side lists of a report, for versionDigest.
func reportedSides(r source.File) map[string]string {
	sides := map[string]string{}
	for _, side := range r.Sides {
		sides[side.Path] = side.Digest.String()
		if side.State != source.Ready {
			sides[side.Path] = side.State.String() // like no version that was ever read
		}
	}
	return sides
}

// place brings the files into the order of the configuration, in which later
// files are the newcomers.
func (s *Store) place() {
	rank := map[string]int{}
	for i, f := range s.src.Snapshot() {
		rank[f.Path] = i + 1
	}
	s.order = slices.DeleteFunc(s.order, func(path string) bool { return s.files[path] == nil })
	slices.SortStableFunc(s.order, func(a, b string) int {
		if rank[a] == 0 || rank[b] == 0 {
			return 0
		}
		return rank[a] - rank[b]
	})
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
	set := ruleset.Merge(parts, s.rules)
	if s.started {
		set.Follow(s.Set(), seconds(s.clock.Now()))
	}
	s.set.Store(set)
	st := s.Status()
	st.Digest = hex.EncodeToString(h.Sum(nil))
	var warnings order.Problems
	warnings, st.UselessLifts = set.Warnings()
	s.status.Store(&st)
	s.tell(set, warnings)
}

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
	st := s.Status()
	st.Ready, st.LastOK, st.Files = true, true, nil
	for _, path := range s.order {
		f := s.files[path]
		st.LastOK = st.LastOK && f.err == nil
		st.Ready = st.Ready && (f.part != nil || f.list != nil || f.pattern && f.err == nil)
		st.Files = append(st.Files, FileStatus{path, f.failures, f.err, f.expires})
	}
	st.LastLoad = s.clock.Now()
	st.Duration = st.LastLoad.Sub(begin)
	if st.LastOK {
		st.LastSuccess = st.LastLoad
	}
	s.status.Store(&st)
}
