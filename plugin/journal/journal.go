// Package journal keeps a log of events as evidence. New records are only added at the end. A
// Merkle tree (a tree of hashes) and signed checkpoints show whether a person changed old records.
// The files have the C2SP formats tlog-tiles, tlog-checkpoint, signed-note and tlog-proof.
//
// The directory of a journal contains these files:
//
//	LOCK                      the process that writes the journal
//	journal.key               the private key of the checkpoints
//	journal.vkey              the public key
//	checkpoint                the newest checkpoint
//	checkpoints/SIZE          a checkpoint of each hour; files of other programs are beside it
//	records/FIRSTINDEX.jsonl  the records, one JSON object in each line
//	tile/LEVEL/N[.p/WIDTH]    the hashes of the tree
//	versions/sha256-HEX.zst   the versions of files that were in force
//
// One goroutine does all work on the disk. It writes and syncs the records first, then it writes
// the tiles, and last the checkpoint. After a crash, the next start builds missing tiles from the
// records.
//
// Records and versions can contain sealed (secret) orders, so their files have mode 0600. Tiles and
// checkpoints contain only hashes and may be published. Each record contains 128 random bits. These
// bits prevent guesses of a sealed record from the hash of the record.
package journal

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"golang.org/x/mod/sumdb/note"
)

const (
	keyName        = "journal.key"
	vkeyName       = "journal.vkey"
	checkpointName = "checkpoint"
	checkpointDir  = "checkpoints"
	recordDir      = "records"
	versionDir     = "versions"
	tileDir        = "tile"
)

const (
	// signEvery is the shortest time between two checkpoints.
	signEvery    = time.Second
	retryAfter   = 5 * time.Second
	segmentBytes = 16 << 20
	// MaxWaiting limits the memory of the events that wait for the disk, in bytes. The memory is
	// estimated.
	MaxWaiting = 16 << 20
)

// Options are the settings of a Journal.
type Options struct {
	// Origin is the name of a new journal (see CheckOrigin). An existing journal keeps its name.
	Origin  string
	Program string
	// Now returns the current time. If it is nil, the system clock is used.
	Now func() time.Time
	// After replaces time.After in tests. If it is nil, time.After is used.
	After func(time.Duration) <-chan time.Time
	// Notice receives the lines for the ordinary log. It may be nil. The second argument is true if
	// the operator must act.
	Notice func(text string, alarm bool)
	// FS writes the files. Tests set FS.Hook.
	FS durable.FS

	random       io.Reader     // the source of salts; nil means crypto/rand
	signEvery    time.Duration // 0 means the constant
	segmentBytes int64         // 0 means the constant
	maxWaiting   int           // 0 means MaxWaiting
}

// A Journal writes a journal. Its methods are safe for concurrent use. Only the methods Flush and
// Close wait for the disk.
type Journal struct {
	dir string
	opt Options
	fs  durable.FS

	wake    chan struct{} // has capacity 1
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when the goroutine has ended
	closing sync.Once

	mu      sync.Mutex
	waiting []item
	weight  int
	lost    uint64    // the number of events that were lost since the last Gap record
	lostAt  time.Time // the time of the first lost event
	latest  time.Time // the time of the last event, with the monotonic clock
	busy    bool
	status  Status

	// Only the goroutine uses the fields below.

	lock       *durable.Lock
	signer     note.Signer
	verifier   note.Verifier
	secret     [sha256.Size]byte // is made from the private key
	tree       tree
	table      table
	lines      lineFile
	signed     int64     // the size of the newest checkpoint
	partial    []tilePos // the partial tiles of the newest checkpoint
	made       map[string]bool
	frames     map[string]*frames // the frames of the last kept version of each large file
	due        <-chan time.Time   // when the next checkpoint is due, or nil
	hourly     bool               // the next checkpoint is also kept in checkpoints/
	unkept     []unkept           // the versions that the disk did not take
	again      <-chan time.Time   // when they are tried again, or nil
	lastNotice string
	dead       bool // the journal closes and the disk does not take the records
}

// An item is work for the goroutine.
type item struct {
	weight int
	at     time.Time
	run    func(*Batch)
	done   chan struct{} // closed when the records of the item are durable; may be nil
}

// Status reports how a Journal writes its records.
type Status struct {
	// Open reports whether the directory is open and locked.
	Open bool
	// Err is the reason why the journal writes no events. It is nil if the journal works.
	Err error
	// FailingSince is the time since which Err exists.
	FailingSince time.Time
	Lost         uint64
	// Records is the number of all records. Signed is the number of signed records.
	Records, Signed int64
}

// ErrNotOpen means that the journal is not open yet.
var ErrNotOpen = errors.New("the journal is not open yet")

// Open opens a journal in the background, and returns at once. The Journal accepts events
// immediately. After an error, it tries again until Close.
func Open(dir string, opt Options) *Journal {
	j := newJournal(dir, opt)
	j.Append(Record{Event: Start, Program: opt.Program, Process: os.Getpid(), Clock: clockState()})
	go j.run()
	return j
}

// newJournal returns a Journal without its goroutine.
func newJournal(dir string, opt Options) *Journal {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.After == nil {
		opt.After = time.After
	}
	if opt.Notice == nil {
		opt.Notice = func(string, bool) {}
	}
	if opt.random == nil {
		opt.random = rand.Reader
	}
	if opt.signEvery == 0 {
		opt.signEvery = signEvery
	}
	if opt.segmentBytes == 0 {
		opt.segmentBytes = segmentBytes
	}
	if opt.maxWaiting == 0 {
		opt.maxWaiting = MaxWaiting
	}
	return &Journal{
		dir: dir, opt: opt, fs: opt.FS,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
		status: Status{Err: ErrNotOpen, FailingSince: opt.Now()}, made: map[string]bool{}, frames: map[string]*frames{},
	}
}

// Append adds a record and does not wait. If too many events wait for the disk, the record is lost.
// A later Gap record reports the loss.
func (j *Journal) Append(r Record) {
	j.Do(64+len(r.Order)+len(r.Target)+len(r.Why)+256*len(r.Files), func(b *Batch) { b.Add(r) })
}

// Do runs a function later in the goroutine of the Journal. All earlier events come first. If too
// many events wait for the disk, Do returns false and never runs the function.
//
// The first argument is the approximate memory of the function in bytes.
func (j *Journal) Do(weight int, f func(*Batch)) bool { return j.put(item{weight: weight, run: f}) }

func (j *Journal) put(x item) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	x.at = j.opt.Now()
	if step := clockStep(j.latest, x.at); step != 0 {
		r := Record{Event: ClockStep, Time: Time{x.at}, Step: step.String(), Clock: clockState()}
		j.waiting = append(j.waiting, item{at: x.at, run: func(b *Batch) { b.Add(r) }})
	}
	j.latest = x.at
	if len(j.waiting) > 0 && j.weight+x.weight > j.opt.maxWaiting {
		if j.lost == 0 {
			j.lostAt = x.at
		}
		j.lost++
		j.status.Lost++
		return false
	}
	j.waiting = append(j.waiting, x)
	j.weight += x.weight
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return true
}

// Ignore steps below a second, because a time daemon makes small corrections.
func clockStep(before, now time.Time) time.Duration {
	if before.IsZero() {
		return 0
	}
	wall := now.Round(0).Sub(before.Round(0))
	step := wall - now.Sub(before) // the second difference uses the monotonic clock
	if step == 0 && wall < 0 {
		step = wall // times without a monotonic clock, as in tests
	}
	if step.Abs() < time.Second {
		return 0
	}
	return step.Round(time.Millisecond)
}

// Flush waits until all earlier events are durable. It reports whether they are durable. The
// argument limits the wait.
func (j *Journal) Flush(patience time.Duration) bool {
	done := make(chan struct{})
	if !j.put(item{run: func(*Batch) {}, done: done}) {
		return false
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-j.stopped:
	case <-timer.C:
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Idle reports whether the Journal has no work. If the disk fails, Idle returns true.
func (j *Journal) Idle() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.busy && len(j.waiting) == 0 && j.lost == 0 || j.status.Err != nil && j.status.Err != ErrNotOpen
}

// Status returns the state of the journal.
func (j *Journal) Status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.status
}

// Close writes a Stop record and a checkpoint, and unlocks the directory. It reports whether the
// journal is closed. The argument limits the wait.
func (j *Journal) Close(patience time.Duration) bool {
	j.closing.Do(func() {
		j.Append(Record{Event: Stop, Process: os.Getpid(), Clock: clockState()})
		close(j.stop)
	})
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-j.stopped:
		return true
	case <-timer.C:
		return false
	}
}

// notice writes a line to the ordinary log.
func (j *Journal) notice(alarm bool, format string, args ...any) {
	j.opt.Notice(fmt.Sprintf(format, args...), alarm)
}

func (j *Journal) failed(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err == nil && j.status.Err != nil:
		j.status.Err, j.status.FailingSince = nil, time.Time{}
		if j.lastNotice != "" {
			j.lastNotice = ""
			j.notice(false, "works again")
		}
	case err != nil:
		if j.status.Err == nil {
			j.status.FailingSince = j.opt.Now()
		}
		j.status.Err = err
		if j.lastNotice != err.Error() {
			j.lastNotice = err.Error()
			j.notice(true, "%v; the orders are in force, and the events wait in memory", err)
		}
	}
}
