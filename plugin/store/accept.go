package store

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// Version is one version of an order file, good by itself.
type Version struct {
	Path   string
	Digest source.Digest // of the order file alone
	Part   *ruleset.Part
	File   *order.File
}

// Accept reports whether a Store with the options that has the version old of a file in
// force takes the version next of this file at the time now. The error says why not, and
// names the path of next. Accept is for blocklistctl, which must not call a file good that
// a running server refuses.
func Accept(opt Options, old, next Version, now time.Time) error {
	s := &Store{opt: opt, clock: stopped{source.WallClock, now}}
	f := &file{version: version{part: old.Part, ownDigest: old.Digest, serial: old.File.Serial}}
	return s.check(source.File{Path: next.Path, Digest: next.Digest}, f, next.Part, next.File)
}

// stopped is a clock that shows one time.
type stopped struct {
	Clock
	now time.Time
}

func (c stopped) Now() time.Time { return c.now }
