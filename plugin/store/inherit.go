package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// A handover is what a Store passes on to the Store that replaces it after a reload of the
// Corefile. A handover is immutable, because the old Store continues to load files while the
// new Store starts.
type handover struct {
	files  map[string]version
	guard  ruleset.Guard
	lists  []*guard.List // the lists from which guard was made
	set    *ruleset.Set
	opt    Options
	former map[string]version
}

// publish makes the versions in force available to a Store that replaces this Store.
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

// configures reports whether a pattern of the configuration matches the path.
func (s *Store) configures(path string) bool {
	return slices.ContainsFunc(s.opt.Patterns, func(p string) bool { return source.Names(p, path) })
}

// inherit takes over the versions in force of other Stores and puts them into force. It ignores
// files that the configuration of s does not name. If the options differ, inherit compiles the
// versions again. The first load runs after inherit, and compares each file with its version.
func (s *Store) inherit(others []*Store) {
	var handovers []*handover
	for _, o := range others {
		if l := o.handover.Load(); l != nil {
			handovers = append(handovers, l)
		}
	}
	s.chooseVersions(handovers)
	if len(s.files) == 0 {
		return
	}
	if len(handovers) == 1 {
		// The set of the old Store knows which orders came after their deadlines.
		s.previous = handovers[0].set
	}
	s.sortPaths()
	s.guardBy(handovers)
	orders, lists := 0, 0
	ids := map[string]*ruleset.Part{} // the parts that are handed on, by the ids of their orders
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
		if len(handovers) > 1 { // the files of one Store have no id in common
			for id := range f.part.IDs() {
				ids[id] = f.part
			}
		}
		orders++
	}
	s.sortPaths()
	if s.setError = s.catchPanic("the order set", s.swap); s.setError != nil {
		return // start tries again
	}
	s.log.Infof("handed on from the configuration before: %s and %s in the versions that were in force", count(orders, "order file"), count(lists, "protect list"))
}

// chooseVersions takes one version for each path of the configuration from the handovers.
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
			s.log.Warningf("%s: several versions were in force in the configuration before; version %.12s is handed on", path, s.files[path].digest)
		}
	}
}

// dropTaken drops the orders of a file whose ids are already in ids, and reports whether an
// order remains. Two old Stores may have had an order in force from two files. The new Store
// may have the order only once, and cannot know which file has the right version of the order.
// So the order of the first file stays in force. The other orders of the second file stay in
// force too.
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
	// The part now differs from the file, so the version needs a digest of its own. With the
	// digest of the file, the first load would take the file for unchanged and raise no alarm.
	h := sha256.New()
	fmt.Fprintln(h, f.digest)
	for id := range f.part.IDs() {
		fmt.Fprintf(h, "%q\n", id)
	}
	f.digest = hex.EncodeToString(h.Sum(nil))
	return true
}

// similarity returns how similar the options of an old Store are to the options of s. The most
// similar Store is probably the Store that s replaces, so its versions are preferred. The
// versions of a Store with another max_shrink did not pass the check of s.
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

// prefers reports whether s takes v instead of w, which are versions of one path. prefers
// chooses the newer version, unless the newer version loses more targets than max_shrink
// allows.
func (s *Store) prefers(v, w *version) bool {
	if !v.newerThan(w) {
		return s.shrinks(v, w)
	}
	return !s.shrinks(w, v)
}

// shrinks reports whether the version next loses more targets of old than max_shrink allows. A
// version without orders is a deliberate removal of all orders, as in mayReplace.
func (s *Store) shrinks(old, next *version) bool {
	if old.part == nil || next.part == nil || next.part.Orders() == 0 || old.digest == next.digest {
		return false
	}
	now := seconds(s.clock.Now())
	return s.shrinksTooMuch(old.part.BlockedAt(now), old.part.TargetsLost(next.part, now))
}

// guardBy sets the guard for the protect lists in force. If another Store has a guard of the
// same lists, guardBy takes that guard. Parts that were compiled with the guard then do not
// check their names again.
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

// lists returns the protect lists in force, in the order of the configuration. The element of a
// list without a good version is nil.
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

// markMissing marks the inherited files that are not in the first reports as gone. The source
// does not report these files, because a source reports a missing file only if it saw the file
// before.
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
			// The path has a protect list, or dropTaken has refused the version. The alarm of
			// dropTaken stays.
			f.gone = f.list == nil
			f.unseen = f.gone
			continue
		}
		s.observe(source.File{Path: path, State: source.Missing})
		f.unseen = true
	}
}
