package source

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	step = 128 << 10
	// A report waits at most this long for the hashes of small files. Files that change together
	// are then loaded together.
	batchWait = 100 * time.Millisecond
	smallFile = 8 << 20
)

type job struct {
	t    *tracked // guarded by Source.mu
	abs  string
	loc  *location // the real path and the stat of the file
	at   time.Time // the start of the first step; zero before
	busy bool      // a step is in progress; guarded by Source.mu
	over chan struct{}

	f     openFile
	h     hash.Hash
	n     int64 // the number of bytes read
	last  byte  // the last byte read
	done  bool
	moved bool  // the file changed while it was read
	err   error // why the bytes cannot be read
}

func (j *job) left() int64 { return j.loc.size - j.n }

func (j *job) step(fs files, buf []byte) {
	j.done, j.err = j.read(fs, buf)
	if j.done {
		j.close()
	}
}

func (j *job) read(fs files, buf []byte) (done bool, err error) {
	if j.f == nil {
		f, err := fs.open(j.loc.end)
		if err != nil {
			return true, err
		}
		j.f, j.h = f, sha256.New()
		if j.moved = !j.unchanged(); j.moved {
			return true, nil
		}
	}
	for free := buf; len(free) > 0; {
		n, err := j.f.Read(free)
		j.h.Write(free[:n])
		j.n += int64(n)
		if n > 0 {
			j.last = free[n-1]
		}
		free = free[n:]
		switch {
		case j.n > j.loc.size: // the file grows
			j.moved = true
			return true, nil
		case errors.Is(err, io.EOF):
			j.moved = j.n != j.loc.size || !j.unchanged() || len(j.loc.links) > 0 && !fs.once().leads(j.abs, j.loc)
			return true, nil
		case err != nil:
			return true, err
		}
	}
	return false, nil
}

// A rename over the file changes its ctime.
func (j *job) unchanged() bool {
	info, err := j.f.Stat()
	return err == nil && statOf(info).stamp == j.loc.stamp
}

func (f files) leads(path string, l *location) bool {
	now := f.resolve(path)
	return now.err == nil && now.end == l.end && now.stamp == l.stamp
}

func (j *job) close() {
	if j.f != nil {
		_ = j.f.Close() // a file that was only read can lose no data
		j.f = nil
	}
}

// The caller must hold s.mu for these functions: enqueue, cancel, hashing, startWorker, next and
// takeBack.
func (s *Source) enqueue(j *job) {
	i, _ := slices.BinarySearchFunc(s.queue, j, func(a, b *job) int {
		return cmp.Or(cmp.Compare(a.left(), b.left()), strings.Compare(a.abs, b.abs))
	})
	s.queue = slices.Insert(s.queue, i, j)
	s.startWorker()
}

func (s *Source) cancel(t *tracked) {
	if j := t.job; j != nil {
		t.job = nil
		close(j.over)
		if !j.busy {
			j.close()
		}
	}
}

func (s *Source) hashing() bool {
	small := func(j *job) bool { return j != nil && j.t.job == j && j.loc.size <= smallFile }
	return s.worker != nil && small(s.worker.job) || slices.ContainsFunc(s.queue, small)
}

type worker struct {
	job       *job // the job in progress
	steps     int
	over      chan struct{} // closed when the goroutine ends
	abandoned bool
}

func (s *Source) startWorker() {
	if s.worker != nil || len(s.queue) == 0 || s.ended() {
		return
	}
	w := &worker{over: make(chan struct{})}
	s.worker = w
	go s.hash(w)
	go s.guard(w)
}

func (s *Source) next(w *worker) bool {
	if j := w.job; j != nil && j.t.job == j && j.left() > bigFile {
		w.job = nil
		s.enqueue(j)
	} else if j != nil && j.t.job == j {
		return true
	}
	for w.job = nil; w.job == nil && len(s.queue) > 0; s.queue = s.queue[1:] {
		if j := s.queue[0]; j.t.job == j {
			w.job = j
		}
	}
	return w.job != nil
}

func (s *Source) hash(w *worker) {
	defer coop.Start()()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(w.over)
	fs, buf := s.fs, []byte(nil)
	for !w.abandoned && !s.ended() && s.next(w) {
		j := w.job
		if j.at.IsZero() {
			j.at = s.clock.Now()
		}
		if need := min(step, j.left()+1); int64(len(buf)) < need {
			buf = make([]byte, need)
		}
		j.busy = true
		s.mu.Unlock()
		j.step(fs, buf)
		coop.Yield()
		s.mu.Lock()
		j.busy = false
		w.steps++
		s.takeBack(j)
	}
	if w.abandoned {
		if j := w.job; j.t.job == j {
			s.enqueue(j)
		}
	} else {
		s.worker = nil
	}
	s.kick()
}

// The caller must not hold s.mu.
func (s *Source) guard(w *worker) {
	steps := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return w.steps
	}
	var j *job
	for j == nil {
		if s.returns(w.over, slow, steps) || s.ended() {
			return
		}
		s.mu.Lock()
		if w.job != nil && w.job.busy { // false before the goroutine of w has run
			j = w.job
			w.abandoned, s.worker = true, nil
			s.startWorker()
			s.kick()
		}
		s.mu.Unlock()
	}
	if s.returns(w.over, readTimeout-slow, nil) || s.ended() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.t.job == j {
		err := noAnswer(fmt.Sprintf("%s: reading it does not finish: no byte for %s", printable.Line(j.t.path), readTimeout))
		s.observe(j.t, observation{version: version{state: Pending, err: err}, at: s.clock.Now(), whole: true})
		s.kick()
	}
}

func (s *Source) takeBack(j *job) {
	t, now := j.t, s.clock.Now()
	// An event may show a write during the step.
	s.takeEvents(now)
	switch {
	case t.job != j: // the path changed during the step
		j.close()
		return
	case !j.done:
		return
	}
	s.cancel(t)
	s.kick()
	switch e := s.events.last[j.loc.end]; {
	case j.err != nil:
		v := version{state: stateOf(j.err), err: pathError(t.path, j.loc.linkTo(j.loc.end), j.err)}
		s.observe(t, observation{version: v, at: now, whole: t.initial})
	case j.moved || e.written > t.seen:
		t.swapped, t.initial = false, false
		t.settler.disturb()
		t.quietAt = now.Add(debounce)
		s.lookAt(t.quietAt)
		s.markDirty(t)
	default:
		t.hashedAt = now
		v := observation{
			version: version{state: Ready, size: j.n, digest: Digest(j.h.Sum(nil)), detached: j.loc.detached},
			at:      j.at, stamp: j.loc.stamp, whole: t.evidence(e).whole(j.loc.stamp, s.clock.below(j.at)),
		}
		if v.ragged = t.ragged(j.last, j.n); v.ragged && !v.whole && t.noticed != v.digest && !v.version.same(t.settler.settled) {
			t.noticed = v.digest
			s.notice(fmt.Errorf("%s: the last line has no end, so the file may be incomplete; "+
				"it is loaded when it has not changed for %s (a file that is renamed into place is loaded at once)",
				printable.Line(t.path), RaggedSettle))
		}
		s.observe(t, v)
	}
}
