package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/durable"
	"golang.org/x/mod/sumdb/tlog"
)

// A tilePos is the place of a partial tile.
type tilePos = tlog.Tile

func (j *Journal) run() {
	defer close(j.stopped)
	defer j.closeFiles()
	j.try(j.open)
	for !j.dead {
		if !j.work() && !j.wait() {
			return
		}
	}
}

// closeFiles closes the files and unlocks the directory.
func (j *Journal) closeFiles() {
	j.lines.close()
	if j.lock != nil {
		j.lock.Close()
	}
}

func (j *Journal) work() bool {
	j.mu.Lock()
	items, lost, since := j.waiting, j.lost, j.lostAt
	j.waiting, j.weight, j.lost = nil, 0, 0
	j.busy = len(items) > 0 || lost > 0
	j.mu.Unlock()
	if len(items) == 0 && lost == 0 {
		return false
	}
	defer coop.Start()()
	b := &Batch{j: j, at: j.opt.Now()}
	for _, x := range items {
		b.at = x.at
		b.call(x.run)
	}
	if lost > 0 {
		b.gap(lost, since)
	}
	b.flush()
	if j.dead {
		return true
	}
	for _, x := range items {
		if x.done != nil {
			close(x.done)
		}
	}
	switch {
	case j.hourly:
		j.sign()
	case j.due == nil && j.tree.size > j.signed:
		j.due = j.opt.After(j.opt.signEvery)
	}
	j.mu.Lock()
	j.busy = false
	j.mu.Unlock()
	return true
}

func (j *Journal) wait() bool {
	select {
	case <-j.wake:
	case <-j.due:
		j.sign()
	case <-j.again:
		j.keepUnkept()
	case <-j.stop:
		if j.more() { // an event was added just before Close
			return true
		}
		j.sign()
		return false
	}
	return true
}

// more reports whether events wait.
func (j *Journal) more() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.waiting) > 0 || j.lost > 0
}

func (j *Journal) try(f func() error) {
	for !j.dead {
		err := f()
		j.failed(err)
		if err == nil {
			return
		}
		select {
		case <-j.stop:
			if err := f(); err != nil {
				j.failed(err)
				j.dead = true
				return
			}
		case <-j.opt.After(retryAfter):
			continue
		}
		j.failed(nil)
		return
	}
}

func (j *Journal) sign() {
	j.due = nil
	if err := j.checkpoint(); err != nil {
		j.failed(err)
		j.due = j.opt.After(retryAfter)
		return
	}
	j.failed(nil)
}

func (j *Journal) checkpoint() error {
	if j.tree.size == 0 || j.tree.size == j.signed && !j.hourly {
		return nil
	}
	var partial []tilePos
	for _, p := range j.tree.partial() {
		partial = append(partial, p.tile)
		if !slices.Contains(j.partial, p.tile) {
			if err := j.writeTile(p); err != nil {
				return err
			}
		}
	}
	text, err := signCheckpoint(j.signer, j.tree.size, j.tree.root())
	if err != nil {
		return err
	}
	if j.tree.size > j.signed {
		if err := j.fs.WriteFile(filepath.Join(j.dir, checkpointName), text, 0o644); err != nil {
			return err
		}
	}
	for _, p := range j.partial {
		if !slices.Contains(partial, p) {
			path := filepath.Join(j.dir, filepath.FromSlash(TilePath(p)))
			os.Remove(path)
			os.Remove(filepath.Dir(path)) // fails if the directory has a newer tile
		}
	}
	j.signed, j.partial = j.tree.size, partial
	j.mu.Lock()
	j.status.Signed = j.signed
	j.mu.Unlock()
	if j.hourly {
		if err := j.fs.WriteFile(filepath.Join(j.dir, checkpointDir, strconv.FormatInt(j.signed, 10)), text, 0o644); err != nil {
			return err
		}
		j.hourly = false
	}
	return nil
}

func (j *Journal) writeTile(t fullTile) error {
	path := filepath.Join(j.dir, filepath.FromSlash(TilePath(t.tile)))
	if err := j.mkdir(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	err := j.fs.WriteFile(path, tileBytes(t.hashes), 0o644)
	if err != nil {
		delete(j.made, filepath.Dir(path)) // the directory may be gone
	}
	return err
}

func (j *Journal) mkdir(path string, mode os.FileMode) error {
	if path == j.dir || j.made[path] {
		return nil
	}
	if err := j.mkdir(filepath.Dir(path), mode); err != nil {
		return err
	}
	if err := j.fs.Mkdir(path, mode); err != nil {
		return err
	}
	j.made[path] = true
	return nil
}

const (
	stepAppend   durable.Step = "append"   // writes lines
	stepSync     durable.Step = "sync"     // syncs the file of the lines
	stepTruncate durable.Step = "truncate" // removes an unfinished line
)

func (j *Journal) do(s durable.Step, run func() error) error {
	if j.fs.Hook != nil {
		return j.fs.Hook(s, run)
	}
	return run()
}

type lineFile struct {
	name string // the path of an existing file that is not open yet
	f    *os.File
	size int64 // the size in bytes of the durable lines
}

// After an error, the caller must repeat the call with the same lines.
func (l *lineFile) append(j *Journal, first int64, lines []byte) error {
	if l.name != "" {
		f, err := os.OpenFile(l.name, os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		l.name, l.f = "", f
	}
	if l.f == nil {
		dir := filepath.Join(j.dir, recordDir)
		if err := j.fs.Mkdir(dir, 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(filepath.Join(dir, segmentName(first)), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if err := j.syncDir(dir); err != nil {
			return errors.Join(err, f.Close())
		}
		*l = lineFile{f: f}
	}
	if err := j.do(stepAppend, func() error { _, err := l.f.WriteAt(lines, l.size); return err }); err != nil {
		return err
	}
	if err := j.do(stepSync, l.f.Sync); err != nil {
		return err
	}
	l.size += int64(len(lines))
	return nil
}

func (l *lineFile) close() {
	if l.f != nil {
		l.f.Close()
	}
	*l = lineFile{}
}

func (j *Journal) syncDir(dir string) error {
	return j.do(durable.SyncDir, func() error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

func segmentName(first int64) string { return fmt.Sprintf("%012d.jsonl", first) }
