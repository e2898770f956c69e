package source

import "time"

// This file decides, without touching a file, a clock or an event, when a version of a
// file may be reported. A YAML file that is cut at any byte is often valid YAML with
// fewer orders. A half-written file that is reported once lifts a court order by
// accident, while waiting costs a second. So in doubt the file waits.
//
// A version is complete at first sight only in these cases:
//
//   - The kernel says that the file was renamed into place (IN_MOVED_TO), and no write
//     event has come for the name since. stat alone does not show this: a program's own
//     write and rename within one clock tick leave ctime and mtime equal (measured: 300
//     of 300).
//   - The file is another inode than the version before, or the kernel says that its
//     name was created, and its ctime is later than its mtime. Linux sets both to one
//     value before it copies the first byte of a write, while rename(2) and link(2) set
//     ctime alone. So no write has begun since the rename. A later ctime of the same
//     inode says nothing: chmod(1) makes one while a writer pauses.
//   - A symbolic link on the way to the file is new or leads elsewhere: Kubernetes'
//     ..data, `ln -sfn`. A link that is the same as before, and whose target was
//     missing, does not count, because the target may be half written. A link that was
//     replaced by a file does not count either.
//   - The Source finds the file at its start with an mtime older than Settle. No event
//     was seen of this file, and its age is the only witness.
//
// An event of a write is queued when write(2) or copy_file_range(2) returns, and one
// call may copy a gigabyte from a slow disk while its bytes are visible. So the absence
// of write events alone proves nothing, and IN_CREATE alone does not count.
//
// An empty file is complete only by its age: open(O_CREAT) makes an empty file, and no
// tool publishes one. Every other version must be seen twice, with equal digests and
// stamps and no write event in between. The time between the two sights is Settle, or
// RaggedSettle when the last line has no end.

// Durations of the decision.
const (
	// Settle is how long bytes that were written in place must not have changed.
	Settle = time.Second
	// RaggedSettle is Settle for a YAML file or a list whose last line has no end. A
	// stalled copy often ends in the middle of a line, and a name that is cut is
	// another name.
	RaggedSettle = 10 * time.Second
	// Patience is how long a file may keep changing before it is reported as Pending,
	// so that a writer that never stops does not hide an order for ever.
	Patience = 10 * time.Second
	// Recheck is how often the digest is computed although stat shows no change. Equal
	// size and mtime prove nothing, and NFS and bind mounts give no events.
	Recheck = time.Minute

	// debounce is the time from an event to the look that it causes, so that a burst of
	// events causes one look.
	debounce = 5 * time.Millisecond
	// quiet is how long a big file must have had no write before it is hashed. Hashing
	// the file again after each of many writes would be wasted work.
	quiet = 250 * time.Millisecond
	// bigFile is the size from which quiet applies, in bytes.
	bigFile = 64 << 10
)

// stamp is the part of stat's answer that changes with the content. Two different stamps
// mean that something happened. Two equal stamps prove nothing. The inode's number is
// not part of the stamp: some network file systems invent a new number for each stat,
// and such a file would never settle.
type stamp struct {
	size         int64
	mtime, ctime int64 // ns since 1970; ctime is 0 where the system has none
}

// young reports whether the file may have been written to within the last Settle. A time
// in the future means a wrong clock, and then the file is young.
func (s stamp) young(now time.Time) bool {
	return now.Sub(time.Unix(0, s.mtime)) < Settle
}

// arrival is what events say about a name.
type arrival uint8

const (
	unknown arrival = iota // no event
	created                // IN_CREATE: made here, or linked with link(2)
	renamed                // IN_MOVED_TO
	written                // written to, removed, or events of the name were lost
)

// evidence is what is known about how a file came to its path.
type evidence struct {
	first   bool    // seen for the first time, at the start
	swapped bool    // a link leads here that did not before; no write since
	other   bool    // the inode is another one than that of the version before
	how     arrival // by events since the version before
}

// any reports whether reading the file now may settle it at once.
func (e evidence) any() bool {
	return e.first || e.swapped || e.how == renamed || e.how == created || e.how == unknown && e.other
}

// whole reports whether the bytes, read with the stamp s at now, are complete.
func (e evidence) whole(s stamp, now time.Time) bool {
	switch {
	case e.first && !s.young(now):
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

// same reports whether v and w are equal for the caller. Two errors of one state are
// equal.
func (v version) same(w version) bool {
	return v.state == w.state && v.digest == w.digest && v.size == w.size && v.detached == w.detached && v.dangling == w.dangling
}

// there reports whether the version is of a file that is there.
func (v version) there() bool { return v.state == Ready || v.state == Pending }

// sight is one complete look at a path: the digest of bytes that were read from the
// first to the last with the same stamp before and after, or the reason why there are
// none.
type sight struct {
	version
	at     time.Time // when the look began
	stamp  stamp     // of a Ready version
	whole  bool      // need not be seen a second time
	ragged bool      // the last line has no end
}

// settles returns when a second sight of v may confirm v.
func (v sight) settles() time.Time {
	if v.ragged {
		return v.at.Add(RaggedSettle)
	}
	return v.at.Add(Settle)
}

// settler is the state machine of one path. It turns sights into versions.
type settler struct {
	held    version // the last version that settled; zero before the first
	cand    sight   // seen once, and to be seen again; zero when there is none
	waiting bool    // something differs, or may differ, from held
}

// disturb notes that something happened to the path, so that an earlier sight does not
// count any more.
func (s *settler) disturb() { s.cand, s.waiting = sight{}, true }

// see takes a sight and reports whether it settled a new version, which is then in held.
func (s *settler) see(v sight) bool {
	switch {
	case v.version.same(s.held):
		// Touched, rewritten with the same bytes, or back after a moment.
		s.held.err = v.err
		s.calm()
		return false
	case v.whole, s.confirms(v) && !v.at.Before(s.cand.settles()):
		s.held = v.version
		s.calm()
		return true
	case !s.confirms(v):
		s.cand = v
	}
	s.waiting = true
	return false
}

func (s *settler) calm() { s.cand, s.waiting = sight{}, false }

// confirms reports whether v is the candidate seen again.
func (s *settler) confirms(v sight) bool {
	return s.cand.state != 0 && s.cand.version.same(v.version) && s.cand.stamp == v.stamp
}

// due returns when the candidate is to be seen again. It is zero without a candidate.
func (s *settler) due() time.Time {
	if s.cand.state == 0 {
		return time.Time{}
	}
	return s.cand.settles()
}
