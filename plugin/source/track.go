package source

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/pace"
)

// track is one watched path: what was last seen there and what was made of it.
type track struct {
	path string // as shown
	abs  string
	set  settler

	looked bool      // the fields below hold something
	place  place     // where the path led at the last look
	stamp  stamp     // of the file there
	saw    mark      // the events up to the last look
	first  bool      // found at the start, or asked for by an order file: no history
	used   uint64    // the Create event that has been judged
	swap   bool      // a link leads here that did not; nothing happened since
	poked  bool      // an event came that no look has answered yet
	due    time.Time // when to look again; zero: with the next scan
	calmAt time.Time // not to be hashed before, see quiet

	want     bool // to be hashed
	job      *job // being hashed
	hashedAt time.Time
	confirm  *sight // hashed, complete by the evidence, in its grace
}

// restless says that what is in force at the path may be about to change.
func (t *track) restless() bool {
	return t.poked || t.confirm != nil || t.set.waiting || t.set.held.state == 0
}

// ask wants a look no later than at.
func (t *track) ask(at time.Time) {
	if t.due.IsZero() || at.Before(t.due) {
		t.due = at
	}
}

// stop ends hashing; the result would not count.
func (t *track) stop() {
	t.want = false
	if t.job != nil {
		t.job.close()
		t.job = nil
	}
}

// evidence is what speaks for the bytes being complete.
func (t *track) evidence() evidence {
	m := t.saw
	created := m.created > t.used && m.written < m.created
	return evidence{first: t.first, swapped: t.swap, created: created, moved: created && m.moved}
}

// look compares what stands at the path with what stood there, without reading
// it, and decides whether it must be read.
func (s *Source) look(t *track, p place, now time.Time) {
	m := s.marks.get(p.end)
	v, bad := p.fault(t.path)
	var st stamp // zero when bad
	if !bad {
		st = stampOf(p.info)
	}
	swapped := s.swapped(t, p, m)
	disturbed := swapped || t.looked && (p.end != t.place.end || st != t.stamp ||
		m.written != t.saw.written || m.created > t.saw.created)
	t.swap = swapped || t.swap && !disturbed
	if t.looked && p.end != t.place.end {
		t.used = 0 // it was about another name
	}
	if t.looked && !slices.Equal(t.place.points, p.points) {
		s.scanAt = now // other directories to watch
	}
	t.looked, t.place, t.stamp, t.saw = true, p, st, m
	t.poked, t.due = false, time.Time{}
	if disturbed || bad {
		t.stop()
		t.confirm = nil
	}
	if bad {
		s.sight(t, sight{version: v, at: now, whole: t.first})
		return
	}
	if disturbed {
		t.set.disturb()
		t.calmAt = now
		if st.size > bigFile && !t.evidence().any() {
			t.calmAt = now.Add(quiet)
		}
	}
	s.plan(t, now)
}

// plan says what is to be done next about a file that is there.
func (s *Source) plan(t *track, now time.Time) {
	due := t.set.due()
	switch {
	case t.want: // in hand
	case t.confirm != nil && now.Before(t.graceEnd()):
		t.due = t.graceEnd()
	case t.confirm != nil:
		v := *t.confirm
		t.confirm = nil
		s.sight(t, v)
	case (t.set.waiting || t.set.held.state == 0) && due.IsZero():
		t.await(t.calmAt, now)
	case t.set.waiting:
		t.await(due, now)
	case t.set.held.state != Ready: // perhaps it can be read by now
		t.want = true
	default:
		t.await(t.hashedAt.Add(Recheck), now)
	}
}

// await wants the file hashed at a time, which may have come.
func (t *track) await(at, now time.Time) {
	if now.Before(at) {
		t.due = at
	} else {
		t.want = true
	}
}

// graceEnd is when the confirmation is over.
func (t *track) graceEnd() time.Time { return t.hashedAt.Add(grace) }

// swapped says that the path now leads through a link that was not there or
// said something else, and that nothing was written to the target since. Writes
// from before the link was made are none of its business: a link is put up when
// they are done.
func (s *Source) swapped(t *track, p place, m mark) bool {
	if p.err != nil || len(p.links) == 0 || t.first && !t.looked {
		return false
	}
	before := t.place
	if !t.looked {
		// A new name. The links that lead to its folder are old; taking them
		// for new would make every file that is being written in a linked
		// folder complete.
		before = s.fs.resolve(filepath.Dir(t.abs), nil)
	}
	var found bool
	var at uint64
	for _, l := range p.linksNotIn(before) {
		if before.err != nil && within(before.at, l.at) {
			continue // came back with its folder, as old as may be
		}
		found, at = true, max(at, s.marks.get(l.at).created)
	}
	return found && (at == 0 || m.written < at)
}

// sight feeds a complete sight to the state machine.
func (s *Source) sight(t *track, v sight) {
	t.set.see(v)
	t.first = false
	switch {
	case t.set.waiting:
		t.ask(t.set.due())
	default:
		t.used, t.swap = t.saw.created, false
		if t.set.held.state == Ready {
			t.ask(t.hashedAt.Add(Recheck))
		}
	}
}

// job is the hashing of one file. It is done in steps, so that an event, or a
// small file, never waits for a big one, and so that no query waits for the CPU
// (a goroutine that only computes keeps its thread for 10 ms).
type job struct {
	f     openFile
	h     hash.Hash
	n     int64
	at    time.Time
	stamp stamp
}

func (j *job) close() {
	if j.f != nil {
		_ = j.f.Close()
		j.f = nil
	}
}

// step is how much is hashed at a time, in octets: some 100 us.
const step = 128 << 10

// work does one step of hashing, of the file that has least left, and says
// whether there is more to do.
func (s *Source) work(now time.Time) bool {
	var next *track
	least, more := int64(math.MaxInt64), false
	for _, t := range s.tracks {
		if !t.want {
			continue
		}
		left := t.stamp.size
		if t.job != nil {
			left = t.job.stamp.size - t.job.n
		}
		more = more || next != nil
		if next == nil || left < least || left == least && t.abs < next.abs {
			next, least = t, left
		}
	}
	if next == nil {
		return false
	}
	return s.hash(next, now) || more
}

// hash does one step for t, and says whether it needs another one.
func (s *Source) hash(t *track, now time.Time) bool {
	j := t.job
	if j == nil {
		f, err := s.fs.open(t.place.end)
		if err != nil {
			s.unread(t, err, now)
			return false
		}
		j = &job{f: f, h: sha256.New(), at: now, stamp: t.stamp}
		t.job = j
		if info, err := f.Stat(); err != nil || stampOf(info) != j.stamp {
			s.moving(t, now)
			return false
		}
	}
	n, err := j.f.Read(s.buf)
	j.h.Write(s.buf[:n])
	j.n += int64(n)
	switch {
	case err == io.EOF:
		s.hashed(t, now)
		return false
	case err != nil:
		s.unread(t, err, now)
		return false
	case j.n > j.stamp.size: // it grows
		s.moving(t, now)
		return false
	}
	return true
}

// moving says that the file changed under the reader's eyes.
func (s *Source) moving(t *track, now time.Time) {
	t.stop()
	t.confirm, t.swap = nil, false
	t.set.disturb()
	t.calmAt = now.Add(debounce)
	t.ask(t.calmAt)
}

// unread takes note that the bytes cannot be read.
func (s *Source) unread(t *track, err error, now time.Time) {
	t.stop()
	at := ""
	if len(t.place.links) > 0 {
		at = t.place.end
	}
	v := version{state: stateOf(err), err: pathError(t.path, at, err)}
	s.sight(t, sight{version: v, at: now, whole: t.first})
}

// hashed ends a job: were the bytes those of one moment, and how did they come?
func (s *Source) hashed(t *track, now time.Time) {
	j := t.job
	info, err := j.f.Stat()
	same := err == nil && stampOf(info) == j.stamp && j.n == j.stamp.size
	if same { // and is it still this file that the path leads to?
		p := s.fs.resolve(t.abs, nil)
		same = p.err == nil && p.end == t.place.end && stampOf(p.info) == j.stamp
	}
	if !same {
		s.moving(t, now)
		return
	}
	v := sight{
		version: version{state: Ready, size: j.n, digest: Digest(j.h.Sum(nil))},
		at:      j.at, stamp: j.stamp,
	}
	t.stop()
	t.hashedAt = now
	e := t.evidence()
	v.whole = e.whole(v.stamp, j.at)
	if v.whole && !(e.first && !v.stamp.young(j.at)) && s.watch.w != nil {
		// Events of writes that had begun may still be on their way.
		t.confirm = &v
		t.ask(now.Add(grace))
		return
	}
	s.sight(t, v)
}

// checkSide makes t known at once, for a caller that waits for its answer.
func (s *Source) checkSide(t *track, now time.Time) {
	s.look(t, s.fs.resolve(t.abs, nil), now)
	for t.want && s.hash(t, now) {
		pace.Yield()
		now = s.clock.Now()
	}
}

// version is what is to be said about t now.
func (t *track) version() version {
	if t.restless() {
		return version{state: Pending, err: fmt.Errorf("%s: %w", t.path, ErrPending)}
	}
	return t.set.held
}
