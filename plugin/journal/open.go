package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/durable"
	"golang.org/x/mod/sumdb/tlog"
)

// The journal must never sign a tree smaller than a tree already signed.
func (j *Journal) open() error {
	defer coop.Start()()
	if err := j.fs.Mkdir(j.dir, 0o755); err != nil { // not the parents: a disk may not be mounted yet
		return err
	}
	if j.lock == nil {
		lock, err := durable.LockDir(j.dir, j.opt.Now())
		if err != nil {
			return err
		}
		j.lock = lock
	}
	for _, d := range []struct {
		name string
		mode os.FileMode
	}{{checkpointDir, 0o755}, {recordDir, 0o700}, {tileDir, 0o755}, {versionDir, 0o700}} {
		path := filepath.Join(j.dir, d.name)
		if err := j.mkdir(path, d.mode); err != nil {
			return err
		}
		if err := j.fs.CleanUp(path); err != nil {
			return err
		}
	}
	if err := j.fs.CleanUp(j.dir); err != nil {
		return err
	}
	if err := j.loadKey(); err != nil {
		return err
	}
	if name := j.signer.Name(); name != j.opt.Origin && j.opt.Origin != "" {
		j.notice(true, "the journal keeps its name %s, which is not the name %s of the Corefile", name, j.opt.Origin)
	}
	signed, err := j.newestCheckpoint()
	if err != nil {
		return err
	}
	x := scan{j: j, signed: signed.Size, table: newTable()}
	if err := x.run(); err != nil {
		return err
	}
	t, err := readTree(j.dir, signed.Size, signed.Root)
	if err != nil {
		if t, err = j.rebuild(signed, err); err != nil {
			return err
		}
	}
	for _, p := range t.partial() {
		j.partial = append(j.partial, p.tile)
	}
	for _, h := range x.tail {
		for _, full := range t.add(h) {
			if err := j.writeTile(full); err != nil {
				return err
			}
		}
	}
	j.tree, j.table, j.signed = *t, x.table, signed.Size
	b := &Batch{j: j, at: j.opt.Now()}
	if x.end < signed.Size {
		j.table.lose(signed.Size - x.end)
		first, last := x.end, signed.Size-1
		why := fmt.Sprintf("the text of the signed records %d to %d is missing; their hashes are in the tree", first, last)
		j.notice(true, "%s", why)
		b.Add(Record{Event: Gap, First: &first, Last: &last, Count: uint64(signed.Size - x.end), Why: why})
	} else if x.last != nil {
		j.lines = *x.last
	}
	if x.cut != "" {
		j.notice(true, "%s", x.cut)
		b.Add(Record{Event: Cut, Why: x.cut})
	}
	j.mu.Lock()
	j.status.Open, j.status.Records, j.status.Signed = true, j.tree.size, j.signed
	j.mu.Unlock()
	b.flush()
	return nil
}

func (j *Journal) newestCheckpoint() (c Checkpoint, err error) {
	c, err = ReadCheckpoint(filepath.Join(j.dir, checkpointName), j.verifier)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.notice(true, "%v; the journal uses the newest file of %s", err, checkpointDir)
	}
	all, err := os.ReadDir(filepath.Join(j.dir, checkpointDir))
	if err != nil {
		return c, err
	}
	for _, e := range all {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err != nil || n <= c.Size {
			continue
		}
		kept, err := ReadCheckpoint(filepath.Join(j.dir, checkpointDir, e.Name()), j.verifier)
		if err == nil && kept.Size > c.Size {
			c = kept
		}
	}
	return c, nil
}

type scan struct {
	j      *Journal
	signed int64
	table  table
	tail   []tlog.Hash // the hashes of the records behind the checkpoint
	end    int64       // the index after the last record
	last   *lineFile   // the file of the last record, or nil
	cut    string      // says which bytes were removed, or ""
}

func (x *scan) run() error {
	all, err := segments(x.j.dir)
	if err != nil {
		return err
	}
	for i, s := range all {
		switch {
		case x.cut != "", s.first > max(x.end, x.signed), s.first < x.end && x.end > x.signed:
			// The file does not follow the last record.
			err = x.setAside(s.name, s.first, 0, i == len(all)-1)
		case s.first < x.end:
			// The verification names the records that are there twice.
		default:
			err = x.segment(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Damage in signed records is ignored here. Verify reports it.
func (x *scan) segment(s segment) error {
	path := filepath.Join(x.j.dir, filepath.FromSlash(s.name))
	index, torn := s.first, false
	size, err := readLines(path, func(l line) bool {
		coop.Yield()
		r, err := ParseRecord(l.text)
		if torn = !l.whole; torn {
			return false
		}
		if err == nil && r.Index > index && r.Index <= x.signed {
			index = r.Index // signed lines are missing
		}
		good := err == nil && r.Index == index
		if good {
			x.table.note(&r)
		}
		if index >= x.signed {
			if !good {
				return false
			}
			x.tail = append(x.tail, tlog.RecordHash(l.text))
		}
		index++
		return true
	})
	if err != nil {
		return err
	}
	x.end = index
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > size {
		if index < x.signed {
			return nil // the unfinished line of a signed record stays, as evidence
		}
		if err := x.setAside(s.name, index, size, torn); err != nil {
			return err
		}
	}
	x.last = &lineFile{name: path, size: size}
	return nil
}

// A single unfinished line is deleted. All other bytes behind the last durable record move to a
// .cut file.
func (x *scan) setAside(name string, index, offset int64, unfinished bool) error {
	j, path := x.j, filepath.Join(x.j.dir, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rest := data[min(int64(len(data)), offset):]
	if len(rest) == 0 {
		return j.fs.Remove(path) // the process has crashed before it wrote the first line
	}
	x.cut = fmt.Sprintf("%s: an unfinished line of %d bytes was removed; the last record is %d", name, len(rest), index-1)
	if !unfinished || bytes.Contains(rest, []byte("\n")) || len(rest) > MaxRecord {
		kept := path + ".cut"
		for n := 1; ; n++ {
			if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
				break
			}
			kept = fmt.Sprintf("%s.%d.cut", path, n)
		}
		x.cut = fmt.Sprintf("%s: %d bytes are no records that follow record %d, and are now in %s", name, len(rest), index-1, filepath.Base(kept))
		if err := j.fs.WriteFile(kept, rest, 0o600); err != nil {
			return err
		}
	}
	if offset == 0 {
		return j.fs.Remove(path)
	}
	return j.do(stepTruncate, func() error {
		f, err := os.OpenFile(path, os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(f.Truncate(offset), f.Sync(), f.Close())
	})
}

func (j *Journal) rebuild(c Checkpoint, why error) (*tree, error) {
	t := &tree{}
	all, err := segments(j.dir)
	if err != nil {
		return nil, err
	}
	var full []fullTile
	for _, s := range all {
		if s.first != t.size {
			break
		}
		if _, err := readLines(filepath.Join(j.dir, filepath.FromSlash(s.name)), func(l line) bool {
			coop.Yield()
			if t.size == c.Size || !l.whole {
				return false
			}
			full = append(full, t.add(tlog.RecordHash(l.text))...)
			return true
		}); err != nil {
			return nil, err
		}
	}
	if t.size != c.Size || t.root() != c.Root {
		return nil, fmt.Errorf("%w, and the records do not have it either; the journal cannot go on: keep this directory as evidence, and begin a new journal in an empty directory", why)
	}
	for _, x := range append(full, t.partial()...) {
		if err := j.writeTile(x); err != nil {
			return nil, err
		}
	}
	j.notice(true, "%v; the tiles were made again from the records", why)
	return t, nil
}
