package journal

import (
	"maps"
	"slices"
)

// A Floor is the lowest serial that the next version of a file may have.
type Floor struct {
	Serial int64
	// SHA256 is the digest of the version with this serial. The server refuses another version with
	// the same serial. If a person has set the serial, SHA256 is empty, and any version may have
	// the serial.
	SHA256 string
	index  int64 // the index of the record that set the floor
}

// noteFloors updates the floors of the files in a record:
//   - An Outcome record raises the floors of its files.
//   - A Request record sets the floor of a file. The new floor may be lower.
//   - A Numbers record contains the floors from records that Prune deleted.
func (t *table) noteFloors(r *Record) {
	if r.Event != Outcome && r.Event != Request && r.Event != Numbers {
		return
	}
	for _, v := range r.Files {
		if v.Serial == nil || v.Problem != "" {
			continue
		}
		was, ok := t.floors[v.File]
		// If the serial is the same, keep the old digest. It shows if another version has the same
		// serial.
		if r.Event == Outcome && ok && (*v.Serial < was.Serial || *v.Serial == was.Serial && was.SHA256 != "") {
			continue
		}
		t.floors[v.File] = Floor{Serial: *v.Serial, SHA256: v.SHA256, index: r.Index}
	}
}

// Floors returns the recorded floor of each file, by path.
func (b *Batch) Floors() map[string]Floor { return maps.Clone(b.j.table.floors) }

func (t *table) floorsBefore(before int64) (out []Version) {
	for _, path := range slices.Sorted(maps.Keys(t.floors)) {
		if f := t.floors[path]; f.index < before {
			out = append(out, Version{File: path, SHA256: f.SHA256, Serial: &f.Serial})
		}
	}
	return out
}

// splitFiles splits a record that is too long for one line. Each of the two results has half of the
// files. ok is false if the record was not split.
func (r Record) splitFiles() (first, second Record, ok bool) {
	half := len(r.Files) / 2
	if half == 0 || len(r.encode()) <= MaxRecord {
		return r, r, false
	}
	first, second = r, r
	first.Files, second.Files = r.Files[:half], r.Files[half:]
	return first, second, true
}
