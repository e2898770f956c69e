// Package source notices changed files and hands over exact bytes. It knows
// nothing about what is in them.
//
// A Source watches files, directories and globs, by kernel events and by
// polling. It reports a file once its bytes are complete (settle.go says when
// that is) and gives them as a stream that ends in an error when they are not
// the reported ones. A file may depend on others, its side lists; they are
// watched with it and reported as a change of it.
//
// The way of a change: an event (watch.go) or a poll causes a look at the path
// (resolve.go, track.go); if something may have changed the file is hashed, in
// small steps; the state machine (settle.go) says when a version is in force;
// the report (group.go) gathers an order file with its side lists.
//
// All work is done by the goroutine that calls Scan or Run. A stat that hangs
// (a dead hard-mounted NFS) therefore holds up all files of this Source.
package source

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/pace"
	"github.com/fsnotify/fsnotify"
)

// DefaultPoll is the time between two polls.
const DefaultPoll = time.Second

// minPoll keeps a slip of the pen from keeping a CPU busy.
const minPoll = 10 * time.Millisecond

// Config says what is to be watched.
type Config struct {
	// Patterns are files, directories and globs; at least one. A name with an
	// order file's ending, and a name where a file is first found, is a file,
	// whatever its ending. A name where a directory is first found, and one with
	// a slash at its end, is a directory: its files with one of the endings
	// .yaml .yml .json .jsonl, without hidden ones and sub-folders. Another name
	// with * ? or [ in it is a glob; it takes no directories, hidden names only
	// where it has a dot of its own, and files of other endings only when it
	// spells the ending out.
	Patterns []string
	// Files are watched too, after the patterns' files; each is a file, whatever
	// its name.
	Files []string
	// Poll is the time between two polls, 10 ms at least; 0 is DefaultPoll.
	Poll time.Duration
	// NoEvents leaves the kernel's events out.
	NoEvents bool
	// Notice is told what the operator should know and what changes no state:
	// once, when kernel events are not to be had. May be nil. It must return
	// and not call the Source.
	Notice func(error)
	// MaxBytes returns the size limit of a file in octets; side says that the file is a
	// side list. A nil MaxBytes sets no limit.
	MaxBytes func(path string, side bool) int64
	// Clock is the time; nil is the real one.
	Clock Clock
}

// Source watches a set of files. Its methods may be called from any goroutine,
// Scan and Run by one at a time.
type Source struct {
	clock    Clock
	poll     time.Duration
	fs       files
	notice   func(error)
	newWatch func() (*fsnotify.Watcher, error)
	wake     chan struct{} // something to do besides events; holds one
	stop     chan struct{} // closed by Close

	mu       sync.Mutex // guards the rest; held for steps, never while waiting
	closed   bool
	started  bool // the first scan is done
	watch    *watcher
	marks    marks
	patterns []*pattern
	orders   []*order          // as reported: by pattern, then bytewise
	byPath   map[string]*order // the same, by absolute path
	tracks   map[string]*track // by absolute path
	interest map[string][]*track
	shapes   map[string]bool // points of patterns: their change calls for a scan
	members  map[string][]members
	scanAt   time.Time // the next poll, or a scan that an event calls for
	scanFree time.Time // no scan for an event's sake before
	scanSeq  uint64    // marks.seq at the last scan
	buf      []byte
}

// New prepares a Source; it reads nothing yet. It fails on an empty pattern and
// on one that filepath.Match does not understand.
func New(cfg Config) (*Source, error) {
	s := &Source{
		clock: cfg.Clock, poll: cfg.Poll, notice: cfg.Notice, fs: osFiles(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
		marks: marks{by: map[string]*mark{}}, tracks: map[string]*track{}, byPath: map[string]*order{},
		buf: make([]byte, step),
	}
	if s.clock == nil {
		s.clock = wallClock{}
	}
	if s.poll == 0 {
		s.poll = DefaultPoll
	}
	s.poll = max(s.poll, minPoll)
	if s.notice == nil {
		s.notice = func(error) {}
	}
	if !cfg.NoEvents {
		s.newWatch = openWatcher
	}
	for _, text := range cfg.Patterns {
		p, err := newPattern(text)
		if err != nil {
			return nil, fmt.Errorf("order files: %w", err)
		}
		s.patterns = append(s.patterns, p)
	}
	for _, path := range cfg.Files {
		p, err := newPattern(path)
		if err != nil {
			return nil, err
		}
		p.kind = plainFile
		s.patterns = append(s.patterns, p)
	}
	if len(s.patterns) == 0 {
		return nil, fmt.Errorf("order files: none given")
	}
	return s, nil
}

// Scan looks at everything now and returns what is new or changed since the
// last report, the first time everything. It waits for files that are being
// written, wait at most, and reports them as Pending then; when all stand still
// it waits for nothing. It is for the start, before Run: call it, load, and
// call it again when a load met ErrPending or ErrChanged.
func (s *Source) Scan(ctx context.Context, wait time.Duration) []File {
	deadline := s.clock.Now().Add(wait)
	s.mu.Lock()
	s.scanAt = time.Time{}
	s.mu.Unlock()
	for {
		s.mu.Lock()
		busy, next := s.turn()
		now := s.clock.Now()
		over := s.closed || ctx.Err() != nil || !busy && (s.still() || !now.Before(deadline))
		if over {
			out, _ := s.report(now, true)
			s.mu.Unlock()
			return out
		}
		s.mu.Unlock()
		if busy {
			pace.Yield()
			continue
		}
		if deadline.Before(next) {
			next = deadline
		}
		s.pause(ctx, next)
	}
}

// Run reports changes to fn until ctx ends or Close is called, and then closes
// the Source: no goroutine and no inotify instance is left. fn runs in Run's
// goroutine; while it runs changes gather, and the last state of each file is
// what the next call gets. Run returns ctx.Err(), or nil after Close.
func (s *Source) Run(ctx context.Context, fn func([]File)) error {
	defer s.Close()
	off := pace.On()
	defer func() { off() }()
	for {
		select {
		case <-s.stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		s.mu.Lock()
		busy, next := s.turn()
		out, patience := s.report(s.clock.Now(), false)
		s.mu.Unlock()
		switch {
		case len(out) > 0:
			fn(out)
		case busy:
			pace.Yield()
		default:
			if !patience.IsZero() && patience.Before(next) {
				next = patience
			}
			off()
			s.pause(ctx, next)
			off = pace.On()
		}
	}
}

// Close ends Run (which returns soon after; wait for that yourself) and frees
// what the Source holds. Streams that are open may be read to their end. May be
// called from anywhere, more than once.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.stop)
	for _, t := range s.tracks {
		t.stop()
	}
	if s.watch != nil {
		s.watch.close()
	}
	return nil
}

// pause waits for something to do, until next at most.
func (s *Source) pause(ctx context.Context, next time.Time) {
	after, release := s.clock.After(next.Sub(s.clock.Now()))
	defer release()
	s.mu.Lock()
	var events <-chan fsnotify.Event
	if s.watch != nil {
		events = s.watch.events()
	}
	s.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-s.stop:
	case <-after:
	case <-s.wake:
	case e, ok := <-events:
		s.mu.Lock()
		s.event(e, ok)
		s.mu.Unlock()
	}
}

func (s *Source) kick() {
	select {
	case s.wake <- struct{}{}:
	default: // one is waiting, and one is enough
	}
}

// turn does what is due, hashing one step at most. busy says that there is more
// to be hashed, next when something else will be due.
func (s *Source) turn() (busy bool, next time.Time) {
	if s.closed {
		return false, s.clock.Now()
	}
	if s.watch == nil {
		s.watch = &watcher{}
		if s.newWatch != nil {
			s.watch = newWatcher(s.newWatch, s.kick, s.notice)
		}
	}
	// All events first: a decision must not fall while the Write event that
	// speaks against it lies in the queue.
	s.drain()
	now := s.clock.Now()
	if !now.Before(s.scanAt) {
		s.scan(now)
	}
	for _, t := range s.tracks {
		if !t.due.IsZero() && !now.Before(t.due) {
			s.look(t, s.fs.resolve(t.abs, nil), now)
		}
	}
	busy = s.work(now)
	next = s.scanAt
	for _, t := range s.tracks {
		if !t.due.IsZero() && t.due.Before(next) {
			next = t.due
		}
	}
	return busy, next
}

// drain takes in the events that are there.
func (s *Source) drain() {
	if s.watch.lost.Swap(false) {
		s.overflow()
	}
	events := s.watch.events()
	for range maxMarks { // an end, also when events come faster than this
		select {
		case e, ok := <-events:
			if s.event(e, ok); !ok {
				return
			}
		default:
			return
		}
	}
}

// overflow forgets what events seemed to say, and looks at everything.
func (s *Source) overflow() {
	s.marks.doubt("")
	s.scanAt = time.Time{}
	for _, t := range s.tracks {
		t.poked, t.swap = true, false
	}
}

// event takes in one event.
func (s *Source) event(e fsnotify.Event, ok bool) {
	if !ok { // closed, by us or by a failure of its own
		if !s.closed && s.watch.w != nil {
			s.watch.close()
			s.watch.complain(fsnotify.ErrClosed)
			s.overflow()
		}
		return
	}
	now := s.clock.Now()
	soon := now.Add(debounce)
	tracks := s.interest[e.Name]
	s.marks.note(e, len(tracks) > 0)
	for _, t := range tracks {
		t.poked = true
		t.ask(soon)
	}
	if !e.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename) {
		return
	}
	_, self := s.watch.dirs[e.Name]
	if self { // a watched directory went away or came back: watch it anew
		s.watch.drop(e.Name)
		s.marks.doubt(e.Name)
	}
	if self || s.shapes[e.Name] || len(tracks) == 0 && s.isMember(e.Name) {
		// A storm of new names may take a tenth of the CPU for scans, not more.
		if soon.Before(s.scanFree) {
			soon = s.scanFree
		}
		if soon.Before(s.scanAt) {
			s.scanAt = soon
		}
	}
}

func (s *Source) isMember(name string) bool {
	for _, m := range s.members[filepath.Dir(name)] {
		if m.match(filepath.Base(name)) {
			return true
		}
	}
	return false
}

// scan finds out which files there are, watches the directories that matter
// and looks at every file. Watches come before the looks, so that nothing falls
// between the two.
func (s *Source) scan(now time.Time) {
	var cache map[string]fs.FileInfo
	places := map[string]place{}
	for range 3 { // a new watch may have come too late for what it should show
		cache = map[string]fs.FileInfo{}
		clear(places)
		want := s.expand(now, cache, places)
		if fresh := s.watch.arm(want, s.marks.doubt); !fresh {
			break
		}
	}
	s.started = true
	s.scanAt = now.Add(s.poll)
	for abs, t := range s.tracks {
		s.look(t, places[abs], now)
	}
	s.marks.prune(s.scanSeq, func(name string) bool { return s.interest[name] != nil })
	s.scanSeq = s.marks.seq
	end := s.clock.Now()
	s.scanFree = end.Add(9 * end.Sub(now))
}

// expand updates patterns, orders and tracks to what there is, and returns the
// directories to be watched.
func (s *Source) expand(now time.Time, cache map[string]fs.FileInfo, places map[string]place) map[string]bool {
	want := map[string]bool{}
	s.shapes, s.members = map[string]bool{}, map[string][]members{}
	s.interest = map[string][]*track{}
	named := map[string]bool{}
	for i, p := range s.patterns {
		x := p.expand(&s.fs)
		for _, at := range x.points {
			s.shapes[at] = true
			want[filepath.Dir(at)] = true
		}
		for _, m := range x.members {
			s.members[m.dir] = append(s.members[m.dir], m)
			want[m.dir] = true
		}
		if x.state != 0 {
			p.set.see(sight{
				version: version{state: x.state, err: x.err}, at: now,
				whole: x.state == Ready || !s.started,
			})
		}
		for _, path := range x.paths {
			abs, err := filepath.Abs(path)
			if err != nil || named[abs] {
				continue
			}
			named[abs] = true
			s.addOrder(abs, path, i)
		}
	}
	s.dropOrders(func(o *order) bool { return !named[o.t.abs] && !o.known })
	slices.SortFunc(s.orders, func(a, b *order) int {
		if a.pattern != b.pattern {
			return a.pattern - b.pattern
		}
		return strings.Compare(a.t.path, b.t.path)
	})
	for abs, t := range s.tracks {
		p := s.fs.resolve(abs, cache)
		places[abs] = p
		for _, at := range p.points {
			s.interest[at] = append(s.interest[at], t)
			want[filepath.Dir(at)] = true
		}
	}
	return want
}

// LastLook returns the time of the last look at all files; the zero time before the
// first look.
func (s *Source) LastLook() time.Time { return time.Time{} }
