package store

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

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
	zone    string    // the time zone of the file, as written
	signed  time.Time // the newest time of signing, or zero
	since   uint64    // the number of the version among those of the process
}

// noVersion is the version of a file that has never been in force.
var noVersion = version{serial: -1, expires: order.NoTime}

// past returns what is kept of a version that is no longer in force: the serial, and the
// digest that belongs to the serial. A lower serial is refused when the file comes back.
func (v *version) past() version {
	return version{serial: v.serial, own: v.own, expires: order.NoTime}
}

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
	opt   Options
	past  map[string]version
}

// publish makes what is in force known to a Store that follows.
func (s *Store) publish() {
	l := &legacy{files: make(map[string]version, len(s.files)), guard: s.rules.Guard, lists: s.lists(), set: s.set.Load(), opt: s.opt, past: maps.Clone(s.past)}
	for path, f := range s.files {
		if f.part != nil || f.list != nil {
			l.files[path] = f.version
		} else if f.serial >= 0 {
			l.past[path] = f.past()
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
	slices.SortStableFunc(legacies, func(a, b *legacy) int { return s.likeness(b) - s.likeness(a) })
	from, differ := map[string]*legacy{}, map[string]bool{}
	for _, l := range legacies {
		for path, v := range l.past {
			if was, ok := s.past[path]; !ok || v.serial > was.serial {
				s.past[path] = v
			}
		}
		for path, v := range l.files {
			if v.list != nil && !s.isList[path] || v.part != nil && (s.isList[path] || !s.names(path)) {
				continue
			}
			f := s.known(path)
			differ[path] = differ[path] || from[path] != nil && v.digest != f.digest
			if from[path] == nil || s.likeness(l) == s.likeness(from[path]) && s.prefers(&v, &f.version) {
				f.version, from[path] = v, l
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(from)) {
		if differ[path] {
			s.log.Warningf("%s: several versions were in force in the configuration before; version %.12s is handed on", path, s.files[path].digest)
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
			own := f.own
			f.version = f.past()
			s.fail(path, f, own, dup)
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

// likeness returns how much the options of an old store are like those of s. The store whose
// options are most alike is probably the one that s follows, so s takes that store's versions:
// the versions of a store with another max_shrink have not passed the check of s.
func (s *Store) likeness(l *legacy) (n int) {
	if slices.Equal(l.opt.Patterns, s.opt.Patterns) {
		n += 2
	}
	if l.opt.MaxShrink == s.opt.MaxShrink {
		n++
	}
	// A version without the signatures that s demands is the last choice.
	if l.opt.Verify.String() == s.opt.Verify.String() {
		n += 4
	}
	return n
}

// prefers reports whether s hands on v instead of w, which are versions of one path. prefers
// chooses the newer version, unless that version loses more targets than max_shrink allows.
func (s *Store) prefers(v, w *version) bool {
	if !v.newerThan(w) {
		return s.shrinks(v, w)
	}
	return !s.shrinks(w, v)
}

// shrinks reports whether the version next loses more targets of old than max_shrink allows. A
// version without orders shrinks nothing, as in checkShrink.
func (s *Store) shrinks(old, next *version) bool {
	if old.part == nil || next.part == nil || next.part.Orders() == 0 || old.digest == next.digest {
		return false
	}
	now := seconds(s.clock.Now())
	before := old.part.BlockedAt(now)
	return before >= smallFile && old.part.TargetsLost(next.part, now)*100 > before*s.opt.MaxShrink
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
		switch {
		case reported[path]:
			continue
		case f.part == nil:
			// inherit has refused the version, or the path has a protect list. The alarm stays.
			f.gone = f.list == nil
			f.unseen = f.gone
			continue
		}
		s.look(source.File{Path: path, State: source.Missing})
		f.unseen = true
	}
}
