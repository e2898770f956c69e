package source

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type order struct {
	file           *tracked
	pattern        int        // the index of the first pattern that matches the file
	sides          []*tracked // sorted bytewise by path
	reported       map[*tracked]version
	known          bool      // was reported before, so a vanished file is reported as Missing
	unsettledSince time.Time // when a file of the order began to change; or zero
}

func compareOrders(a, b *order) int {
	return cmp.Or(cmp.Compare(a.pattern, b.pattern), strings.Compare(a.file.path, b.file.path))
}

func (s *Source) updateOrders() {
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
				o = &order{file: s.track(abs, path, !s.started)}
				o.file.list = o.file.list || i >= s.firstList
				o.file.owners = append(o.file.owners, o)
				s.orders, s.byPath[abs] = append(s.orders, o), o
				s.dirty[o] = true
			}
			o.pattern = i
		}
	}
	s.dropOrders(func(o *order) bool { return !named[o.file.abs] && !o.known })
	slices.SortFunc(s.orders, compareOrders)
}

func (s *Source) dropOrders(gone func(*order) bool) {
	s.orders = slices.DeleteFunc(s.orders, func(o *order) bool {
		if !gone(o) {
			return false
		}
		delete(s.byPath, o.file.abs)
		delete(s.dirty, o)
		for _, t := range append(o.sides, o.file) {
			s.release(t, o)
		}
		return true
	})
}

func (s *Source) track(abs, path string, initial bool) *tracked {
	t := s.tracked[abs]
	if t == nil {
		t = &tracked{path: path, abs: abs, dir: filepath.Dir(abs), initial: initial}
		s.tracked[abs] = t
		s.list = append(s.list, t)
		s.stale = true
	}
	return t
}

func (s *Source) release(t *tracked, o *order) {
	t.owners = slices.DeleteFunc(t.owners, func(x *order) bool { return x == o })
	if len(t.owners) > 0 {
		return
	}
	s.cancel(t)
	s.stale, s.unnoticed = true, true
	delete(s.tracked, t.abs)
	s.list = slices.DeleteFunc(s.list, func(x *tracked) bool { return x == t })
}

func (o *order) versions() (vs map[*tracked]version, settled bool) {
	v := o.file.version()
	vs, settled = map[*tracked]version{o.file: v}, !o.file.unsettled()
	if v.there() {
		for _, t := range o.sides {
			vs[t], settled = t.version(), settled && !t.unsettled()
		}
	}
	return vs, settled
}

func (o *order) patienceEnds() time.Time {
	end := o.unsettledSince.Add(Patience)
	if slices.ContainsFunc(append(o.sides, o.file), func(t *tracked) bool { return t.settler.candidate.ragged }) {
		return end.Add(RaggedSettle)
	}
	return end
}

func (s *Source) report(now time.Time, all bool) (out []File, next time.Time) {
	dirty := slices.SortedFunc(maps.Keys(s.dirty), compareOrders)
	vanishing := s.vanishing()
	for i, p := range s.patterns {
		if p.changed() {
			p.reported = p.settler.settled.state
			out = append(out, File{Path: p.text, Pattern: true, State: p.reported, Err: p.settler.settled.err})
		}
		for ; len(dirty) > 0 && dirty[0].pattern == i; dirty = dirty[1:] {
			f, end := s.reportOrder(dirty[0], now, all, vanishing)
			if f != nil {
				out = append(out, *f)
			}
			if !end.IsZero() && (next.IsZero() || end.Before(next)) {
				next = end
			}
		}
	}
	return out, next
}

func (s *Source) reportOrder(o *order, now time.Time, all, vanishing bool) (f *File, end time.Time) {
	vs, settled := o.versions()
	settled = settled && !vanishing
	switch {
	case settled:
		o.unsettledSince = time.Time{}
	case o.unsettledSince.IsZero():
		o.unsettledSince = now
	}
	if end := o.patienceEnds(); !settled && !all && now.Before(end) {
		return nil, end
	}
	if settled {
		delete(s.dirty, o)
	}
	if maps.EqualFunc(vs, o.reported, version.same) {
		return nil, time.Time{}
	}
	o.reported, o.known = vs, true
	return s.fileOf(o, vs), time.Time{}
}

func (s *Source) vanishing() bool {
	for o := range s.dirty {
		if o.known && o.file.settler.candidate.state == Missing {
			return true
		}
	}
	return false
}

func (p *pattern) changed() bool {
	was, is := p.reported, p.settler.settled.state
	return is != was && is != 0 && (was != 0 || is != Ready)
}

func (s *Source) fileOf(o *order, vs map[*tracked]version) *File {
	v := vs[o.file]
	f := &File{
		Path: o.file.path, State: v.state, Digest: v.digest, Size: v.size, Detached: v.detached,
		src: s, abs: o.file.abs, receipt: &receipt{},
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

// Forget drops an order file that has vanished from a directory or glob. The result is false if the
// file exists. It is also false if the path of the file is configured.
func (s *Source) Forget(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	o := s.byPath[abs]
	if o == nil || s.patterns[o.pattern].kind == plainFile || o.file.unsettled() || o.file.settler.settled.state != Missing || o.file.loc.linked() {
		return false
	}
	s.dropOrders(func(x *order) bool { return x == o })
	return true
}
