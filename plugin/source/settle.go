package source

import "time"

// This file decides, without touching a file, a clock or an event, when what is
// seen at a path may be handed over. A YAML file cut at any byte is often valid
// YAML that holds fewer orders, so a half-written file handed over once is a
// court order lifted by accident, while waiting costs a second. Hence: in doubt
// it waits.
//
// Complete at first sight are only
//
//   - a file that came by rename. inotify knows (IN_MOVED_TO), fsnotify says
//     Create for both that and IN_CREATE. What tells them apart:
//     a file created in place is written afterwards, so that a Write event on
//     its name follows. Its absence alone proves nothing: the kernel queues the
//     event when write(2) or copy_file_range(2) *returns*, and one call may
//     copy a gigabyte from a slow disk, its bytes visible all the while. So the
//     inode must agree. Linux sets mtime and ctime to one value before it
//     copies the first byte of a write; rename sets ctime alone. Therefore
//     ctime > mtime, the same before and after the bytes were read, says that
//     no write has begun since the rename. A write and a rename in the same
//     clock tick (1 to 10 ms; measured: a program's own write and rename do)
//     leave them equal, and then only fsnotify's pairing of the two halves of a
//     rename helps: see mark.moved. A ctime of long ago says it too, for file
//     systems whose rename does not touch it.
//   - a file to which a symbolic link now leads that was not there or led
//     elsewhere before: Kubernetes' ..data, `ln -sfn`. Not a link that is the
//     same as ever and whose target was missing: the target may be in the
//     middle of being written. Not a link replaced by a file either.
//   - a file that the process finds at its start with an mtime older than
//     Settle. Nobody saw it arrive; its age is the only witness.
//
// An empty file is never complete by the first two: open(O_CREAT) makes one and
// no tool publishes one. Everything else has to be seen twice, Settle apart, with
// equal digests, an equal stamp and no Write event in between.

// Durations of the decision.
const (
	// Settle is how long bytes written in place must have stood still.
	Settle = time.Second
	// Patience is how long a file may be restless before that is reported as
	// Pending: no order is kept out of sight by a writer that never stops.
	Patience = 10 * time.Second
	// Recheck is how often the digest is taken although stat says that nothing
	// changed: equal size and mtime prove nothing, and over NFS or a bind mount
	// there is no event.
	Recheck = time.Minute

	// debounce is the time from an event to the look that it causes, so that a
	// burst is one look.
	debounce = 5 * time.Millisecond
	// grace is the time that a Write event gets to arrive, after the bytes of a
	// file that seems to have come by rename have been read.
	grace = 3 * time.Millisecond
	// quiet is how long a big file must have been left alone before it is
	// hashed: hashing it again after each of many writes is work for nothing.
	quiet = 250 * time.Millisecond
	// bigFile is the size from which quiet applies, in octets.
	bigFile = 64 << 10
)

// stamp is what stat tells about a file's content without reading it. Two
// differing stamps mean that something happened; two equal ones prove nothing.
// The inode's number is not in it: some network file systems make up a new one
// each time, and such a file would never stand still.
type stamp struct {
	size         int64
	mtime, ctime int64 // ns since 1970; ctime 0 where the system tells none
}

// young says that the file may have been written to within the last Settle. A
// time in the future is a clock that cannot be trusted: young.
func (s stamp) young(now time.Time) bool {
	return now.Sub(time.Unix(0, s.mtime)) < Settle
}

// movedAfterWrite says that the inode's last change was not a write, or that
// nothing at all happened to it for Settle.
func (s stamp) movedAfterWrite(now time.Time) bool {
	return s.ctime != 0 && (s.ctime > s.mtime || now.Sub(time.Unix(0, s.ctime)) >= Settle)
}

// evidence is what is known about how a file came to its path.
type evidence struct {
	first   bool // seen for the first time, at the start: there is no history
	swapped bool // a link leads here that did not before; no write since
	created bool // the name was created and not written to since
	moved   bool // with created: both halves of the rename were seen
}

// any says that reading the file now may settle it at once.
func (e evidence) any() bool { return e.first || e.swapped || e.created }

// whole says that the bytes, read with the stamp s at now, are complete.
func (e evidence) whole(s stamp, now time.Time) bool {
	switch {
	case e.first && !s.young(now):
		return true
	case s.size == 0:
		return false
	case e.swapped:
		return true
	}
	return e.created && (e.moved || s.movedAfterWrite(now))
}

// version is something that can be in force at a path.
type version struct {
	state  State
	err    error
	digest Digest
	size   int64
}

// same compares what matters: two errors of one kind are one state.
func (v version) same(w version) bool {
	return v.state == w.state && v.digest == w.digest && v.size == w.size
}

// sight is one complete look at a path: bytes hashed from the first to the last
// with the same stamp before and after, or the reason why there are none.
type sight struct {
	version
	at    time.Time // when the look began
	stamp stamp     // of a Ready one
	whole bool      // need not be seen a second time
}

// settler is the state machine of one path: sights in, versions out.
type settler struct {
	held    version // the last that settled; the zero version before the first
	cand    sight   // seen once, waiting to be seen again; zero when void
	waiting bool    // something differs, or may differ, from held
}

// disturb says that something happened to the path, so that a sight from before
// counts no more.
func (s *settler) disturb() { s.cand, s.waiting = sight{}, true }

// see takes a sight and says whether a new version has settled by it, to be
// found in held.
func (s *settler) see(v sight) bool {
	switch {
	case v.version.same(s.held):
		// Touched, rewritten with the same bytes, or back after a moment.
		s.held.err = v.err
		s.calm()
		return false
	case v.whole, s.confirms(v) && v.at.Sub(s.cand.at) >= Settle:
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

// confirms says that v is the candidate seen again.
func (s *settler) confirms(v sight) bool {
	return s.cand.state != 0 && s.cand.version.same(v.version) && s.cand.stamp == v.stamp
}

// due is when the candidate wants to be seen again; zero without one.
func (s *settler) due() time.Time {
	if s.cand.state == 0 {
		return time.Time{}
	}
	return s.cand.at.Add(Settle)
}
