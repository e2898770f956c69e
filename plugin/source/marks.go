package source

import "path/filepath"

// event is one kernel event about a directory entry.
type event struct {
	name string  // the entry's path; of the directory itself when self is set
	how  arrival // unknown: attributes changed, or the entry is gone
	gone bool
	self bool // a watched directory was moved or removed
	lost bool // the kernel dropped events
}

// mark is what events have said about one name.
type mark struct {
	seq uint64 // number of the last event, counted over all names
	how arrival
}

// maxMarks bounds the marks of names that no path leads to, so that a directory full of
// other files costs nothing. Events of more names are not noted, and a new file with one
// of these names waits for Settle.
const maxMarks = 4096

// marks are the events so far. Names that no path leads to are noted as well, because a
// side list may be renamed into place a moment before the order file that names it.
type marks struct {
	seq uint64
	by  map[string]*mark
}

// note takes an event into account.
func (ms *marks) note(name string, how arrival, watched bool) {
	m := ms.by[name]
	if m == nil {
		if !watched && len(ms.by) >= maxMarks {
			return
		}
		m = &mark{}
		ms.by[name] = m
	}
	ms.seq++
	m.seq, m.how = ms.seq, how
}

// doubt notes that events were lost: each name in dir (each name, if dir is empty) may
// have been written to.
func (ms *marks) doubt(dir string) {
	ms.seq++
	for name, m := range ms.by {
		if dir == "" || filepath.Dir(name) == dir {
			m.seq, m.how = ms.seq, written
		}
	}
}

// get returns the mark of a name. It is zero without events.
func (ms *marks) get(name string) mark {
	if m := ms.by[name]; m != nil {
		return *m
	}
	return mark{}
}

// prune forgets the names without events since the event numbered since, other than
// those for which keep is set.
func (ms *marks) prune(since uint64, keep map[string]bool) {
	for name, m := range ms.by {
		if m.seq <= since && !keep[name] {
			delete(ms.by, name)
		}
	}
}
