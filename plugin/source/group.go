package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// order is one order file with its side lists: what is reported together.
type order struct {
	t       *track
	pattern int // the first that names it
	sides   []*track
	// told is the last report: the versions of the file and of each side list.
	// Empty: the next report is due whatever it says.
	told  []member
	known bool // was reported: it stays, when it vanishes, as Missing
	// restless is since when a member has been, zero when none is.
	restless time.Time
}

// member is the version of one path in a report.
type member struct {
	abs string
	version
}

// addOrder makes sure of an order file.
func (s *Source) addOrder(abs, path string, pattern int) {
	if o := s.byPath[abs]; o != nil {
		o.pattern = pattern
		return
	}
	o := &order{t: s.track(abs, path, !s.started), pattern: pattern}
	s.orders, s.byPath[abs] = append(s.orders, o), o
}

// dropOrders forgets the orders of which gone is true, and what only they need.
func (s *Source) dropOrders(gone func(*order) bool) {
	s.orders = slices.DeleteFunc(s.orders, func(o *order) bool {
		if !gone(o) {
			return false
		}
		delete(s.byPath, o.t.abs)
		return true
	})
	s.sweep()
}

// track returns the track of a path, made if need be.
func (s *Source) track(abs, path string, first bool) *track {
	t := s.tracks[abs]
	if t == nil {
		t = &track{path: path, abs: abs, first: first}
		s.tracks[abs] = t
	}
	return t
}

// sweep forgets tracks that no order needs any more.
func (s *Source) sweep() {
	used := map[*track]bool{}
	for _, o := range s.orders {
		used[o.t] = true
		for _, t := range o.sides {
			used[t] = true
		}
	}
	for abs, t := range s.tracks {
		if !used[t] {
			t.stop()
			delete(s.tracks, abs)
		}
	}
}

// now returns the versions to be reported, and whether all stand still. Side
// lists matter only to a file that is there.
func (o *order) now() (ms []member, still bool) {
	v := o.t.version()
	still = v.state != Pending
	ms = append(ms, member{o.t.abs, v})
	if v.state == Ready || v.state == Pending {
		for _, t := range o.sides {
			v := t.version()
			still = still && v.state != Pending
			ms = append(ms, member{t.abs, v})
		}
	}
	return ms, still
}

// still says that no order and no pattern is about to change.
func (s *Source) still() bool {
	for _, o := range s.orders {
		if _, still := o.now(); !still {
			return false
		}
	}
	return true
}

// report returns what is new since the last report, in stable order. An order
// whose file or side list is restless waits until both stand still, so that a
// new order file is not read with half a side list; but no longer than
// Patience, or not at all when all is set. patience is when that ends for the
// first, zero if none waits.
func (s *Source) report(now time.Time, all bool) (out []File, patience time.Time) {
	next := 0
	patterns := func(below int) {
		for ; next < below; next++ {
			if p := s.patterns[next]; p.changed() {
				out = append(out, p.file())
				p.told = p.set.held.state
			}
		}
	}
	for _, o := range s.orders {
		patterns(o.pattern + 1)
		ms, still := o.now()
		switch {
		case still:
			o.restless = time.Time{}
		case o.restless.IsZero():
			o.restless = now
		}
		if end := o.restless.Add(Patience); !still && !all && now.Before(end) {
			if patience.IsZero() || end.Before(patience) {
				patience = end
			}
			continue
		}
		if slices.EqualFunc(ms, o.told, func(a, b member) bool { return a.abs == b.abs && a.same(b.version) }) {
			continue
		}
		o.told, o.known = ms, true
		out = append(out, s.file(o, ms))
	}
	patterns(len(s.patterns))
	return out, patience
}

// changed says that a pattern has something to report: first that it names
// nothing, and later that it does again.
func (p *pattern) changed() bool {
	was, is := p.told, p.set.held.state
	return is != was && is != 0 && (was != 0 || is != Ready)
}

// file is the report about a pattern.
func (p *pattern) file() File {
	return File{Path: p.text, Pattern: true, State: p.set.held.state, Err: p.set.held.err}
}

// file is the report about an order.
func (s *Source) file(o *order, ms []member) File {
	f := File{Path: o.t.path, src: s, abs: o.t.abs, read: &receipt{}}
	v := ms[0].version
	f.State, f.Digest, f.Size = v.state, v.digest, v.size
	if v.state != Ready && v.state != Pending {
		f.Err = v.err
	}
	for i, m := range ms[1:] {
		f.Sides = append(f.Sides, Side{
			Path: o.sides[i].path, State: m.state, Err: m.err, Digest: m.digest, Size: m.size,
		})
	}
	return f
}

// Snapshot returns every file with its state now, Pending when it is restless,
// and each directory or glob that is Missing, Unreadable or Empty. It reports
// nothing: what changed is still handed to Run's function.
func (s *Source) Snapshot() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []File
	for i, p := range s.patterns {
		if v := p.set.held.state; v != 0 && v != Ready {
			out = append(out, p.file())
		}
		for _, o := range s.orders {
			if o.pattern == i {
				ms, _ := o.now()
				out = append(out, s.file(o, ms))
			}
		}
	}
	return out
}

// Forget drops a vanished file of a directory or glob, for a caller that has
// nothing of it in force any more. It says false, and changes nothing, when the
// file is there or is named by the configuration itself.
func (s *Source) Forget(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	o := s.byPath[abs]
	if o == nil || s.patterns[o.pattern].kind == plainFile || o.t.restless() || o.t.set.held.state != Missing {
		return false
	}
	s.dropOrders(func(x *order) bool { return x == o })
	return true
}

// open opens a path of the order named owner, verified against v.
func (s *Source) open(owner, abs, path string, v version, rcpt *receipt) (*reader, error) {
	lost := func() { s.lost(owner, abs) }
	f, err := s.fs.open(abs)
	if err != nil {
		err = pathError(path, "", err)
		rcpt.failed(err)
		lost()
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Size() != v.size { // spare the parse
		_ = f.Close()
		err = fmt.Errorf("%s: %w", path, ErrChanged)
		rcpt.failed(err)
		lost()
		return nil, err
	}
	return newReader(f, path, v, rcpt, lost), nil
}

// lost notes that a report was not received: the path is looked at anew, has to
// stand still (which also keeps a disk that fails from being read without end),
// and then its owner is reported, also if it has its old bytes again.
func (s *Source) lost(owner, abs string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.byPath[owner]; o != nil {
		o.told = nil
	}
	if t := s.tracks[abs]; t != nil && !s.closed {
		t.stop()
		t.confirm = nil
		now := s.clock.Now()
		t.set.held = version{}
		t.set.disturb()
		t.ask(now.Add(debounce))
	}
	s.kick()
}

// openSide opens a side list of the order named owner, which from now on
// depends on it.
func (s *Source) openSide(owner, path string, rcpt *receipt) (*reader, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	o := s.byPath[owner]
	if o == nil || s.closed {
		s.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", path, ErrClosed)
	}
	v := s.addSide(o, abs, path)
	s.mu.Unlock()
	if v.state != Ready {
		err := stateError(path, v.state, v.err)
		if v.state == Pending {
			rcpt.failed(err)
		}
		return nil, err
	}
	return s.open(owner, abs, path, v, rcpt)
}

// addSide has o depend on a side list and returns its version. What the caller
// learns here counts as reported.
func (s *Source) addSide(o *order, abs, path string) version {
	for i, t := range o.sides {
		if t.abs == abs {
			if len(o.told) == 1+len(o.sides) {
				o.told[1+i].version = t.version()
			}
			return t.version()
		}
	}
	t := s.track(abs, path, true)
	if !t.looked {
		s.checkSide(t, s.clock.Now())
		s.scanAt = time.Time{} // watch its directory
		s.kick()
	}
	i, _ := slices.BinarySearchFunc(o.sides, path, func(t *track, path string) int { return strings.Compare(t.path, path) })
	o.sides = slices.Insert(o.sides, i, t)
	if len(o.told) == len(o.sides) { // nil after a loss
		o.told = slices.Insert(o.told, 1+i, member{abs, t.version()})
	}
	return t.version()
}

// setSides makes paths the side lists of the order named owner.
func (s *Source) setSides(owner string, paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.byPath[owner]
	if o == nil || s.closed {
		return
	}
	keep := map[string]bool{}
	for _, path := range paths {
		abs, err := filepath.Abs(path)
		if err != nil {
			continue
		}
		keep[abs] = true
		if !slices.ContainsFunc(o.sides, func(t *track) bool { return t.abs == abs }) {
			s.addSide(o, abs, path)
		}
	}
	o.sides = slices.DeleteFunc(o.sides, func(t *track) bool { return !keep[t.abs] })
	if len(o.told) > 0 {
		o.told = slices.DeleteFunc(o.told, func(m member) bool { return m.abs != owner && !keep[m.abs] })
	}
	s.sweep()
}
