package journal

import (
	"maps"
	"slices"
)

// A Floor is the lowest serial that the next version of a file may have.
type Floor struct {
	Serial int64
	// SHA256 is the digest of the only file that may have exactly this serial. If a person
	// has set the serial, SHA256 is empty, and any file may have it.
	SHA256 string
	index  int64 // the index of the record that set the floor
}

// noteFloors takes over the serials of a record:
//   - An Outcome raises the floors of its files.
//   - A Request sets the floor of a file, which may be lower.
//   - Numbers sets the floors that Prune keeps.
func (t *table) noteFloors(r *Record) {
	if r.Event != Outcome && r.Event != Request && r.Event != Numbers {
		return
	}
	for _, v := range r.Files {
		if v.Serial == nil || v.Problem != "" {
			continue
		}
		was, ok := t.floors[v.File]
		// The kept digest shows other bytes with the same serial later.
		if r.Event == Outcome && ok && (*v.Serial < was.Serial || *v.Serial == was.Serial && was.SHA256 != "") {
			continue
		}
		t.floors[v.File] = Floor{Serial: *v.Serial, SHA256: v.SHA256, index: r.Index}
	}
}

// Floors returns the recorded floor of each file, by path.
func (b *Batch) Floors() map[string]Floor { return maps.Clone(b.j.table.floors) }

// floorsBefore returns the floors that records below the index before have set.
func (t *table) floorsBefore(before int64) (out []Version) {
	for _, path := range slices.Sorted(maps.Keys(t.floors)) {
		if f := t.floors[path]; f.index < before {
			out = append(out, Version{File: path, SHA256: f.SHA256, Serial: &f.Serial})
		}
	}
	return out
}

// splitFiles splits a record that is too long for a line. Each result has half of the
// files. A load of thousands of files thus has several records.
func (r Record) splitFiles() (first, second Record, ok bool) {
	half := len(r.Files) / 2
	if half == 0 || len(r.encode()) <= MaxRecord {
		return r, r, false
	}
	first, second = r, r
	first.Files, second.Files = r.Files[:half], r.Files[half:]
	return first, second, true
}
