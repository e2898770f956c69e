package journal

import (
	"maps"
	"slices"
)

// A Floor is the lowest serial for the next version of a file.
type Floor struct {
	Serial int64
	SHA256 string
	index  int64 // the index of the record that set the floor
}

func (t *table) noteFloors(r *Record) {
	if r.Event != Outcome && r.Event != Request && r.Event != Numbers {
		return
	}
	for _, v := range r.Files {
		if v.Serial == nil || v.Problem != "" {
			continue
		}
		was, ok := t.floors[v.File]
		// Keep the old digest for an equal serial. The server must refuse a second version with the
		// same serial.
		if r.Event == Outcome && ok && (*v.Serial < was.Serial || *v.Serial == was.Serial && was.SHA256 != "") {
			continue
		}
		t.floors[v.File] = Floor{Serial: *v.Serial, SHA256: v.SHA256, index: r.Index}
	}
}

// Floors returns the recorded floors. The keys are the paths of the files.
func (b *Batch) Floors() map[string]Floor { return maps.Clone(b.j.table.floors) }

func (t *table) floorsBefore(before int64) (out []Version) {
	for _, path := range slices.Sorted(maps.Keys(t.floors)) {
		if f := t.floors[path]; f.index < before {
			out = append(out, Version{File: path, SHA256: f.SHA256, Serial: &f.Serial})
		}
	}
	return out
}

func (r Record) splitFiles() (first, second Record, ok bool) {
	half := len(r.Files) / 2
	if half == 0 || len(r.encode()) <= MaxRecord {
		return r, r, false
	}
	first, second = r, r
	first.Files, second.Files = r.Files[:half], r.Files[half:]
	return first, second, true
}
