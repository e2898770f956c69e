package source

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/pace"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	// step is how much is hashed at a time, in bytes: some 100 us of work.
	step = 128 << 10
	// shift is how long a worker hashes before it returns what is done.
	shift = 20 * time.Millisecond
	// slow is how long a read may take until other files stop waiting for it.
	slow = 200 * time.Millisecond
	// stall is how long a read may take until the file is reported as Pending.
	stall = 5 * time.Second
	// statStall is how long any other call may take until the look goes on without it.
	statStall = 2 * time.Second
	// hold is how long a report waits at most for small files that are still to be
	// hashed, so that files that change together are one load.
	hold = 100 * time.Millisecond
	// smallFile is the size up to which a file is worth waiting for, in bytes.
	smallFile = 8 << 20
)

// job is the hashing of one file. Only one worker has it at a time.
type job struct {
	t     *track // not to be touched by the worker
	end   string // the real path
	alone bool   // no link leads to end
	abs   string
	want  stat
	at    time.Time

	f     openFile
	h     hash.Hash
	n     int64
	last  byte // the last byte read
	done  bool
	moved bool  // the bytes are not of one moment
	err   error // why the bytes cannot be read

	stop atomic.Bool
	hung bool // reported as Pending
}

func newJob(t *track, now time.Time) *job {
	return &job{t: t, abs: t.abs, end: t.place.end, alone: len(t.place.links) == 0, want: t.place.stat, at: now}
}

func (j *job) left() int64 { return j.want.size - j.n }

// step does some work and reports whether the job is over.
func (j *job) step(fs *files, buf []byte) bool {
	if j.f == nil {
		f, err := fs.open(j.end)
		if err != nil {
			return j.finish(err)
		}
		j.f, j.h = f, sha256.New()
		if info, err := f.Stat(); err != nil || statOf(info).stamp != j.want.stamp {
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
	case j.n > j.want.size: // it grows
		j.moved = true
		return j.finish(nil)
	case err == nil:
		return false
	}
	info, err := j.f.Stat()
	j.moved = err != nil || statOf(info).stamp != j.want.stamp || j.n != j.want.size || !j.still(fs)
	return j.finish(nil)
}

// still reports whether the path still leads to the file that was read.
func (j *job) still(fs *files) bool {
	if j.alone {
		info, err := fs.lstat(j.end)
		return err == nil && statOf(info).stamp == j.want.stamp
	}
	p := fs.resolve(j.abs, nil)
	return p.err == nil && p.end == j.end && p.stamp == j.want.stamp
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

// worker hashes files, the one with least left first. It holds no lock while it reads,
// and is left behind when a read does not return.
type worker struct {
	over chan struct{} // closed at its end

	mu   sync.Mutex
	jobs []*job // the first is in hand
	done []*job // over, and not yet returned
	cut  bool   // to stop at the next step
	left int64  // of the job in hand
	n    int    // steps done
	wait wait
}

// wait measures how long a goroutine has made no progress. A process that was stopped or
// starved for a while has seen nothing, so one measurement counts for two ticks at most.
type wait struct {
	n    int           // progress when it was last measured
	idle time.Duration // since then
	at   time.Time
}

// measure takes the progress n and returns how long n has been the same.
func (w *wait) measure(n int, now time.Time) time.Duration {
	if n != w.n || w.at.IsZero() {
		w.n, w.idle = n, 0
	} else {
		w.idle += min(now.Sub(w.at), 2*tick)
	}
	w.at = now
	return w.idle
}

// hire starts a worker for jobs.
func (s *Source) hire(jobs []*job) *worker {
	w := &worker{jobs: jobs, left: jobs[0].left(), over: make(chan struct{})}
	s.workers = append(s.workers, w)
	fs := s.fs
	go func() {
		w.run(&fs)
		s.mu.Lock()
		s.back = append(append(s.back, w.done...), w.jobs...)
		w.done, w.jobs = nil, nil
		s.workers = slices.DeleteFunc(s.workers, func(x *worker) bool { return x == w })
		s.mu.Unlock()
		close(w.over)
		s.kick()
	}()
	return w
}

// run works for a shift. It does not begin a big file when it has done another one, so
// that nothing waits for the big file.
func (w *worker) run(fs *files) {
	defer pace.On()()
	w.mu.Lock()
	j := w.jobs[0]
	w.mu.Unlock()
	begin, buf := time.Now(), make([]byte, min(step, j.left()+1))
	for {
		if int64(len(buf)) < min(step, j.left()+1) {
			buf = make([]byte, step)
		}
		over := j.stop.Load() || j.step(fs, buf)
		pace.Yield()
		w.mu.Lock()
		w.n++
		if over {
			w.done = append(w.done, j)
			w.jobs = w.jobs[1:]
		}
		if len(w.jobs) > 0 {
			j = w.jobs[0]
			w.left = j.left()
		}
		w.cut = w.cut || len(w.jobs) == 0 || over && (w.left > bigFile || time.Since(begin) > shift)
		cut := w.cut
		w.mu.Unlock()
		if cut {
			return
		}
	}
}

// idle returns how long the worker has made no progress.
func (w *worker) idle(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wait.measure(w.n, now)
}

// size returns how much of the file in hand is left.
func (w *worker) size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left
}

// feed gives the files that are to be hashed to a worker, and leaves workers behind whose
// reads do not return. The caller holds the lock.
func (s *Source) feed(now time.Time) {
	s.takeBack(now)
	var busy *worker
	real := time.Now()
	for _, w := range s.workers {
		switch idle := w.idle(real); {
		case idle < slow:
			busy = w
		default:
			s.behind(w, idle >= stall, now)
		}
	}
	s.takeBack(now)
	if len(s.wanted) == 0 {
		return
	}
	jobs := make([]*job, 0, len(s.wanted))
	for t := range s.wanted {
		if t.job == nil {
			t.job = newJob(t, now)
		}
		jobs = append(jobs, t.job)
	}
	slices.SortFunc(jobs, func(a, b *job) int {
		return cmp.Or(cmp.Compare(a.left(), b.left()), cmp.Compare(a.abs, b.abs))
	})
	if busy != nil {
		busy.mu.Lock()
		busy.cut = busy.cut || busy.left > max(bigFile, jobs[0].left())
		busy.mu.Unlock()
		return
	}
	clear(s.wanted)
	s.hire(jobs)
}

// behind takes the other jobs of a worker whose read does not return. hung says that the
// read has lasted so long that its file must be reported.
func (s *Source) behind(w *worker, hung bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	s.back = append(s.back, w.done...)
	w.done = nil
	if len(w.jobs) == 0 {
		return
	}
	j := w.jobs[0]
	for _, other := range w.jobs[1:] {
		if other.t.job == other {
			s.wanted[other.t] = true
		} else {
			other.close()
		}
	}
	w.jobs = w.jobs[:1]
	if hung && !j.hung && j.t.job == j {
		j.hung = true
		err := hangs(fmt.Sprintf("%s: reading it does not finish: no byte for %s", printable.Line(j.t.path), stall))
		s.sight(j.t, sight{version: version{state: Pending, err: err}, at: now, whole: true})
	}
}

// takeBack takes in what workers have done.
func (s *Source) takeBack(now time.Time) {
	for _, j := range s.back {
		s.returned(j, now)
	}
	s.back = nil
}

// returned takes back a job from its worker.
func (s *Source) returned(j *job, now time.Time) {
	t := j.t
	switch {
	case t.job != j: // something happened to the path meanwhile
		j.close()
		return
	case !j.done:
		s.wanted[t] = true
		return
	}
	t.job = nil
	switch m := s.marks.get(j.end); {
	case j.err != nil:
		at := ""
		if !j.alone {
			at = j.end
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
			version: version{state: Ready, size: j.n, digest: Digest(j.h.Sum(nil)), detached: j.want.detached},
			at:      j.at, stamp: j.want.stamp, whole: e.whole(j.want.stamp, j.at),
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
