package evidence

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

// A Moment describes the order files in force on a node at one time.
type Moment struct {
	Versions []journal.Version
	Running  bool
	Ended    time.Time
	Unknown  string
}

// At returns the versions of the order files that were in force at a time.
func (h *History) At(t time.Time) (m Moment) {
	files := map[string]journal.Version{}
	started, next := false, false
	restarted := false // the first record after t is a Start
	twice := false     // the clock was set back from after t to before t
	var all time.Time  // the time of the last list of all versions
	for _, r := range h.records {
		if !next && r.Time.After(t) {
			next, restarted = true, r.Event == journal.Start
		}
		if next {
			back := r.Event == journal.ClockStep || r.Event == journal.Start // the clock can also be set back while the server is down
			twice = twice || back && !r.Time.After(t)
			continue
		}
		switch r.Event {
		case journal.Start:
			clear(files)
			started, m.Running, m.Unknown = true, true, ""
		case journal.Stop:
			m.Running = false
		case journal.Gap:
			m.Unknown = "the journal has lost events: " + r.Why
		case journal.Outcome:
			if r.All && !r.Time.Equal(all) { // a long list of files may be in several records
				clear(files)
				m.Unknown, all = "", r.Time.Time
			}
			if r.More > 0 {
				m.Unknown = fmt.Sprintf("a record of the journal lacks %d list entries", r.More)
			}
			for _, f := range r.Files {
				switch {
				case f.Problem != "":
				case f.SHA256 == "":
					delete(files, f.File)
				default:
					files[f.File] = f
				}
			}
		}
		m.Ended = r.Time.Time
	}
	if !started {
		m.Unknown = "the journal begins after this time"
		if len(h.records) == 0 {
			m.Unknown = "the journal has no record"
		} else if h.records[0].Index > 0 {
			m.Unknown = "the text of the records of this time was deleted"
		}
	}
	// Without a Stop record, the server may have ended before t.
	if m.Running && restarted {
		m.Unknown = fmt.Sprintf("the server ended without a record at some time after %s", m.Ended.UTC().Format(time.RFC3339))
	}
	if twice {
		m.Unknown = "the clock of the server was set back, so this time came twice"
	}
	m.Versions = slices.SortedFunc(maps.Values(files), func(a, b journal.Version) int { return cmp.Compare(a.File, b.File) })
	return m
}

// HeldAt returns the reason why the server did not enforce a target at a time. The result is empty
// if the target was not held. A record without a target applies to all targets.
func (h *History) HeldAt(id, target string, t time.Time) string {
	held := map[string]string{}
	for _, r := range h.records {
		switch {
		case r.Time.After(t):
			return cmp.Or(held[target], held[""])
		case r.Order != id:
		case r.Event == journal.TargetHeld:
			held[r.Target] = r.Why
		case r.Event == journal.TargetFreed:
			delete(held, r.Target)
		}
	}
	return cmp.Or(held[target], held[""])
}

// Open returns the bytes of a version of an order file.
func (h *History) Open(f journal.Version) (io.ReadCloser, error) {
	return journal.OpenVersion(h.dir, f.SHA256)
}

// SideOf returns a function that opens the side lists of a version.
func (h *History) SideOf(f journal.Version) func(name string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) { return journal.OpenVersion(h.dir, f.Sides[name]) }
}
