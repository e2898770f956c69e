package journal

import (
	"errors"
	"fmt"
	"path/filepath"
)

// This limits the orders in a Numbers record. The record must stay below MaxRecord bytes, and an id
// can have 2 KB.
const headsInRecord = 25

// Prune deletes the text of old records and returns the names of the deleted files. It deletes only
// whole files. The second argument is the index of the first record that must stay. No process may
// write the journal at the same time.
//
// The hashes stay in the tree, so the other records can still be proved. A new signed record names
// the deleted records, the person and the reason.
func Prune(dir string, before int64, by, why string, opt Options) ([]string, error) {
	j := newJournal(dir, opt)
	close(j.stop) // an action on the disk that fails is not tried again and again
	defer j.closeFiles()
	if err := j.open(); err != nil {
		return nil, err
	}
	b := &Batch{j: j, at: j.opt.Now()}
	return b.prune(before, by, why)
}

func (b *Batch) prune(before int64, by, why string) (names []string, err error) {
	j := b.j
	b.flush()
	all, err := segments(j.dir)
	if err != nil {
		return nil, err
	}
	first, last := int64(-1), int64(-1)
	var heads []OrderNumber
	var earlier []Record // the records about earlier deletions
	for i, s := range all {
		if i+1 == len(all) || all[i+1].first > before {
			break
		}
		if first < 0 {
			first = s.first
		}
		names, last = append(names, s.name), all[i+1].first-1
		// Keep the last number of each order, because an order must never use a number twice.
		if _, err := readLines(filepath.Join(j.dir, filepath.FromSlash(s.name)), func(l line) bool {
			r, err := ParseRecord(l.text)
			if err == nil && r.Order != "" {
				if e := j.table.orders[j.table.key(r.Order)]; e.last == r.Index {
					h := OrderNumber{Order: r.Order, N: r.Number, Index: r.Index, State: states[e.state]}
					if e.content != 0 {
						h.Content = fmt.Sprintf("%08x", e.content)
					}
					heads = append(heads, h)
				}
			}
			if err == nil && r.Event == Pruned {
				earlier = append(earlier, Record{Time: r.Time, Event: Pruned, First: r.First, Last: r.Last, By: r.By, Why: r.Why})
			}
			if err == nil && r.Event == Numbers {
				for _, h := range r.Heads {
					if e := j.table.orders[j.table.key(h.Order)]; e.last == h.Index {
						heads = append(heads, h)
					}
				}
			}
			return true
		}); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	for len(heads) > 0 {
		n := min(headsInRecord, len(heads))
		b.Add(Record{Event: Numbers, Heads: heads[:n]})
		heads = heads[n:]
	}
	if files := b.j.table.floorsBefore(last + 1); len(files) > 0 {
		b.Add(Record{Event: Numbers, Files: files})
	}
	for _, r := range earlier {
		b.Add(r)
	}
	b.Add(Record{Event: Pruned, First: &first, Last: &last, By: by, Why: why})
	b.flush()
	if j.dead {
		return nil, errors.New("the disk does not take the record about the deletion")
	}
	j.hourly = true // the checkpoint is also kept in checkpoints/
	if err := j.checkpoint(); err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		paths = append(paths, filepath.Join(j.dir, filepath.FromSlash(name)))
	}
	return names, j.fs.Remove(paths...)
}
