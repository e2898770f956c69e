package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// A version from another Store stays in force, unless the stored version has a higher serial.
func (s *Store) recall() (changed bool) {
	if s.dir == nil || s.recalled {
		return false
	}
	st := s.dir.open(0)
	if st == nil {
		return false
	}
	s.recalled = true
	s.warnUnaccepted(st)
	s.journalRequests(st)
	set, first := st.Set(), len(s.files) == 0
	lists := 0
	for path, v := range set.Sorted() {
		switch {
		case s.isProtectList[path]:
			if s.recallList(st, path, v) {
				lists++
			}
		case first && !s.configures(path):
			s.log.Warningf("state %s: has a version of %s, but no directive with this state directory names the file: its orders are not in force", s.dir.path, path)
		}
	}
	if lists > 0 {
		s.reguard()
	}
	recalled := s.recallOrders(st, set)
	s.recallFloors(set)
	s.sortPaths()
	if len(recalled)+lists == 0 {
		return false
	}
	if err := s.catchPanic("the order set", s.swap); err != nil {
		// The Store starts without the stored versions. The state directory keeps them.
		s.log.Errorf("state %s: %v; the stored versions are not in force", s.dir.path, err)
		for _, path := range recalled {
			s.unread[path] = s.files[path].stored
			s.files[path].version = s.files[path].former()
		}
		return false
	}
	s.log.Infof("state %s: the last good versions of %s and %s are in force until the files are read", s.dir.path, count(len(recalled), "order file"), count(lists, "protect list"))
	return true
}

func (s *Store) recallList(st *state.State, path string, v state.Version) bool {
	f := s.fileAt(path)
	if f.list != nil {
		return false
	}
	var list *guard.List
	c := &storedContent{st: st, v: v}
	if err := s.guarded(path, func() (err error) { list, err = s.readList(path, c, func(held) {}); return err }); err != nil {
		s.cannotRecall(path, v, err)
		return false
	}
	f.version = listVersion(list, v)
	return true
}

func (s *Store) recallOrders(st *state.State, set state.Set) (paths []string) {
	others := 0                       // the number of snapshots that were made with other settings
	ids := map[string]*ruleset.Part{} // the parts in force, by the ids of their orders
	for _, f := range s.files {
		if f.part != nil {
			for id := range f.part.IDs() {
				ids[id] = f.part
			}
		}
	}
	wanted := func(path string) bool { return !s.isProtectList[path] && s.configures(path) }
	rest := 0 // the number of versions for which ids is needed
	for path := range set.Versions {
		if wanted(path) {
			rest++
		}
	}
	for path, v := range set.Sorted() {
		if !wanted(path) {
			continue
		}
		rest--
		f, known := s.files[path]
		if known && f.part != nil && f.stored.Serial >= v.Serial {
			continue
		}
		g, compiled, why, err := s.recalledVersion(st, path, v)
		switch {
		case errors.Is(why, ruleset.ErrOrigin):
			others++
		case why != nil:
			s.log.Warningf("state %s: the snapshot of %s is not used, and the stored files are compiled: %v", s.dir.path, path, why)
		}
		if err != nil {
			s.cannotRecall(path, v, err)
			continue
		}
		f = s.fileAt(path)
		if f.part != nil {
			s.log.Errorf("%s: the file has serial %s, but the state directory has a version with serial %d, which is in force again", path, serialText(f.stored.Serial), v.Serial)
			maps.DeleteFunc(ids, func(_ string, part *ruleset.Part) bool { return part == f.part })
			f.err = fmt.Errorf("%s: serial: is %s, but the version in force has %d", path, serialText(f.stored.Serial), v.Serial)
		}
		was := f.version
		f.version = g.version(source.Digest(v.Order), v.Accepted)
		if was.serial > f.serial { // the floor comes from the journal
			f.serial, f.anyBytes, f.ownDigest = was.serial, was.anyBytes, was.ownDigest
		}
		f.stored, f.unchecked, f.unproven = v, !compiled, s.opt.Verify.Demanded()
		f.unseen = f.unseen || !known
		if !s.dropTaken(path, f, ids) {
			continue
		}
		paths = append(paths, path)
		if rest == 0 {
			break // the map of a register with a million orders takes time
		}
		for id := range f.part.IDs() {
			ids[id] = f.part
		}
	}
	if others > 0 {
		s.log.Infof("state %s: another version of the program or other settings made %s; the stored files were compiled", s.dir.path, count(others, "snapshot"))
	}
	return paths
}

func (s *Store) guarded(what string, fn func() error) (err error) {
	if bug := s.catchPanic(what, func() { err = fn() }); bug != nil {
		return bug
	}
	return err
}

// serialText returns a serial as text.
func serialText(serial int64) string {
	if serial < 0 {
		return "none"
	}
	return fmt.Sprint(serial)
}

// A person may set a lower serial. It replaces the serial of the version in force.
func (s *Store) recallFloors(set state.Set) {
	for path, floor := range set.Floors {
		v := version{serial: floor.Serial, ownDigest: source.Digest(floor.Order), anyBytes: floor.Order == (state.Digest{}), expires: order.NoTime}
		if v.anyBytes {
			s.permitted[path] = v.serial
		}
		f := s.files[path]
		switch {
		case f == nil:
			if was, ok := s.former[path]; !ok || was.serial < v.serial {
				s.former[path] = v
			}
		case f.part == nil && f.serial < v.serial:
			f.version = v
		case f.part != nil && (v.anyBytes || f.serial < v.serial):
			f.serial, f.anyBytes, f.ownDigest = v.serial, v.anyBytes, v.ownDigest
		}
	}
}

// The state directory must keep the stored version.
func (s *Store) cannotRecall(path string, v state.Version, err error) {
	s.unread[path] = v
	var ps order.Problems
	if errors.As(err, &ps) {
		s.logProblems(s.log.Errorf, path, "problem", checkOrders, ps)
		err = errors.New(count(len(ps), "problem"))
	}
	s.log.Errorf("state %s: the stored version of %s cannot be put into force: %v", s.dir.path, path, err)
}

type storedContent struct {
	st  *state.State
	v   state.Version
	err error // the first error
}

func (c *storedContent) failed(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *storedContent) Open() (io.ReadCloser, error) { return c.blob(c.v.Order) }

// OpenSide returns the bytes of a side list.
func (c *storedContent) OpenSide(name string) (io.ReadCloser, source.Digest, error) {
	d, ok := c.v.Sides[name]
	if !ok {
		err := fmt.Errorf("%q: %w", name, fs.ErrNotExist)
		c.failed(err)
		return nil, source.Digest{}, err
	}
	r, err := c.blob(d)
	return r, source.Digest(d), err
}

func (c *storedContent) Intact() error { return c.err }

func (c *storedContent) blob(d state.Digest) (io.ReadCloser, error) {
	r, err := c.st.Blob(d)
	if err != nil {
		c.failed(err)
		return nil, err
	}
	return &blobReader{r, c}, nil
}

type blobReader struct {
	io.ReadCloser
	c *storedContent
}

func (r *blobReader) Size() int64 { return order.SizeOf(r.ReadCloser) }

func (r *blobReader) Close() error {
	if _, err := io.Copy(io.Discard, r.ReadCloser); err != nil {
		r.c.failed(err)
	}
	err := r.ReadCloser.Close()
	r.c.failed(err)
	return err
}

func (s *Store) recallLate() time.Time {
	if s.dir == nil || s.recalled && s.dir.isOpen() {
		return time.Time{}
	}
	s.recalled = false // the directory was removed or replaced; see stateDir.look
	if s.dir.open(0) == nil {
		return s.clock.Now().Add(stateRetry)
	}
	known := maps.Clone(s.files)
	s.recall()
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		if f := s.files[path]; known[path] == nil && f.part != nil {
			s.observe(source.File{Path: path, State: source.Missing})
			f.unseen = true
		}
	}
	s.load(nil)
	return time.Time{}
}
