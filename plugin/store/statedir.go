package store

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/state"
)

const (
	stateRetry  = 5 * time.Second
	stateWriter = "blocklist"
)

// A start waits at most this long in real time for a state directory.
var statePatience = 5 * time.Second

// A process can lock a directory only once. Two Stores therefore share the directory during a
// reload.
var stateDirs = struct {
	sync.Mutex
	dirs map[string]*stateDir
}{dirs: map[string]*stateDir{}}

// Several Stores can share a state directory. Only the newest Store writes its set to the
// directory.
type stateDir struct {
	path  string
	log   *queue
	clock Clock
	refs  int // guarded by stateDirs

	mu      sync.Mutex
	state   *state.State  // nil until the directory is open
	err     error         // the reason why the directory is not open
	since   time.Time     // the time since which the directory is not open
	tried   time.Time     // the time of the last attempt to open the directory
	opening chan struct{} // closed when the attempt in progress is over; nil without an attempt
	closed  bool
	users   []*Store // the Stores that have started, the newest last
	sets    map[*Store]state.Next
	logged  string // the error of the last attempt to open or to write, as it was logged
	wrong   int    // see StateStatus.WrongSnapshots

	looking   bool            // a look for requests is in progress
	looked    time.Time       // the time of the last look
	lookError string          // the error of the last look
	requests  []state.Request // the requests that no Store has carried out yet
}

var errNotOpen = errors.New("the state directory does not answer")

// The caller must call the method release.
func acquireStateDir(path string, log Log, clock Clock) *stateDir {
	stateDirs.Lock()
	d := stateDirs.dirs[path]
	if d == nil {
		d = &stateDir{path: path, log: newQueue(log), clock: clock, err: errNotOpen, since: clock.Now(), sets: map[*Store]state.Next{}}
		stateDirs.dirs[path] = d
	}
	d.refs++
	stateDirs.Unlock()
	d.open(statePatience)
	d.log.flush(flushPatience) // the problems of the directory come before the lines of the Store
	return d
}

func (d *stateDir) open(patience time.Duration) *state.State {
	d.mu.Lock()
	now := d.clock.Now()
	if due := d.tried.IsZero() || now.Sub(d.tried) >= stateRetry || now.Before(d.tried); d.state == nil && d.opening == nil && due && !d.closed {
		d.tried, d.opening = now, make(chan struct{})
		go d.attempt(d.opening)
	}
	over := d.opening
	d.mu.Unlock()
	if over != nil && patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-over:
		case <-timer.C:
			d.failed(errNotOpen, "")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// attempt opens the directory once.
func (d *stateDir) attempt(over chan struct{}) {
	defer close(over)
	st, err := state.Open(d.path, state.Options{Writer: stateWriter, Now: d.clock.Now, Done: d.done})
	if err != nil {
		d.failed(err, "; the server goes on with the files, and stores no last good versions")
	}
	d.mu.Lock()
	d.opening = nil
	late := d.closed
	if !late {
		d.state = st
		if err != nil {
			d.err = err
		}
	}
	d.mu.Unlock()
	switch {
	case err != nil:
	case late: // release did not wait for this attempt
		_ = st.Close() // nothing was committed
	default:
		for _, problem := range st.Problems() {
			d.log.Errorf("%v", problem)
		}
		d.done(nil)
	}
}

func (d *stateDir) failed(err error, then string) {
	d.mu.Lock()
	known := d.logged == err.Error()
	d.logged = err.Error()
	d.mu.Unlock()
	if known {
		return
	}
	for line := range strings.Lines(err.Error()) {
		d.log.Errorf("state %s: %s%s", d.path, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "state: "), then)
	}
}

func (d *stateDir) done(err error) {
	if err != nil {
		d.failed(err, "; the newest versions are in force and not stored")
		return
	}
	d.mu.Lock()
	failed := d.logged != ""
	d.logged = ""
	d.mu.Unlock()
	if failed {
		d.log.Infof("state %s: works again", d.path)
	}
}

func (d *stateDir) commit(s *Store, next state.Next) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sets[s] = next
	d.commitNewest()
}

// The caller must hold d.mu.
func (d *stateDir) commitNewest() {
	if len(d.users) == 0 || d.state == nil || d.closed {
		return
	}
	if next, ok := d.sets[d.users[len(d.users)-1]]; ok {
		d.state.Commit(next)
	}
}

func (d *stateDir) join(s *Store) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users = append(d.users, s)
	d.commitNewest()
}

// isOpen reports whether the directory is open.
func (d *stateDir) isOpen() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state != nil
}

func (d *stateDir) keeps(path string) bool {
	d.mu.Lock()
	st := d.state
	d.mu.Unlock()
	if st == nil {
		return false
	}
	_, ok := st.Set().Versions[path]
	return ok
}

// stored reports whether the newest set is stored.
func (d *stateDir) stored() bool {
	d.mu.Lock()
	st := d.state
	d.mu.Unlock()
	if st == nil {
		return false
	}
	status := st.Status()
	return status.Err == nil && !status.Pending
}

func (d *stateDir) release(s *Store) {
	d.mu.Lock()
	d.users = slices.DeleteFunc(d.users, func(u *Store) bool { return u == s })
	delete(d.sets, s)
	d.commitNewest()
	d.mu.Unlock()

	stateDirs.Lock()
	d.refs--
	last := d.refs == 0
	if last {
		delete(stateDirs.dirs, d.path)
	}
	stateDirs.Unlock()
	if last {
		d.close()
	}
}

func (d *stateDir) close() {
	d.mu.Lock()
	d.closed = true
	st, over := d.state, d.opening
	d.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if st != nil {
			_ = st.Close() // done has logged the error
		}
		if over != nil {
			<-over
		}
	}()
	timer := time.NewTimer(closePatience)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		d.log.Warningf("state %s: the disk did not answer within %v; the server goes on without waiting", d.path, closePatience)
	}
	d.log.flush(flushPatience)
}

// A StateStatus reports how a state directory stores the set in force.
type StateStatus struct {
	// Err is the reason why the newest set is not stored, or nil.
	Err error
	// FailingSince is the time since which Err is set.
	FailingSince time.Time
	// Unaccepted is the time at which the directory was found damaged or empty. It is zero if there
	// is no problem. It also becomes zero when a person accepts the problem.
	Unaccepted time.Time
	// WrongSnapshots is the number of snapshots that differed from the stored order files.
	WrongSnapshots int
}

func (d *stateDir) countWrongSnapshot() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrong++
}

// States returns the status of each state directory.
func States() (out []StateStatus) {
	stateDirs.Lock()
	defer stateDirs.Unlock()
	for _, d := range stateDirs.dirs {
		out = append(out, d.status())
	}
	return out
}

func (d *stateDir) status() StateStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == nil {
		return StateStatus{Err: d.err, FailingSince: d.since, WrongSnapshots: d.wrong}
	}
	st := d.state.Status()
	out := StateStatus{Err: st.Err, FailingSince: st.FailingSince, WrongSnapshots: d.wrong}
	for _, s := range d.users {
		if at := s.unaccepted(d.state); !at.IsZero() {
			out.Unaccepted = at
		}
	}
	return out
}
