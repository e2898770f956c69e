package source

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// order is one order file with its side lists. They are reported together.
type order struct {
	t       *track
	pattern int // the first that names it
	sides   []*track
	// told is the last report: the versions of the file and of its side lists. When told
	// is empty, the next report is due whatever it says.
	told     map[*track]version
	known    bool      // was reported: stays, when it vanishes, as Missing
	restless time.Time // since when a member has been restless; zero when none is
}

func compare(a, b *order) int {
	return cmp.Or(cmp.Compare(a.pattern, b.pattern), strings.Compare(a.t.path, b.t.path))
}

// reorder brings the order files up to date with what the patterns name.
func (s *Source) reorder() {
	named := map[string]bool{}
	for i, p := range s.patterns {
		for _, path := range p.last.paths {
			abs, err := filepath.Abs(path)
			if err != nil || named[abs] {
				continue
			}
			named[abs] = true
			o := s.byPath[abs]
			if o == nil {
				o = &order{t: s.track(abs, path, !s.started)}
				o.t.list = o.t.list || i >= s.lists
				o.t.owners = append(o.t.owners, o)
				s.orders, s.byPath[abs] = append(s.orders, o), o
				s.dirty[o] = true
			}
			o.pattern = i
		}
	}
	s.dropOrders(func(o *order) bool { return !named[o.t.abs] && !o.known })
	slices.SortFunc(s.orders, compare)
}

// dropOrders forgets the orders for which gone is true, and what only they need.
func (s *Source) dropOrders(gone func(*order) bool) {
	s.orders = slices.DeleteFunc(s.orders, func(o *order) bool {
		if !gone(o) {
			return false
		}
		delete(s.byPath, o.t.abs)
		delete(s.dirty, o)
		for _, t := range append(o.sides, o.t) {
			s.release(t, o)
		}
		return true
	})
}

// track returns the track of a path, made if need be.
func (s *Source) track(abs, path string, first bool) *track {
	t := s.tracks[abs]
	if t == nil {
		t = &track{path: path, abs: abs, first: first}
		s.tracks[abs] = t
		s.list = append(s.list, t)
		s.stale = true
	}
	return t
}

// release takes a track from o. A track that no order needs any more is forgotten.
func (s *Source) release(t *track, o *order) {
	t.owners = slices.DeleteFunc(t.owners, func(x *order) bool { return x == o })
	if len(t.owners) > 0 {
		return
	}
	s.drop(t)
	s.stale, s.unnoticed = true, true
	delete(s.tracks, t.abs)
	s.list = slices.DeleteFunc(s.list, func(x *track) bool { return x == t })
}

// now returns the versions of the file and of its side lists, and reports whether all of
// them have settled. Side lists matter only to a file that is there.
func (o *order) now() (vs map[*track]version, still bool) {
	v := o.t.version()
	vs, still = map[*track]version{o.t: v}, !o.t.restless()
	if v.there() {
		for _, t := range o.sides {
			vs[t], still = t.version(), still && !t.restless()
		}
	}
	return vs, still
}

// patience returns when o is reported although a member is restless. A last line without
// end is waited for longer.
func (o *order) patience() time.Time {
	end := o.restless.Add(Patience)
	if slices.ContainsFunc(append(o.sides, o.t), func(t *track) bool { return t.set.cand.ragged }) {
		return end.Add(RaggedSettle)
	}
	return end
}

// report returns what is new since the last report, in stable order. An order whose file
// or side list is restless waits until both have settled, so that a new order file is not
// read with half a side list; but no longer than its patience, or not at all when all is
// set. An order also waits while another order file vanishes. next is when the first
// patience ends; it is zero if no order waits.
func (s *Source) report(now time.Time, all bool) (out []File, next time.Time) {
	patterns := func(p *pattern) {
		if p.changed() {
			out = append(out, p.file())
			p.told = p.set.held.state
		}
	}
	vanishing := s.vanishing()
	s.each(slices.SortedFunc(maps.Keys(s.dirty), compare), patterns, func(o *order) {
		vs, still := o.now()
		still = still && !vanishing
		switch {
		case still:
			o.restless = time.Time{}
		case o.restless.IsZero():
			o.restless = now
		}
		if end := o.patience(); !still && !all && now.Before(end) {
			if next.IsZero() || end.Before(next) {
				next = end
			}
			return
		}
		if still {
			delete(s.dirty, o)
		}
		if !maps.EqualFunc(vs, o.told, version.same) {
			o.told, o.known = vs, true
			out = append(out, s.file(o, vs))
		}
	})
	return out, next
}

// each calls fn for each order, which must be sorted, and pattern for each pattern,
// before the orders of the pattern.
func (s *Source) each(orders []*order, pattern func(*pattern), fn func(*order)) {
	done := 0
	for _, o := range orders {
		for ; done <= o.pattern; done++ {
			pattern(s.patterns[done])
		}
		fn(o)
	}
	for ; done < len(s.patterns); done++ {
		pattern(s.patterns[done])
	}
}

// vanishing reports whether an order file that was reported has just vanished, so that its
// absence has not settled yet. The other order files then wait, because one of them may be
// the same file under its new name.
func (s *Source) vanishing() bool {
	for o := range s.dirty {
		if o.known && o.t.set.cand.state == Missing {
			return true
		}
	}
	return false
}

// changed reports whether a pattern has something to report: first that it names nothing,
// and later that it names files again.
func (p *pattern) changed() bool {
	was, is := p.told, p.set.held.state
	return is != was && is != 0 && (was != 0 || is != Ready)
}

// file returns the report about a pattern.
func (p *pattern) file() File {
	return File{Path: p.text, Pattern: true, State: p.set.held.state, Err: p.set.held.err}
}

// file returns the report about an order.
func (s *Source) file(o *order, vs map[*track]version) File {
	v := vs[o.t]
	f := File{
		Path: o.t.path, State: v.state, Digest: v.digest, Size: v.size, Detached: v.detached,
		src: s, abs: o.t.abs, read: &receipt{},
	}
	if v.state != Ready {
		f.Err = v.err
	}
	for _, t := range o.sides {
		v, ok := vs[t]
		if !ok {
			continue
		}
		f.Sides = append(f.Sides, Side{Path: t.path, State: v.state, Err: v.err, Digest: v.digest, Size: v.size})
		if v.state == Pending && f.State == Ready {
			f.State, f.Err = Pending, v.err
		}
	}
	return f
}

// Snapshot returns every file with its state now, Pending when it is restless, and each
// directory or glob that is Missing, Unreadable or Empty. It reports nothing: what
// changed is still handed to Run's function.
func (s *Source) Snapshot() (out []File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	patterns := func(p *pattern) {
		if p.set.held.state != 0 && p.set.held.state != Ready {
			out = append(out, p.file())
		}
	}
	s.each(s.orders, patterns, func(o *order) {
		vs, _ := o.now()
		out = append(out, s.file(o, vs))
	})
	return out
}

// Forget drops a vanished file of a directory or glob, for a caller that has nothing of
// it in force any more. It returns false, and changes nothing, when there is a file or a
// link that leads nowhere, or when the configuration itself names the file.
func (s *Source) Forget(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	o := s.byPath[abs]
	if o == nil || s.patterns[o.pattern].kind == plainFile || o.t.restless() || o.t.set.held.state != Missing || o.t.place.linked() {
		return false
	}
	s.dropOrders(func(x *order) bool { return x == o })
	return true
}

// open opens a path of the order named owner, verified against v.
func (s *Source) open(owner, abs, path string, v version, rcpt *receipt) (*reader, error) {
	lost := func() { s.lost(owner, abs) }
	r, err := newReader(s, func() (openFile, error) { return s.fs.open(abs) }, path, v, rcpt, lost)
	if err != nil {
		rcpt.failed(err)
		lost()
		return nil, err
	}
	return r, nil
}

// lost notes that a report was not received. The path is looked at anew and has to
// settle, which also keeps a failing disk from being read without end. Then its owner is
// reported, also if the file has its old bytes again.
func (s *Source) lost(owner, abs string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.byPath[owner]; o != nil {
		o.told = nil
	}
	if t := s.tracks[abs]; t != nil && !s.closed {
		s.drop(t)
		t.set.held = version{}
		t.set.disturb()
		s.touch(t)
		s.settleAt(s.clock.Now().Add(debounce))
	}
	s.kick()
}

// openSide opens a side list of the order named owner, which from now on depends on it.
func (s *Source) openSide(owner, path string, rcpt *receipt) (*reader, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	v, err := s.addSide(owner, abs, path)
	if err != nil {
		return nil, err
	}
	if v.state != Ready {
		err := stateError(path, v.state, v.err)
		if v.state == Pending {
			rcpt.failed(err)
		}
		return nil, err
	}
	return s.open(owner, abs, path, v, rcpt)
}

// addSide has an order depend on a side list and returns the list's version. The caller
// learns the version here, so the version counts as reported.
func (s *Source) addSide(owner, abs, path string) (version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.byPath[owner]
	if o == nil || s.closed {
		return version{}, fmt.Errorf("%s: %w", printable.Line(path), ErrClosed)
	}
	i := slices.IndexFunc(o.sides, func(t *track) bool { return t.abs == abs })
	if i < 0 {
		t := s.track(abs, path, true)
		t.list = t.list || s.byPath[abs] == nil
		t.owners = append(t.owners, o)
		i, _ = slices.BinarySearchFunc(o.sides, path, func(t *track, path string) int { return strings.Compare(t.path, path) })
		o.sides = slices.Insert(o.sides, i, t)
		if t.place == nil {
			s.first(t)
		}
		if i = slices.Index(o.sides, t); i < 0 {
			return version{}, fmt.Errorf("%s: %w", printable.Line(path), ErrClosed)
		}
	}
	v := o.sides[i].version()
	if o.told[o.t].there() { // not after a loss
		o.told[o.sides[i]] = v
	}
	s.dirty[o] = true
	return v, nil
}

// firstBytes is the size up to which OpenSide waits for a new list, in bytes.
const firstBytes = 64 << 20

// first looks at a new side list and hashes the list, for a caller that waits for its
// version. A list that is big, or does not come within a second, is left to the loop:
// it is Pending until then. The caller holds the lock, which is released meanwhile.
func (s *Source) first(t *track) {
	wait := func(over <-chan struct{}) bool {
		s.mu.Unlock()
		defer s.mu.Lock()
		return s.returns(over, s.firstWait, nil)
	}
	s.events(s.clock.Now())
	seq, fs, over := s.marks.seq, s.fs, make(chan struct{})
	var p *place
	go func() { p = fs.resolve(t.abs, nil); close(over) }()
	ok := wait(over)
	now := s.clock.Now()
	s.ask(now) // its directory is to be watched
	s.kick()
	if !ok || t.place != nil || s.tracks[t.abs] != t {
		return
	}
	s.see(t, p, seq, now)
	if !s.wanted[t] || p.size > firstBytes {
		return
	}
	delete(s.wanted, t)
	j := newJob(t, now)
	t.job = j
	hashed := s.begin(j, func() {
		for buf := make([]byte, min(step, p.size+1)); !j.step(&fs, buf); {
			coop.Yield()
		}
	})
	if wait(hashed) {
		s.takeBack(j)
	} else {
		s.leave(j, hashed)
	}
}

// setSides makes paths the side lists of the order named owner.
func (s *Source) setSides(owner string, paths []string) {
	keep := map[string]bool{}
	for _, path := range paths {
		if abs, err := filepath.Abs(path); err == nil {
			keep[abs] = true
			_, _ = s.addSide(owner, abs, path) // closed: nothing to set
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.byPath[owner]
	if o == nil || s.closed {
		return
	}
	o.sides = slices.DeleteFunc(o.sides, func(t *track) bool {
		if keep[t.abs] {
			return false
		}
		s.release(t, o)
		delete(o.told, t)
		return true
	})
}
