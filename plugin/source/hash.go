package source

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	// step is how much is hashed at a time, in bytes: some 100 us of work.
	step = 128 << 10
	// hold is how long a report waits at most for small files that are still to be
	// hashed, so that files that change together are one load.
	hold = 100 * time.Millisecond
	// smallFile is the size up to which a file is worth waiting for, in bytes.
	smallFile = 8 << 20
)

// job is the hashing of one file. Only one goroutine has it at a time.
type job struct {
	t    *track // not to be touched without the lock
	abs  string
	p    *place // where the bytes are
	at   time.Time
	busy bool // a step is in progress; guarded by the lock

	f     openFile
	h     hash.Hash
	n     int64
	last  byte // the last byte read
	done  bool
	moved bool  // the bytes are not of one moment
	err   error // why the bytes cannot be read
}

func newJob(t *track, now time.Time) *job {
	return &job{t: t, abs: t.abs, p: t.place, at: now}
}

func (j *job) left() int64 { return j.p.size - j.n }

// step does some work and reports whether the job is over.
func (j *job) step(fs *files, buf []byte) bool {
	if j.f == nil {
		f, err := fs.open(j.p.end)
		if err != nil {
			return j.finish(err)
		}
		j.f, j.h = f, sha256.New()
		if info, err := f.Stat(); err != nil || statOf(info).stamp != j.p.stamp {
			j.moved = true
			return j.finish(nil)
		}
	}
	n, err := j.f.Read(buf)
	j.h.Write(buf[:n])
	j.n += int64(n)
	if n > 0 {
		j.last = buf[n-1]
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return j.finish(err)
	case j.n > j.p.size: // it grows
		j.moved = true
		return j.finish(nil)
	case err == nil:
		return false
	}
	info, err := j.f.Stat()
	j.moved = err != nil || statOf(info).stamp != j.p.stamp || j.n != j.p.size || !j.still(fs)
	return j.finish(nil)
}

// still reports whether the path still leads to the file that was read.
func (j *job) still(fs *files) bool {
	p := fs.resolve(j.abs, nil)
	return p.err == nil && p.end == j.p.end && p.stamp == j.p.stamp
}

func (j *job) finish(err error) bool {
	j.err, j.done = err, true
	j.close()
	return true
}

func (j *job) close() {
	if j.f != nil {
		_ = j.f.Close() // opened for reading: nothing to lose
		j.f = nil
	}
}

// want has a file hashed. The caller holds the lock, here and below.
func (s *Source) want(t *track) {
	if !s.wanted[t] {
		s.wanted[t], s.queue = true, nil
	}
}

// drop ends hashing. The result would not count.
func (s *Source) drop(t *track) {
	if t.job != nil && !t.job.busy {
		t.job.close()
	}
	t.job = nil
	delete(s.wanted, t)
}

// hashing reports whether files that are worth waiting for are being hashed.
func (s *Source) hashing() bool {
	for t := range s.wanted {
		if t.place.size <= smallFile {
			return true
		}
	}
	return false
}

// pick returns the job that is next: j again, unless much is left of it, and else the
// one with the least left. It returns nil when there is none.
func (s *Source) pick(j *job) *job {
	if j != nil && s.wanted[j.t] && j.t.job == j && j.left() <= bigFile {
		return j
	}
	if s.queue == nil {
		s.queue = slices.Collect(maps.Keys(s.wanted))
		for _, t := range s.queue {
			if t.job == nil {
				t.job = newJob(t, s.clock.Now())
			}
		}
		slices.SortFunc(s.queue, func(a, b *track) int {
			return cmp.Or(cmp.Compare(a.job.left(), b.job.left()), cmp.Compare(a.abs, b.abs))
		})
	}
	for ; len(s.queue) > 0; s.queue = s.queue[1:] {
		if t := s.queue[0]; s.wanted[t] {
			return t.job
		}
	}
	return nil
}

// work hashes the wanted files. It holds no lock while it waits for a file, and leaves a
// file behind whose read does not return.
func (s *Source) work() {
	defer coop.Start()()
	s.mu.Lock()
	defer s.mu.Unlock()
	fs := s.fs
	var buf []byte
	for j := s.pick(nil); j != nil && !s.closed; j = s.pick(j) {
		if need := min(step, j.left()+1); int64(len(buf)) < need {
			buf = make([]byte, need)
		}
		in := buf
		over := s.begin(j, func() { j.step(&fs, in) })
		s.mu.Unlock()
		ok := s.returns(over, slow, nil)
		coop.Yield()
		s.mu.Lock()
		if ok {
			s.takeBack(j)
		} else {
			s.leave(j, over)
			buf = nil
		}
	}
	s.working = false
	s.kick()
}

// begin runs a part of j in a goroutine and returns a channel that is closed at its end.
func (s *Source) begin(j *job, run func()) <-chan struct{} {
	j.busy = true
	over := make(chan struct{})
	go func() { run(); close(over) }()
	return over
}

// leave goes on without j, whose read has not returned. The file is reported when the
// read takes very long, and wanted again when the read is over.
func (s *Source) leave(j *job, over <-chan struct{}) {
	if j.t.job == j {
		delete(s.wanted, j.t)
	}
	go func() {
		if !s.returns(over, stall-slow, nil) {
			s.mu.Lock()
			if j.t.job == j {
				err := hangs(fmt.Sprintf("%s: reading it does not finish: no byte for %s", printable.Line(j.t.path), stall))
				s.sight(j.t, sight{version: version{state: Pending, err: err}, at: s.clock.Now(), whole: true})
			}
			s.mu.Unlock()
			s.kick()
			<-over
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.takeBack(j)
		s.kick()
	}()
}

// takeBack takes in what a part of j has brought.
func (s *Source) takeBack(j *job) {
	t, now := j.t, s.clock.Now()
	j.busy = false
	// All events first: a decision must not fall while the write event that speaks
	// against it is in the queue.
	s.events(now)
	switch {
	case t.job != j: // something happened to the path meanwhile
		j.close()
		return
	case !j.done:
		s.want(t)
		return
	}
	s.drop(t)
	s.kick()
	switch m := s.marks.get(j.p.end); {
	case j.err != nil:
		at := j.p.end
		if len(j.p.links) == 0 {
			at = ""
		}
		v := version{state: stateOf(j.err), err: pathError(t.path, at, j.err)}
		s.sight(t, sight{version: v, at: now, whole: t.first})
	case j.moved || m.seq > t.saw:
		t.swap, t.first = false, false
		t.set.disturb()
		t.calmAt = now.Add(debounce)
		s.settleAt(t.calmAt)
		s.touch(t)
	default:
		t.hashedAt = now
		e := t.evidence(m)
		v := sight{
			version: version{state: Ready, size: j.n, digest: Digest(j.h.Sum(nil)), detached: j.p.detached},
			at:      j.at, stamp: j.p.stamp, whole: e.whole(j.p.stamp, j.at),
		}
		if v.ragged = t.ragged(j.last, j.n); v.ragged && !v.whole && t.warned != v.digest && !v.version.same(t.set.held) {
			t.warned = v.digest
			s.notice(fmt.Errorf("%s: the last line has no end, so the file may be incomplete; "+
				"it is loaded when it has not changed for %s (a file that is renamed into place is loaded at once)",
				printable.Line(t.path), RaggedSettle))
		}
		s.sight(t, v)
	}
}
