package source

import "time"

// This file decides when the bytes of a file are complete, so that the file may be reported. A
// YAML file that is cut in the middle is often valid YAML with fewer orders. If half a file
// were loaded, a court order would end by accident. In doubt, a file therefore waits. A wait
// costs one second.
//
// A version of a file is complete at once in these cases:
//   - The kernel has reported that the file was renamed into place (IN_MOVED_TO), and has
//     reported no write to the file since. stat does not show a rename reliably: if a program
//     writes and renames within one clock tick, ctime and mtime are equal (measured: 300 of
//     300).
//   - The file is a new file (the inode is new, or the kernel has reported the creation), and
//     the ctime of the file is later than its mtime. A write sets ctime and mtime to one value
//     before it copies the first byte, but rename(2) and link(2) set only ctime. A later ctime
//     therefore shows that no write has begun since the rename. With an old inode, a later
//     ctime shows nothing, because chmod(1) also sets only ctime and may come while a writer
//     pauses.
//   - A symbolic link on the way to the file is new or has another target, for example the
//     ..data link of Kubernetes or a link that `ln -sfn` replaces. An unchanged link whose
//     target was missing does not count, because the new target may be half written. A file
//     that replaces a link does not count either.
//   - The file exists when the Source starts, and its mtime is older than Settle. The Source
//     has no events of this time, so the age is the only evidence.
//
// The absence of write events proves nothing. The kernel reports a write only when write(2) or
// copy_file_range(2) returns. One call may copy a gigabyte from a slow disk, and other
// processes see the bytes before the call returns. For this reason, an IN_CREATE event alone
// does not make a file complete.
//
// An empty file is complete at once only in the last of these cases, because a program that
// opens a file with O_CREAT makes an empty file before it writes. In all other cases, the file
// must be hashed twice with equal digests and equal stamps and without a write event in
// between. The time between the two hashes is Settle, or RaggedSettle if the last line has no
// line end.

// The constants below say how long the Source waits before a file counts as complete.
const (
	// Settle is how long a file must be unchanged after a write in place, before it is
	// reported.
	Settle = time.Second
	// RaggedSettle is used in place of Settle for a YAML file or a list whose last line has no
	// line end. A copy that stalls often stops in the middle of a line, and a domain name that
	// is cut is another domain name.
	RaggedSettle = 10 * time.Second
	// Patience is how long a file may keep changing before it is reported as Pending. Without
	// this limit, a program that writes without end would hide the file for ever.
	Patience = 10 * time.Second
	// Recheck is how often a file is hashed although stat shows no change. Such a hash is
	// needed because a file can have other bytes with the same size and mtime, and because NFS
	// and bind mounts report no events.
	Recheck = time.Minute

	// debounce is the time between a kernel event and the look (the scan of the paths) that it
	// causes. Several events within this time cause one look.
	debounce = 5 * time.Millisecond
	// quiet is how long a big file must be unchanged before it is hashed. Without quiet, a big
	// file that is written in many steps would be hashed after each step.
	quiet = 250 * time.Millisecond
	// bigFile is the size in bytes above which a file counts as big, so that quiet applies.
	bigFile = 64 << 10
)

// stamp has the fields of stat(2) that change when the content changes. Different stamps prove
// a change, but equal stamps prove nothing. The inode number is left out: on some network file
// systems it differs in each call of stat, so that a file would never be complete.
type stamp struct {
	size         int64
	mtime, ctime int64 // in ns since 1970; ctime is 0 if the system has no ctime
}

// young reports whether the file may have been written to less than Settle ago. A file with an
// mtime in the future is young too, because one of the clocks is wrong.
func (s stamp) young(now time.Time) bool {
	return now.Sub(time.Unix(0, s.mtime)) < Settle
}

// arrival says how a file got its name, as far as kernel events show it.
type arrival uint8

const (
	unknown arrival = iota // no event, or an event about attributes only
	created                // IN_CREATE: created by open(2) or link(2)
	renamed                // IN_MOVED_TO: renamed to this name
	written                // written to or removed, or the events of the name were lost
)

// evidence has the facts that can show that a file is complete.
type evidence struct {
	initial bool    // found at the start or referred to by an order file, and still in its first version
	swapped bool    // a symbolic link on the way is new, and no write came after the link
	other   bool    // the inode is not the inode of the last version
	how     arrival // from the events since the last version
}

// any reports whether the evidence may show, together with the times of the file, that the
// file is complete at once.
func (e evidence) any() bool {
	return e.initial || e.swapped || e.how == renamed || e.how == created || e.how == unknown && e.other
}

// whole reports whether the bytes that were hashed at the time now are complete at once. s is
// the stamp (size and times) of the file.
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

// version is one state of a path, for example Ready with a digest, or Missing.
type version struct {
	state    State
	err      error
	digest   Digest
	size     int64
	detached bool
	dangling bool // the path is a link to a missing file, so that Forget must not drop it
}

// same reports whether v and w make no difference to the user of the package. The texts of the
// errors are not compared.
func (v version) same(w version) bool {
	return v.state == w.state && v.digest == w.digest && v.size == w.size && v.detached == w.detached && v.dangling == w.dangling
}

// there reports whether the path has a file.
func (v version) there() bool { return v.state == Ready || v.state == Pending }

// observation is the result of one attempt to hash a file: the digest, or the reason why the
// file has no digest. The stamp (size and times) was equal before and after the hashing.
type observation struct {
	version
	at     time.Time // when the hashing began
	stamp  stamp     // the size and times of a Ready version
	whole  bool      // the bytes are complete: no second observation is needed
	ragged bool      // the last line has no line end
}

// settles returns the earliest time at which a second, equal observation can confirm v.
func (v observation) settles() time.Time {
	if v.ragged {
		return v.at.Add(RaggedSettle)
	}
	return v.at.Add(Settle)
}

// settler decides when a version of one path is complete. Its input is the observations (the
// results of hashing) of the path.
type settler struct {
	settled   version     // the last complete version; zero before the first
	candidate observation // the observation that a second observation must confirm; zero if there is none
	waiting   bool        // the path has changed, or may have changed, since the version settled
}

// disturb records that the path has changed, so that an earlier observation can no longer be
// confirmed.
func (s *settler) disturb() { s.candidate, s.waiting = observation{}, true }

// observe takes the result v of hashing the path, and reports whether v completes a new
// version.
func (s *settler) observe(v observation) bool {
	switch {
	case v.version.same(s.settled):
		// The file has its old bytes: it was touched, or rewritten, or away for a moment.
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

// confirms reports whether v is equal to the candidate (the observation that waits for a
// second one).
func (s *settler) confirms(v observation) bool {
	return s.candidate.state != 0 && s.candidate.version.same(v.version) && s.candidate.stamp == v.stamp
}

// due returns the earliest time at which an observation can confirm the candidate, or zero if
// there is no candidate.
func (s *settler) due() time.Time {
	if s.candidate.state == 0 {
		return time.Time{}
	}
	return s.candidate.settles()
}
