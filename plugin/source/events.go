package source

import "path/filepath"

// event is one kernel event about a directory entry.
type event struct {
	name string  // the path of the entry, or of the directory when self is set
	how  arrival // unknown: the attributes changed
	list bool    // an entry was added to the directory or removed
	self bool    // the watched directory itself was moved or removed
	lost bool    // the kernel dropped events
}

// lastEvent describes the last event of one name.
type lastEvent struct {
	seq uint64 // the number of the last event, counted over all names
	how arrival
	// written is the number of the last event that was not only about attributes. how is
	// from this event.
	written uint64
}

// maxNames is the maximum number of names in an eventLog that no watched path leads to. A directory
// full of other files then needs little memory. The events of further names are dropped, and a new
// file with one of these names waits for Settle.
const maxNames = 4096

// eventLog has the last event of each name. It has names that no watched path leads to,
// because a side list may be renamed into place a moment before the order file that names it.
type eventLog struct {
	seq  uint64 // the number of the last event
	last map[string]lastEvent
}

// note adds an event. watched reports whether a watched path leads to the name.
func (l *eventLog) note(name string, how arrival, watched bool) {
	e, ok := l.last[name]
	if !ok && !watched && len(l.last) >= maxNames {
		return
	}
	l.seq++
	e.seq = l.seq
	if how != unknown {
		e.written, e.how = l.seq, how
	}
	l.last[name] = e
}

// doubt notes that events were lost: each name in dir may have been written to. If dir is
// empty, each name may have been written to.
func (l *eventLog) doubt(dir string) {
	l.seq++
	for name := range l.last {
		if dir == "" || filepath.Dir(name) == dir {
			l.last[name] = lastEvent{seq: l.seq, written: l.seq, how: written}
		}
	}
}

// prune removes each name that is not in keep and whose last event is not later than the event
// numbered since.
func (l *eventLog) prune(since uint64, keep map[string]bool) {
	for name, e := range l.last {
		if e.seq <= since && !keep[name] {
			delete(l.last, name)
		}
	}
}
