package source

import "time"

// The first half of a YAML file is often valid YAML. Loading a half file would end court orders by
// accident.

const (
	// Settle is how long a file must be unchanged after a write in place.
	Settle = time.Second
	// RaggedSettle replaces Settle for a file whose last line has no line end. A stalled copy often
	// stops in the middle of a line.
	RaggedSettle = 10 * time.Second
	// Patience is the time after which a file that keeps changing becomes Pending.
	Patience = 10 * time.Second
	// Recheck is the time after which a file is hashed again. A write can leave the size and the
	// mtime unchanged.
	Recheck = time.Minute

	debounce = 5 * time.Millisecond
	quiet    = 250 * time.Millisecond
	bigFile  = 64 << 10
)

// A stamp has no inode number, because some network file systems return a different number each
// time.
type stamp struct {
	size         int64
	mtime, ctime int64 // in ns since 1970; ctime is 0 if unknown
}

func (s stamp) young(now time.Time) bool {
	return now.Sub(time.Unix(0, s.mtime)) < Settle
}

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

func (e evidence) whole(s stamp, now time.Time) bool {
	switch {
	case e.initial && !s.young(now):
		return true
	case s.size == 0:
		// A program may create an empty file first, and write the content later.
		return false
	case e.swapped, e.how == renamed:
		// Do not compare ctime and mtime here. They are equal if the write and the rename share one
		// clock tick.
		return true
	}
	// A changed ctime does not prove a complete file, because chmod changes ctime too.
	return s.ctime > s.mtime && (e.how == created || e.how == unknown && e.other)
}

type version struct {
	state    State
	err      error
	digest   Digest
	size     int64
	detached bool
	dangling bool // a link to a missing file, which Forget must not drop
}

func (v version) same(w version) bool {
	return v.state == w.state && v.digest == w.digest && v.size == w.size && v.detached == w.detached && v.dangling == w.dangling
}

// there reports whether the path has a file.
func (v version) there() bool { return v.state == Ready || v.state == Pending }

type observation struct {
	version
	at     time.Time // the start of the hashing
	stamp  stamp     // the size and times of a Ready version
	whole  bool      // no second observation is needed
	ragged bool      // the last line has no line end
}

func (v observation) settles() time.Time {
	if v.ragged {
		return v.at.Add(RaggedSettle)
	}
	return v.at.Add(Settle)
}

// A settler normally waits for two equal observations with some time between them.
type settler struct {
	settled   version     // the last complete version; zero before the first
	candidate observation // the observation that needs confirmation, or zero
	waiting   bool        // the path may have changed since the version settled
}

func (s *settler) disturb() { s.candidate, s.waiting = observation{}, true }

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

// confirms reports whether v is equal to the candidate.
func (s *settler) confirms(v observation) bool {
	return s.candidate.state != 0 && s.candidate.version.same(v.version) && s.candidate.stamp == v.stamp
}

func (s *settler) due() time.Time {
	if s.candidate.state == 0 {
		return time.Time{}
	}
	return s.candidate.settles()
}
