package store

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// A Version is one version of an order file without errors.
type Version struct {
	Path   string
	Digest source.Digest // of the order file alone, without its side lists
	Part   *ruleset.Part
	File   *order.File
}

// Accept returns an error if a new version must not replace the old version. The server and
// blocklistctl decide in the same way.
func Accept(opt Options, old, next Version, now time.Time) error {
	s := &Store{opt: opt, clock: stoppedClock{source.WallClock, now}}
	f := &file{version: version{part: old.Part, ownDigest: old.Digest, serial: old.File.Serial, stored: state.Version{Order: state.Digest(old.Digest), Serial: old.File.Serial}}}
	return s.mayReplace(source.File{Path: next.Path, Digest: next.Digest}, f, next.Part, next.File)
}

// A stoppedClock always returns the time now.
type stoppedClock struct {
	Clock
	now time.Time
}

func (c stoppedClock) Now() time.Time { return c.now }

func (s *Store) mayReplace(r source.File, f *file, part *ruleset.Part, parsed *order.File) error {
	if why := serialProblem(&f.version, parsed.Serial, r.Digest); why != "" {
		return fmt.Errorf("%s: serial: %s", r.Path, why)
	}
	if why := s.jumpProblem(&f.version, parsed.Serial); why != "" {
		return fmt.Errorf("%s: serial: %s", r.Path, why)
	}
	if f.part == nil || parsed.Count == 0 { // an operator writes "orders: []" to remove all orders deliberately
		return nil
	}
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

// A serial of -1 means no serial.
func serialProblem(v *version, serial int64, digest source.Digest) string {
	if v.serial < 0 || serial > v.serial || serial == v.serial && (v.anyBytes || digest == v.ownDigest) {
		return ""
	}
	has := "the version in force has"
	switch {
	case v.part == nil:
		has = "the last version in force at this path had"
	case v.anyBytes:
		has = "a person has set the serial"
	case v.behind():
		has = "an earlier version in force had"
	}
	switch {
	case serial < 0:
		return fmt.Sprintf("is missing, but %s %d; write a serial above %d", has, v.serial, v.serial)
	case serial == v.serial:
		return fmt.Sprintf("the file has changed, but its serial is still %d; write a serial above %d", v.serial, v.serial)
	}
	return fmt.Sprintf("is %d, but %s %d; write a serial above %d", serial, has, v.serial, v.serial)
}

// The limit max_shrink does not apply to smaller files.
const smallFile = 20

func (s *Store) shrinksTooMuch(before, lost int) bool {
	return before >= smallFile && lost*100 > before*s.opt.MaxShrink
}

func (s *Store) shrinkAdvice(parsed *order.File) string {
	mark := ""
	if order.Ext(parsed.Path) == order.ListExtension {
		mark = "# " // a plain list has the number in a comment
	}
	return fmt.Sprintf("more than max_shrink %d%%. If this is meant, write \"%sshrink_ok: %d\", the number of targets that this version holds",
		s.opt.MaxShrink, mark, parsed.Targets)
}
