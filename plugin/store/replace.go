package store

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// A Version is a version of an order file without errors.
type Version struct {
	Path   string
	Digest source.Digest // the digest of the order file without its side lists
	Part   *ruleset.Part
	File   *order.File
}

// Accept reports whether a Store with the given options would replace the version old of a file
// by the version next at the time now. The error gives the reason and the path of next.
// blocklistctl calls Accept, so that the tool does not accept a file that the server refuses.
func Accept(opt Options, old, next Version, now time.Time) error {
	s := &Store{opt: opt, clock: stoppedClock{source.WallClock, now}}
	f := &file{version: version{part: old.Part, ownDigest: old.Digest, serial: old.File.Serial}}
	return s.mayReplace(source.File{Path: next.Path, Digest: next.Digest}, f, next.Part, next.File)
}

// A stoppedClock always shows the same time.
type stoppedClock struct {
	Clock
	now time.Time
}

func (c stoppedClock) Now() time.Time { return c.now }

// mayReplace returns an error if a version of a file may not replace the version in force. The
// serial must rise, and the file must not lose more targets than max_shrink allows.
func (s *Store) mayReplace(r source.File, f *file, part *ruleset.Part, parsed *order.File) error {
	if why := serialProblem(&f.version, parsed.Serial, r.Digest); why != "" {
		return fmt.Errorf("%s: serial: %s", r.Path, why)
	}
	if f.part == nil || parsed.Count == 0 { // "orders: []" is a deliberate removal of all orders
		return nil
	}
	// Most changes remove few targets. Then the slower comparison below is not necessary.
	if missing := f.part.NamesNotIn(part); (missing+f.part.Networks())*100 <= smallFile*s.opt.MaxShrink {
		return nil
	}
	now := seconds(s.clock.Now())
	before := f.part.BlockedAt(now)
	lost := f.part.TargetsLost(part, now)
	if !s.shrinksTooMuch(before, lost) || parsed.ShrinkOK == int64(parsed.Targets) {
		return nil
	}
	return fmt.Errorf("%s: loses %d of its %d targets in force, %s", r.Path, lost, before, s.shrinkAdvice(parsed))
}

// serialProblem returns the problem with the serial of a version that replaces v, or "". digest
// is the digest of the file of the new version. The serial is -1 if the file has none.
func serialProblem(v *version, serial int64, digest source.Digest) string {
	if v.serial < 0 || serial > v.serial || serial == v.serial && digest == v.ownDigest {
		return ""
	}
	has := "the version in force has"
	if v.part == nil {
		has = "the last version in force at this path had"
	}
	switch {
	case serial < 0:
		return fmt.Sprintf("is missing, but %s %d; write a serial above %d", has, v.serial, v.serial)
	case serial == v.serial:
		return fmt.Sprintf("the file has changed, but its serial is still %d; write a serial above %d", v.serial, v.serial)
	}
	return fmt.Sprintf("is %d, but %s %d; write a serial above %d", serial, has, v.serial, v.serial)
}

// smallFile is the number of targets in force up to which max_shrink does not apply: a file
// with fewer targets may lose any number of them.
const smallFile = 20

// shrinksTooMuch reports whether max_shrink forbids a file with `before` targets in force to lose
// `lost` of them.
func (s *Store) shrinksTooMuch(before, lost int) bool {
	return before >= smallFile && lost*100 > before*s.opt.MaxShrink
}

// shrinkAdvice returns the end of an error about a file that shrinks too much.
func (s *Store) shrinkAdvice(parsed *order.File) string {
	return fmt.Sprintf("more than max_shrink %d%%. If this is meant, write \"shrink_ok: %d\", the number of targets that this version holds",
		s.opt.MaxShrink, parsed.Targets)
}
