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
	// stateRetry is the time between two attempts to open a state directory.
	stateRetry = 5 * time.Second
	// stateWriter is the name of this program. It is written into the files of a state directory.
	stateWriter = "blocklist"
)

// statePatience is how long (in real time) a start waits for a state directory. Tests
// change it.
var statePatience = 5 * time.Second

// stateDirs maps a path to the open state directory at the path. A process can lock a directory
// only once. The old and the new Store of a reload therefore share the directory.
var stateDirs = struct {
	sync.Mutex
	dirs map[string]*stateDir
}{dirs: map[string]*stateDir{}}

// A stateDir is a state directory that several Stores share. Only the newest Store writes its set
// of orders to the directory.
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

	// The fields below are for requests of blocklistctl; see request.go.
	looking   bool            // a look for requests is in progress
	looked    time.Time       // the time of the last look
	lookError string          // the error of the last look
	requests  []state.Request // the requests that no Store has carried out yet
}

var errNotOpen = errors.New("the state directory does not answer")

// acquireStateDir returns the state directory at a path, and begins to open it. It waits some
// seconds for the disk. The caller must call release.
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

// open returns the open state directory, or nil. It tries to open a closed directory, but at most
// once in stateRetry. The parameter patience limits the wait for the result.
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

// failed logs an error, but not the same error twice in a row. Each log line ends with the text in
// the parameter "then".
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

// done logs the result of a write to the directory. It logs an error only once, and logs later that
// the directory works again.
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

// commit stores the set of a Store in the background, unless a newer Store uses the
// directory.
func (d *stateDir) commit(s *Store, next state.Next) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sets[s] = next
	d.commitNewest()
}

// commitNewest commits the set of the newest Store. The caller must have locked d.mu.
func (d *stateDir) commitNewest() {
	if len(d.users) == 0 || d.state == nil || d.closed {
		return
	}
	if next, ok := d.sets[d.users[len(d.users)-1]]; ok {
		d.state.Commit(next)
	}
}

// join makes s the newest Store of the directory. A Store joins when it has started.
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

// keeps reports whether the stored set has a version of the file at a path.
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

// release removes s from the users of the directory. If an older Store still uses the directory,
// the set of the older Store is stored again. The last call closes the directory, and waits some
// seconds for the disk.
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

// close stores all that is pending and unlocks the directory.
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
	// FailingSince is the time since which the newest set is not stored. FailingSince has a meaning
	// only if Err is not nil.
	FailingSince time.Time
	// Unaccepted is the time at which the directory was found damaged or empty. Unaccepted is zero
	// if there was no problem, or if a person has accepted the problem. An empty directory is a
	// problem only if a Store demands signatures.
	Unaccepted time.Time
	// WrongSnapshots is the number of snapshots (stored compiled orders) that were in force and
	// differed from the stored order files.
	WrongSnapshots int
}

func (d *stateDir) countWrongSnapshot() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrong++
}

// States returns the status of each state directory of the process.
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
