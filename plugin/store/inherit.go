package store

import (
	"slices"
	"sync/atomic"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// version is the version of a file that is in force.
type version struct {
	part   *ruleset.Part // nil for a protect list, and when no version is in force
	list   *guard.List   // of a protect list
	digest string        // side lists included
	own    source.Digest // of the order file alone
	serial int64         // -1: none
	// expires is the expires of the file, order.NoTime when the file has none.
	expires order.Time
	zone    string // the time zone of the file, as written
	since   uint64 // the number of the version among those of the process
}

// noVersion is the version of a file that has never been in force.
var noVersion = version{serial: -1, expires: order.NoTime}

// versions counts the versions that went into force in this process.
var versions atomic.Uint64

// newerThan reports whether v replaces w when both were in force for one path.
func (v *version) newerThan(w *version) bool {
	switch {
	case w.part == nil && w.list == nil:
		return true
	case v.serial >= 0 && w.serial >= 0 && v.serial != w.serial:
		return v.serial > w.serial
	}
	return v.since > w.since
}

// legacy is what a Store has in force, for the Store that follows. It is immutable,
// since the old Store goes on loading while the new one starts.
type legacy struct {
	files map[string]version
	guard ruleset.Guard
	lists []*guard.List // that the guard was made of
	set   *ruleset.Set
}

// publish makes what is in force known to a Store that follows.
func (s *Store) publish() {
	l := &legacy{files: make(map[string]version, len(s.files)), guard: s.rules.Guard, lists: s.lists(), set: s.set.Load()}
	for path, f := range s.files {
		if f.part != nil || f.list != nil {
			l.files[path] = f.version
		}
	}
	s.legacy.Store(l)
}

// names reports whether the configuration names an order file.
func (s *Store) names(path string) bool {
	return slices.ContainsFunc(s.opt.Patterns, func(p string) bool { return source.Names(p, path) })
}

// inherit takes over the versions that are in force in other stores, of the paths that
// the configuration names, and compiles them for the options of this Store. It runs
// before the first load, which compares each file with its version as any load does, and
// puts what was handed on into force.
func (s *Store) inherit(others []*Store) {
	var legacies []*legacy
	for _, o := range others {
		if l := o.legacy.Load(); l != nil {
			legacies = append(legacies, l)
		}
	}
	for _, l := range legacies {
		for path, v := range l.files {
			if v.list != nil && !s.isList[path] || v.part != nil && (s.isList[path] || !s.names(path)) {
				continue
			}
			if f := s.known(path); v.newerThan(&f.version) {
				f.version = v
			}
		}
	}
	if len(s.files) == 0 {
		return
	}
	if len(legacies) == 1 {
		// The new set keeps the note of which orders came after their deadline.
		s.before = legacies[0].set
	}
	s.place()
	s.guardBy(legacies)
	orders, lists := 0, 0
	taken := map[string]*ruleset.Part{} // by order id; one Store has no id twice
	for _, path := range slices.Clone(s.order) {
		f := s.files[path]
		if f.list != nil {
			lists++
			continue
		}
		// Two stores may have had the same orders in force from two files.
		if dup := f.part.Taken(taken); len(dup) > 0 {
			s.log.Errorf("%s: is not handed on, since it has orders of another file", path)
			s.logProblems(s.log.Errorf, path, "problems", checkOrders, dup)
			delete(s.files, path)
			continue
		}
		f.part = f.part.Ruled(s.rules)
		if len(legacies) > 1 {
			for id := range f.part.IDs() {
				taken[id] = f.part
			}
		}
		orders++
	}
	s.place()
	if s.broken = s.attempt("the order set", s.swap); s.broken != nil {
		return // start tries again
	}
	s.log.Infof("handed on from the configuration before: %s and %s in the versions that were in force", count(orders, "order file"), count(lists, "protect list"))
}

// guardBy makes the guard of the protect lists that are in force. A guard that another
// Store has made of the same lists is used again, so that parts need not look at their
// names again.
func (s *Store) guardBy(legacies []*legacy) {
	lists := s.lists()
	for _, l := range legacies {
		if slices.Equal(l.lists, lists) {
			s.rules.Guard = l.guard
			return
		}
	}
	s.rules.Guard = guard.New(lists...)
}

// lists returns the protect lists in force, in the order of the configuration; nil for
// a list without a good version.
func (s *Store) lists() []*guard.List {
	var out []*guard.List
	for _, path := range s.opt.Protect {
		var list *guard.List
		if f := s.files[path]; f != nil {
			list = f.list
		}
		out = append(out, list)
	}
	return out
}

// missing marks what was handed on and is not among the first reports as gone: a
// Source does not report a vanished file that it has never seen.
func (s *Store) missing(reports []source.File) {
	reported := make(map[string]bool, len(reports))
	for _, r := range reports {
		reported[r.Path] = true
	}
	for path, f := range s.files {
		if f.part == nil || reported[path] {
			continue
		}
		s.look(source.File{Path: path, State: source.Missing})
		f.unseen = true
	}
}
