package source

import "time"

// This file decides when a file is complete. The first half of a YAML file is often valid YAML.
// Loading a half file would end court orders by accident. If the facts are unclear, the Source
// waits.

// These constants are the waits until a file is complete.
const (
	// Settle is how long a file must be unchanged after a write in place.
	Settle = time.Second
	// RaggedSettle replaces Settle for a YAML file or a list whose last line has no line
	// end. A stalled copy often stops in the middle of a line.
	RaggedSettle = 10 * time.Second
	// Patience is how long a file may keep changing. The file is then reported as Pending.
	Patience = 10 * time.Second
	// Recheck is the time after which a file is hashed again, even if stat shows no change. A write
	// can leave the size and the mtime unchanged.
	Recheck = time.Minute

	// debounce is the time between a kernel event and the scan. All events within this
	// time cause one scan.
	debounce = 5 * time.Millisecond
	// The constant "quiet" is how long a big file must be unchanged before the Source hashes it.
	// Without this wait, a long write would cause many hashes.
	quiet = 250 * time.Millisecond
	// bigFile is the size in bytes above which the constant "quiet" applies.
	bigFile = 64 << 10
)

// stamp has the fields of stat(2) that change with the content. But two different contents can have
// equal stamps. The inode number is left out, because some network file systems return a different
// number in each call.
type stamp struct {
	size         int64
	mtime, ctime int64 // in ns since 1970; ctime is 0 if unknown
}

// young reports whether the last write may be less than Settle ago. An mtime in the future
// is young too, because one of the clocks is wrong.
func (s stamp) young(now time.Time) bool {
	return now.Sub(time.Unix(0, s.mtime)) < Settle
}

// arrival says how a file got its name, according to kernel events.
type arrival uint8

const (
	unknown arrival = iota // no event, or an event about attributes only
	created                // IN_CREATE: created by open(2) or link(2)
	renamed                // IN_MOVED_TO: renamed to this name
	written                // written to or removed, or its events were lost
)

type evidence struct {
	initial bool    // found at the start or by an order file, and not changed since
	swapped bool    // a link on the way to the file is new, and no write came later
	other   bool    // the inode is not the inode of the last version
	how     arrival // from the events since the last version
}

func (e evidence) any() bool {
	return e.initial || e.swapped || e.how == renamed || e.how == created || e.how == unknown && e.other
}

// whole reports whether the evidence shows that a file is complete at once. s has the size
// and times of the file. "now" is the time of the hash.
func (e evidence) whole(s stamp, now time.Time) bool {
	switch {
	case e.initial && !s.young(now):
		// Before the start, there were no events. The file counts as complete, because its last
		// write was more than Settle ago.
		return true
	case s.size == 0:
		// With O_CREAT, a program first makes an empty file, and then writes to the file.
		return false
	case e.swapped, e.how == renamed:
		// Do not compare ctime and mtime here. They are equal if a write and a rename share one
		// clock tick.
		return true
	}
	// A write sets ctime and mtime to the same value. rename(2) and link(2) set only ctime.
	// chmod(1) also sets only ctime, so the file must also be new at this path.
	return s.ctime > s.mtime && (e.how == created || e.how == unknown && e.other)
}

// version is one state of a path, for example Ready with a digest.
type version struct {
	state    State
	err      error
	digest   Digest
	size     int64
	detached bool
	dangling bool // a link to a missing file, which Forget must not drop
}

// same reports whether v and w are equal. It ignores the errors.
func (v version) same(w version) bool {
	return v.state == w.state && v.digest == w.digest && v.size == w.size && v.detached == w.detached && v.dangling == w.dangling
}

// there reports whether the path has a file.
func (v version) there() bool { return v.state == Ready || v.state == Pending }

// observation is the result of hashing a file once: the digest or an error. The stamp of the file
// was the same before and after the hashing.
type observation struct {
	version
	at     time.Time // the start of the hashing
	stamp  stamp     // the size and times of a Ready version
	whole  bool      // no second observation is needed
	ragged bool      // the last line has no line end
}

// settles returns the earliest time at which a second observation with the same result can confirm
// v.
func (v observation) settles() time.Time {
	if v.ragged {
		return v.at.Add(RaggedSettle)
	}
	return v.at.Add(Settle)
}

// settler decides when a version of one path is complete. It receives the results of hashing.
// Normally, it waits for two equal results with some time between them.
type settler struct {
	settled   version     // the last complete version; zero before the first
	candidate observation // the observation that needs confirmation, or zero
	waiting   bool        // the path may have changed since the version settled
}

// disturb records that the path has changed. The next observation then cannot confirm an earlier
// observation.
func (s *settler) disturb() { s.candidate, s.waiting = observation{}, true }

// observe processes the result v of hashing the path. It reports whether v shows that a new version
// is complete.
func (s *settler) observe(v observation) bool {
	switch {
	case v.version.same(s.settled):
		s.settled.err = v.err
		s.calm()
		return false
	case v.whole, s.confirms(v) && !v.at.Before(s.candidate.settles()):
		s.settled = v.version
		s.calm()
		return true
	case !s.confirms(v):
		s.candidate = v
	}
	s.waiting = true
	return false
}

func (s *settler) calm() { s.candidate, s.waiting = observation{}, false }

// confirms reports whether v is equal to the candidate. A lack of events is no confirmation,
// because the event of a write can come late.
func (s *settler) confirms(v observation) bool {
	return s.candidate.state != 0 && s.candidate.version.same(v.version) && s.candidate.stamp == v.stamp
}

// due returns the earliest time at which an observation can confirm the candidate, or
// zero.
func (s *settler) due() time.Time {
	if s.candidate.state == 0 {
		return time.Time{}
	}
	return s.candidate.settles()
}
