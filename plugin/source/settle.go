package source

import "time"

// This file decides when a version of a file may be reported. It uses no file, no clock and no
// event. A YAML file that is cut at any byte is often valid YAML with fewer orders. If a
// half-written file is reported, a court order is lifted by accident. Waiting costs one second. In
// doubt, a file therefore waits.
//
// A version is complete when it is first seen only in these cases:
//
//   - The kernel reports that the file was renamed into place (IN_MOVED_TO), and no write event has
//     come for the name since. stat alone does not show the rename: when a program writes and
//     renames within one clock tick, ctime and mtime are equal (measured: 300 of 300).
//   - The file has another inode than the version before, or the kernel reports that the name was
//     created, and the ctime of the file is later than its mtime. Linux sets both to one value
//     before it copies the first byte of a write, while rename(2) and link(2) set only ctime.
//     A later ctime therefore shows that no write has begun since the rename. A later ctime of
//     the same inode shows nothing, because chmod(1) also sets ctime while a writer pauses.
//   - A symbolic link on the way to the file is new or leads elsewhere, as with the ..data link of
//     Kubernetes and with `ln -sfn`. A link that did not change, and whose target was missing, does
//     not count, because the target may be half written. A link that was replaced by a file
//     does not count either.
//   - The Source finds the file at its start, and the mtime of the file is older than Settle. No
//     event of this file was seen, and its age is the only evidence.
//
// The kernel queues the event of a write when write(2) or copy_file_range(2) returns. One call may
// copy a gigabyte from a slow disk, and the copied bytes are visible before the call returns. The
// absence of write events alone therefore proves nothing, and IN_CREATE alone does not count.
//
// An empty file is complete only if it is old. open(O_CREAT) makes an empty file, and no tool
// publishes an empty file. Each other version must be seen twice, with equal digests and stamps and
// with no write event in between. The time between the two observations is Settle, or RaggedSettle
// when the last line has no end.

// These durations are part of the decision.
const (
	// Settle is how long bytes that were written in place must not have changed.
	Settle = time.Second
	// RaggedSettle replaces Settle for a YAML file or a list whose last line has no end. A
	// copy that stalls often ends in the middle of a line, and a name that is cut is another
	// name.
	RaggedSettle = 10 * time.Second
	// Patience is how long a file may keep changing before it is reported as Pending. Without
	// this limit, a writer that never stops would hide an order for ever.
	Patience = 10 * time.Second
	// Recheck is how often the digest is computed although stat shows no change. A file with
	// equal size and mtime may have other bytes, and NFS and bind mounts give no events.
	Recheck = time.Minute

	// debounce is the time from an event to the look that it causes, so that a burst of
	// events causes one look.
	debounce = 5 * time.Millisecond
	// quiet is how long a big file must have had no write before it is hashed. A big file
	// that is written in many steps would else be hashed after each step.
	quiet = 250 * time.Millisecond
	// bigFile is the size from which quiet applies, in bytes.
	bigFile = 64 << 10
)

// stamp is the part of the answer of stat(2) that changes with the content. Two different stamps
// show that the file changed. Two equal stamps prove nothing. The inode number is not part of the
// stamp: some network file systems return a new number from each stat, and their files would
// never settle.
type stamp struct {
	size         int64
	mtime, ctime int64 // ns since 1970; ctime is 0 if the system has none
}

// young reports whether the file may have been written to within the last Settle. A file with a
// time in the future is young, because a clock is wrong.
func (s stamp) young(now time.Time) bool {
	return now.Sub(time.Unix(0, s.mtime)) < Settle
}

// arrival says how a file came to its name, as far as events show.
type arrival uint8

const (
	unknown arrival = iota // no event, or an event about attributes only
	created                // IN_CREATE: open(2) or link(2)
	renamed                // IN_MOVED_TO
	written                // written to, removed, or events of the name were lost
)

// evidence says how a file came to its path.
type evidence struct {
	initial bool    // found at the start or named by an order file, and not settled yet
	swapped bool    // a link that leads here is new, and no write came since
	other   bool    // the inode differs from the inode of the version before
	how     arrival // from the events since the version before
}

// any reports whether there is evidence that can make a version complete when it is first seen.
func (e evidence) any() bool {
	return e.initial || e.swapped || e.how == renamed || e.how == created || e.how == unknown && e.other
}

// whole reports whether bytes that were read at now, with the stamp s, are complete.
func (e evidence) whole(s stamp, now time.Time) bool {
	switch {
	case e.initial && !s.young(now):
		return true
	case s.size == 0:
		return false
	case e.swapped, e.how == renamed:
		return true
	}
	return s.ctime > s.mtime && (e.how == created || e.how == unknown && e.other)
}

// version is a state of a path that can be reported.
type version struct {
	state    State
	err      error
	digest   Digest
	size     int64
	detached bool
	dangling bool // Missing, but a link is there: Forget refuses it
}

// same reports whether v and w are equal for the caller of the package. Two errors with one state
// are equal.
func (v version) same(w version) bool {
	return v.state == w.state && v.digest == w.digest && v.size == w.size && v.detached == w.detached && v.dangling == w.dangling
}

// there reports whether the path has a file.
func (v version) there() bool { return v.state == Ready || v.state == Pending }

// observation is the result of reading a path once: the digest of its bytes, or the reason why there
// are no bytes. The stamp of the file was the same before and after the reading.
type observation struct {
	version
	at     time.Time // when the reading began
	stamp  stamp     // of a Ready version
	whole  bool      // complete: a second observation is not needed
	ragged bool      // the last line has no end
}

// settles returns the time from which an equal observation confirms v.
func (v observation) settles() time.Time {
	if v.ragged {
		return v.at.Add(RaggedSettle)
	}
	return v.at.Add(Settle)
}

// settler is the state machine of one path. It turns observations into versions.
type settler struct {
	settled   version     // the last version that settled; zero before the first
	candidate observation // to be confirmed by a second observation; zero if there is none
	waiting   bool        // the path differs, or may differ, from settled
}

// disturb notes that the path has changed. An earlier observation does not count any more.
func (s *settler) disturb() { s.candidate, s.waiting = observation{}, true }

// observe takes an observation and reports whether a new version has settled.
func (s *settler) observe(v observation) bool {
	switch {
	case v.version.same(s.settled):
		// The file was touched, rewritten with the same bytes, or away for a moment.
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

// confirms reports whether v equals the candidate.
func (s *settler) confirms(v observation) bool {
	return s.candidate.state != 0 && s.candidate.version.same(v.version) && s.candidate.stamp == v.stamp
}

// due returns the time from which an observation can confirm the candidate, or zero if there is no
// candidate.
func (s *settler) due() time.Time {
	if s.candidate.state == 0 {
		return time.Time{}
	}
	return s.candidate.settles()
}
