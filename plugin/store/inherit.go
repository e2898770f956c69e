package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// A handover has the versions of files that a Store has in force. After a reload of the
// Corefile, the new Store takes over the versions from the handover of the old Store. A
// handover does not change, because the old Store loads files while the new Store starts.
type handover struct {
	files  map[string]version
	guard  ruleset.Guard
	lists  []*guard.List // the protect lists from which guard was made
	set    *ruleset.Set
	opt    Options
	former map[string]version
}

// publish stores the versions in force in s.handover, for a Store that replaces s after a
// reload of the Corefile.
func (s *Store) publish() {
	l := &handover{files: make(map[string]version, len(s.files)), guard: s.rules.Guard, lists: s.lists(), set: s.set.Load(), opt: s.opt, former: maps.Clone(s.former)}
	for path, f := range s.files {
		if f.part != nil || f.list != nil {
			l.files[path] = f.version
		} else if f.serial >= 0 {
			l.former[path] = f.former()
		}
	}
	s.handover.Store(l)
}

// sinceOf returns the time since which a set with the given digest is in force: the present time,
// or an earlier time if the Store that s replaces has this set.
func (s *Store) sinceOf(digest string) time.Time {
	since := s.clock.Now()
	for _, o := range s.before {
		if o.Digest == digest && o.Since.Before(since) {
			since = o.Since
		}
	}
	s.before = nil
	return since
}

// configures reports whether the configuration of the Store includes the order file at path.
func (s *Store) configures(path string) bool {
	return slices.ContainsFunc(s.opt.Patterns, func(p string) bool { return source.Names(p, path) })
}

// inherit takes over the versions of files that other Stores have in force: the Stores of the old
// configuration after a reload, and the Stores that this start has already opened. Files that are not in the configuration of s are left out. If the options of s
// differ, the orders are compiled again. The first load comes later and compares each file
// with the version that was taken over.
func (s *Store) inherit(others []*Store) {
	var handovers []*handover
	for _, o := range others {
		s.before = append(s.before, *o.status.Load())
		if l := o.handover.Load(); l != nil {
			handovers = append(handovers, l)
		}
	}
	s.chooseVersions(handovers)
	if len(s.files) == 0 {
		return
	}
	if len(handovers) == 1 {
		// The old set knows which orders were loaded after their deadlines.
		s.previous = handovers[0].set
	}
	s.sortPaths()
	s.guardBy(handovers)
	orders, lists := 0, 0
	ids := map[string]*ruleset.Part{} // the compiled orders taken over so far, by order id
	for _, path := range slices.Clone(s.paths) {
		f := s.files[path]
		if f.list != nil {
			lists++
			continue
		}
		if !s.dropTaken(path, f, ids) {
			continue
		}
		f.part = f.part.Ruled(s.rules)
		if len(handovers) > 1 { // with one Store, no two files have an order id in common
			for id := range f.part.IDs() {
				ids[id] = f.part
			}
		}
		orders++
	}
	s.sortPaths()
	if s.setError = s.catchPanic("the order set", s.swap); s.setError != nil {
		return // the method start will build the set again
	}
	// A Store whose versions are taken over may belong to the old Corefile or to the new Corefile.
	s.log.Infof("taken over from order sets in use: %s and %s", count(orders, "order file"), count(lists, "protect list"))
}

// chooseVersions chooses, for each path of the configuration, one of the versions that the old
// Stores have in force.
func (s *Store) chooseVersions(handovers []*handover) {
	slices.SortStableFunc(handovers, func(a, b *handover) int { return s.similarity(b) - s.similarity(a) })
	from, differ := map[string]*handover{}, map[string]bool{}
	for _, l := range handovers {
		for path, v := range l.former {
			if was, ok := s.former[path]; !ok || v.serial > was.serial {
				s.former[path] = v
			}
		}
		for path, v := range l.files {
			if v.list != nil && !s.isProtectList[path] || v.part != nil && (s.isProtectList[path] || !s.configures(path)) {
				continue
			}
			f := s.fileAt(path)
			differ[path] = differ[path] || from[path] != nil && v.digest != f.digest
			if from[path] == nil || s.similarity(l) == s.similarity(from[path]) && s.prefers(&v, &f.version) {
				f.version, from[path] = v, l
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(from)) {
		if differ[path] {
			s.log.Warningf("%s: order sets in use have several versions in force; version %.12s is taken over", path, s.files[path].digest)
		}
	}
}

// dropTaken drops the orders of a file whose ids are already in ids, and reports whether any
// order remains. It is needed if two old Stores have an order with the same id in force from
// two files. The new Store can have the order only once, and cannot know which file is right.
// It therefore keeps the order of the first file, and drops the order from the second file
// with an alarm.
func (s *Store) dropTaken(path string, f *file, ids map[string]*ruleset.Part) bool {
	dup := f.part.Taken(ids)
	if len(dup) == 0 {
		return true
	}
	if len(dup) == f.part.Orders() {
		s.log.Errorf("%s: is not handed on, because other files have all its orders", path)
		digest := f.ownDigest
		f.version = f.former()
		s.fail(path, f, digest, dup)
		return false
	}
	s.log.Errorf("%s: is handed on without %s, because other files have orders with the same ids", path, count(len(dup), "order"))
	s.logProblems(s.log.Errorf, path, "problem", checkOrders, dup)
	f.part = f.part.Without(func(id string) bool { return ids[id] != nil })
	// The digest must change, because f.part no longer has all orders of the file. With the
	// old digest, the first load would count the file as unchanged and end the alarm.
	h := sha256.New()
	fmt.Fprintln(h, f.digest)
	for id := range f.part.IDs() {
		fmt.Fprintf(h, "%q\n", id)
	}
	f.digest = hex.EncodeToString(h.Sum(nil))
	return true
}

// similarity returns a score: how many options of an old Store are equal to the options of s.
// The versions of the old Store with the highest score are preferred, because s probably
// replaces this old Store. If max_shrink is equal too, these versions passed the check that s
// would make.
func (s *Store) similarity(l *handover) (n int) {
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

// prefers reports whether s takes v rather than w, two versions of the file at one path. It
// takes the newer version, unless the newer version loses more targets than max_shrink allows.
func (s *Store) prefers(v, w *version) bool {
	if !v.newerThan(w) {
		return s.shrinks(v, w)
	}
	return !s.shrinks(w, v)
}

// shrinks reports whether next loses more targets of old than max_shrink allows (a percentage
// of the targets in force). A version without orders may lose all, because an empty list of
// orders is a deliberate removal.
func (s *Store) shrinks(old, next *version) bool {
	if old.part == nil || next.part == nil || next.part.Orders() == 0 || old.digest == next.digest {
		return false
	}
	now := seconds(s.clock.Now())
	return s.shrinksTooMuch(old.part.BlockedAt(now), old.part.TargetsLost(next.part, now))
}

// guardBy sets the guard that protects the names in the protect lists. If an old Store has a
// guard with the same lists, guardBy takes this guard, so that the compiled orders need not be
// checked again.
func (s *Store) guardBy(handovers []*handover) {
	lists := s.lists()
	for _, l := range handovers {
		if slices.Equal(l.lists, lists) {
			s.rules.Guard = l.guard
			return
		}
	}
	s.rules.Guard = guard.New(lists...)
}

// lists returns the protect lists in force, in the order of the configuration. The element is
// nil for a list without a good version.
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

// markMissing marks an inherited file as gone if the first scan did not report the file. A new
// source does not report a missing file of a directory, because the source has never seen the
// file.
func (s *Store) markMissing(reports []source.File) {
	reported := make(map[string]bool, len(reports))
	for _, r := range reports {
		reported[r.Path] = true
	}
	for path, f := range s.files {
		switch {
		case reported[path]:
			continue
		case f.part == nil:
			// The path is a protect list, or dropTaken has refused the version. In the second
			// case, keep the alarm of dropTaken.
			f.gone = f.list == nil
			f.unseen = f.gone
			continue
		}
		s.observe(source.File{Path: path, State: source.Missing})
		f.unseen = true
	}
}
