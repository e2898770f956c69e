package journal

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

type lineHash struct {
	hash   tlog.Hash
	at     int64 // the index that the line has by its position
	stated int64 // the index in the text of the record, or -1 if the line is no record
	seg    int32 // the number of the file
	no     int32 // the number of the line in the file; begins with 1
	state  uint8 // see the constants
}

// These are the values of lineHash.state.
const (
	unknown   = iota // the tile with the hash of the record is missing
	good             // the line is a signed record, in its place
	misplaced        // the line is a signed record in another place, or for a second time
	changed          // the line is no signed record
)

func (x *verification) readLines() error {
	all, err := segments(x.dir)
	if err != nil {
		return err
	}
	x.lines = make([]lineHash, 0, min(x.Size, maxLines(x.dir, all)))
	for n, s := range all {
		at, no := s.first, int32(0)
		_, err := readLines(filepath.Join(x.dir, filepath.FromSlash(s.name)), func(l line) bool {
			no++
			h := lineHash{at: at, stated: -1, seg: int32(n), no: no}
			at++
			if l.text != nil {
				h.hash = tlog.RecordHash(l.text)
			}
			h.stated = stated(l.text)
			if l.whole && h.stated >= x.Size && h.at >= x.Size {
				if _, err := ParseRecord(l.text); err != nil {
					x.fault("%s:%d: the unsigned line is no record: %v", s.name, no, err)
				}
				x.tail = append(x.tail, h)
				return true
			}
			if !l.whole && n == len(all)-1 && h.at >= x.Size {
				x.note("%s:%d: the last line is not finished: the server removes the line when it starts, or writes the line now", s.name, no)
				return true
			}
			if !l.whole {
				x.fault("%s:%d: the line has no line end", s.name, no)
			}
			x.lines = append(x.lines, h)
			return true
		})
		if err != nil {
			return err
		}
	}
	x.Unsigned = int64(len(x.tail))
	return nil
}

const minLine = 90

func maxLines(dir string, all []segment) (n int64) {
	for _, s := range all {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(s.name))); err == nil {
			n += info.Size()/minLine + 1
		}
	}
	return n
}

// The rest of the record is not checked here.
func stated(text []byte) int64 {
	digits, ok := bytes.CutPrefix(text, []byte(`{"i":`))
	end := bytes.IndexByte(digits, ',')
	if !ok || end < 0 {
		return -1
	}
	n, err := strconv.ParseInt(string(digits[:end]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (x *verification) checkLines() {
	all, _ := segments(x.dir)
	name := func(l *lineHash) string { return fmt.Sprintf("%s:%d", all[l.seg].name, l.no) }
	known := func(i int64) bool { return 0 <= i && i < x.Size && (x.missing == nil || !x.missing[i]) }
	have, faults := make([]bool, x.Size), len(x.Faults)
	x.place(known)
	for n := range x.lines {
		if l := &x.lines[n]; l.state == good || l.state == unknown {
			have[l.at] = true
		}
	}
	before := int64(-1) // the record of the last good line
	for n := range x.lines {
		l := &x.lines[n]
		switch l.state {
		case good, unknown:
			if (n == 0 || x.lines[n-1].seg != l.seg) && all[l.seg].first != l.at {
				x.fault("%s: begins with record %d, and not with the record in its name", all[l.seg].name, l.at)
			}
			before = l.at
		case misplaced:
			if have[l.at] {
				x.fault("%s: record %d is there a second time", name(l), l.at)
			} else {
				x.fault("%s: record %d is not in its place, after record %d", name(l), l.at, l.at-1)
			}
			have[l.at] = true
		case changed:
			switch i := l.stated; {
			case i > before && i < x.Size && !have[i]:
				x.fault("%s: record %d was changed", name(l), i)
				have[i], before = true, i
			default:
				x.fault("%s: the line is no record of this journal: it was added or changed", name(l))
			}
		}
	}
	x.checkSequence(have, len(x.Faults) > faults)
	x.checkTail(all)
}

func (x *verification) place(known func(int64) bool) {
	straight, next := true, int64(0)
	for n := range x.lines {
		l := &x.lines[n]
		if !known(l.at) || x.leaves[l.at] != l.hash || l.at < next {
			straight = false
			break
		}
		l.state, next = good, l.at+1
	}
	if straight {
		return
	}
	index := make(map[tlog.Hash]int64, len(x.leaves))
	for i, h := range x.leaves {
		if known(int64(i)) {
			index[h] = int64(i)
		}
	}
	var ends []int // ends[k] is the line that ends the best sequence of length k+1
	previous := make([]int, len(x.lines))
	for n := range x.lines {
		l := &x.lines[n]
		i, ok := index[l.hash]
		switch {
		case ok:
			l.at, l.state = i, misplaced
		case l.stated >= 0 && l.stated < x.Size && !known(l.stated):
			l.at, l.state = l.stated, unknown // its tile is missing
		default:
			l.state = changed
			continue
		}
		k := sort.Search(len(ends), func(k int) bool { return x.lines[ends[k]].at >= l.at })
		if previous[n] = -1; k > 0 {
			previous[n] = ends[k-1]
		}
		if k == len(ends) {
			ends = append(ends, n)
		} else {
			ends[k] = n
		}
	}
	if len(ends) == 0 {
		return
	}
	for n := ends[len(ends)-1]; n >= 0; n = previous[n] {
		if l := &x.lines[n]; known(l.at) {
			l.state = good
		}
	}
}

func (x *verification) checkTail(all []segment) {
	next := x.Size
	for _, l := range x.tail {
		if l.stated != next {
			x.fault("%s:%d: the unsigned record %d follows record %d", all[l.seg].name, l.no, l.stated, next-1)
		}
		next = l.stated + 1
	}
}

func (x *verification) checkSequence(have []bool, damaged bool) {
	type head struct{ n, index int64 }
	heads, jumps := map[string]head{}, map[string]int{}
	var pruned [][2]int64
	var numbers []OrderNumber
	gaps, lastPruned := 0, int64(-1)
	known, strange, example := map[Event]bool{}, 0, ""
	for _, e := range events {
		known[e] = true
	}
	x.kept = map[string]int64{}
	x.records(true, func(r *Record) {
		switch r.Event {
		case Pruned:
			if r.First != nil && r.Last != nil {
				pruned = append(pruned, [2]int64{*r.First, *r.Last})
				lastPruned = r.Index
			}
		case Numbers:
			numbers = append(numbers, r.Heads...)
		}
	})
	for _, h := range numbers {
		if old := heads[h.Order]; h.Index >= old.index {
			heads[h.Order] = head{h.N, h.Index}
		}
	}
	damaged = x.checkMissing(have, pruned) || damaged
	x.records(false, func(r *Record) {
		if !known[r.Event] {
			if strange++; strange == 1 {
				example = fmt.Sprintf("record %d is %q", r.Index, r.Event)
			}
		}
		switch r.Event {
		case Gap:
			if r.First != nil {
				gaps++
			}
		case Kept:
			x.kept[r.SHA256] = r.Index
		case Daily:
			if r.Index > lastPruned && !damaged && x.trusted {
				list := make([]tlog.Hash, 0, len(heads))
				for _, h := range heads {
					list = append(list, x.leaves[h.index])
				}
				sortHashes(list)
				root := ""
				if len(list) > 0 {
					h := treeHash(list)
					root = base64.StdEncoding.EncodeToString(h[:])
				}
				if root != r.Root || r.Count != uint64(len(list)) {
					x.fault("record %d: the daily record does not have the last records of the orders", r.Index)
				}
			}
		}
		if r.Order == "" {
			return
		}
		old, ok := heads[r.Order]
		if ok && old.index > r.Index { // the head comes from a record Numbers
			return
		}
		switch {
		case r.Number == old.n+1:
		case !ok && len(pruned) > 0: // the records before may be pruned
		case r.Number > old.n+1 && jumps[r.Order] < gaps: // records were lost, and a Gap record says so
			jumps[r.Order] = gaps
		case damaged: // the damaged records are named
		default:
			x.fault("record %d: is number %d of its order, but number %d was expected", r.Index, r.Number, old.n+1)
		}
		heads[r.Order] = head{r.Number, r.Index}
	})
	if strange > 0 {
		x.note("%d records have an event that this version of the program does not know (%s): histories and reports may lack something", strange, example)
	}
}

func (x *verification) checkMissing(have []bool, pruned [][2]int64) (missing bool) {
	isPruned := func(i int64) bool {
		for _, p := range pruned {
			if p[0] <= i && i <= p[1] {
				return true
			}
		}
		return false
	}
	for i := int64(0); i < x.Size; i++ {
		if have[i] || x.missing != nil && x.missing[i] {
			continue
		}
		if isPruned(i) {
			x.Pruned++
			continue
		}
		first := i
		for i+1 < x.Size && !have[i+1] && !isPruned(i+1) {
			i++
		}
		missing = true
		if first == i {
			x.fault("record %d is missing", i)
		} else {
			x.fault("records %d to %d are missing", first, i)
		}
	}
	return missing
}

func (x *verification) records(onlyPrunes bool, f func(*Record)) {
	prunes := [][]byte{[]byte(`"event":"` + Pruned + `"`), []byte(`"event":"` + Numbers + `"`)}
	all, _ := segments(x.dir)
	n := 0
	for k, s := range all {
		no := int32(0)
		_, _ = readLines(filepath.Join(x.dir, filepath.FromSlash(s.name)), func(l line) bool {
			no++
			if n == len(x.lines) {
				return false
			}
			h := &x.lines[n]
			if h.seg != int32(k) || h.no != no {
				return true
			}
			n++
			if h.state == good && (!onlyPrunes || bytes.Contains(l.text, prunes[0]) || bytes.Contains(l.text, prunes[1])) {
				if r, err := ParseRecord(l.text); err == nil {
					f(&r)
				}
			}
			return true
		})
	}
}
