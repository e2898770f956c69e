package source

import "path/filepath"

// event is one kernel event about a directory entry.
type event struct {
	name string  // the path of the entry; the path of the directory if self is set
	how  arrival // unknown if only the attributes of the entry changed
	list bool    // an entry was added to the directory or removed
	self bool    // the watched directory itself was moved or removed
	lost bool    // the kernel dropped events
}

type lastEvent struct {
	seq     uint64 // the number of the last event, counted over all names
	how     arrival
	written uint64
}

const maxNames = 4096

// Events of unwatched names are stored too, because a side list can arrive before its order file.
type eventLog struct {
	seq  uint64 // the number of the last event
	last map[string]lastEvent
}

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

// Any file in the directory may have changed without an event. An empty path means all directories.
func (l *eventLog) doubt(dir string) {
	l.seq++
	for name := range l.last {
		if dir == "" || filepath.Dir(name) == dir {
			l.last[name] = lastEvent{seq: l.seq, written: l.seq, how: written}
		}
	}
}

func (l *eventLog) prune(since uint64, keep map[string]bool) {
	for name, e := range l.last {
		if e.seq <= since && !keep[name] {
			delete(l.last, name)
		}
	}
}
