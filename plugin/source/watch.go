package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"
)

// mark is what events have said about one name. The numbers count all events of
// the Source, so that "since" has a meaning across names; they are never taken
// back by whoever read them, since two paths may lead to one name.
type mark struct {
	last    uint64 // any event
	created uint64 // the last Create
	written uint64 // the last Write
	// moved: that Create was the second half of a rename whose first half was
	// seen too, so that it was IN_MOVED_TO and not IN_CREATE.
	moved bool
}

// maxMarks bounds the marks of names that nobody watches (yet), so that a
// directory full of other files costs nothing. Beyond it they are not noted, and
// a new file waits for Settle.
const maxMarks = 4096

// marks are the events so far. Names that no path leads to are noted as well:
// a side list may have come by rename a moment before the order file that
// names it.
type marks struct {
	seq uint64
	by  map[string]*mark
}

// note takes an event into account.
func (ms *marks) note(e fsnotify.Event, watched bool) {
	m := ms.by[e.Name]
	if m == nil {
		if !watched && len(ms.by) >= maxMarks {
			return
		}
		m = &mark{}
		ms.by[e.Name] = m
	}
	ms.seq++
	m.last = ms.seq
	if e.Has(fsnotify.Create) {
		m.created, m.moved = ms.seq, isMove(e)
	}
	if e.Has(fsnotify.Write) { // together with Create: it is being written
		m.written = ms.seq
	}
}

// isMove says that a Create carries the old name of a rename. fsnotify keeps
// that in an unexported field, set when it has paired the kernel's two events
// by their cookie; that it differs from an event without one is all we need.
func isMove(e fsnotify.Event) bool {
	return e.Has(fsnotify.Create) && e != fsnotify.Event{Name: e.Name, Op: e.Op}
}

// doubt says that events were lost: each name in dir (in any, if dir is empty)
// may have been written to.
func (ms *marks) doubt(dir string) {
	ms.seq++
	for name, m := range ms.by {
		if dir == "" || filepath.Dir(name) == dir {
			m.last, m.written = ms.seq, ms.seq
		}
	}
}

// get returns the mark of a name; without events it is zero.
func (ms *marks) get(name string) mark {
	if m := ms.by[name]; m != nil {
		return *m
	}
	return mark{}
}

// prune forgets names that keep says nobody watches and that were quiet since
// the event numbered since.
func (ms *marks) prune(since uint64, keep func(string) bool) {
	for name, m := range ms.by {
		if m.last <= since && !keep(name) {
			delete(ms.by, name)
		}
	}
}

// watcher keeps kernel watches on directories. Files are never watched
// themselves: a rename puts another inode into the name's place.
type watcher struct {
	w      *fsnotify.Watcher
	dirs   map[string]fs.FileInfo // real path -> the inode that is watched
	lost   atomic.Bool            // events were dropped
	kick   func()
	notice func(error)
	said   bool
}

// eventBuffer lets fsnotify read ahead while a file is hashed, so that a Write
// event is at hand when the decision falls. What does not fit waits in the
// kernel's queue, and when that is full too, everything is looked at again.
const eventBuffer = 512

// newWatcher starts the kernel's events. Without them (a limit reached, a system
// that has none) polling does the work alone, and notice says so.
func newWatcher(open func() (*fsnotify.Watcher, error), kick func(), notice func(error)) *watcher {
	w := &watcher{dirs: map[string]fs.FileInfo{}, kick: kick, notice: notice}
	fw, err := open()
	if err != nil {
		w.complain(err)
		return w
	}
	w.w = fw
	// fsnotify sends some errors while it holds the lock that Add takes, on a
	// channel without a buffer: if the goroutine that calls Add were also the
	// one to receive them, the two would wait for each other for ever. So these
	// are received apart. The goroutine ends when Close closes the channel.
	errs := fw.Errors
	go func() {
		for range errs {
			// ErrEventOverflow and all others mean the same: look at everything.
			w.lost.Store(true)
			kick()
		}
	}()
	return w
}

func openWatcher() (*fsnotify.Watcher, error) { return fsnotify.NewBufferedWatcher(eventBuffer) }

// complain says once that kernel events are not to be had.
func (w *watcher) complain(err error) {
	if !w.said {
		w.said = true
		w.notice(fmt.Errorf("no kernel events for some files, changes are found by polling alone: %w", err))
	}
}

func (w *watcher) events() <-chan fsnotify.Event {
	if w.w == nil {
		return nil
	}
	return w.w.Events
}

// arm watches the wanted directories and no others. fresh says that a watch is
// new, so that what happened before must be looked for; doubt is called for a
// directory that was replaced, so that events in it were missed. Adding a
// directory again is cheap and needed: its inode number may have been given to
// its successor, in which case only the kernel knows that the watch is gone.
func (w *watcher) arm(want map[string]bool, doubt func(dir string)) (fresh bool) {
	if w.w == nil {
		return false
	}
	for dir, had := range w.dirs {
		if want[dir] {
			now, err := os.Lstat(dir)
			if err == nil && os.SameFile(had, now) {
				continue
			}
			doubt(dir)
		}
		w.drop(dir)
	}
	for dir := range want {
		info, err := os.Lstat(dir)
		if err == nil {
			err = w.w.Add(dir)
		}
		switch {
		case err == nil:
			if w.dirs[dir] == nil {
				fresh = true
			}
			w.dirs[dir] = info
		case errors.Is(err, fs.ErrNotExist): // gone again; the next scan knows
			w.drop(dir)
		case errors.Is(err, fsnotify.ErrClosed):
			return false
		default: // no permission to read it, or fs.inotify.max_user_watches
			w.drop(dir)
			w.complain(err)
		}
	}
	return fresh
}

// drop ends a watch, which the kernel may have ended already.
func (w *watcher) drop(dir string) {
	if _, ok := w.dirs[dir]; ok {
		delete(w.dirs, dir)
		_ = w.w.Remove(dir)
	}
}

func (w *watcher) close() {
	if w.w != nil {
		_ = w.w.Close()
		w.w = nil
	}
}
