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

// A handover has the versions that a Store has in force. At a reload of the Corefile, the new Store
// takes over these versions. A handover never changes, although the old Store still loads files.
type handover struct {
	files  map[string]version
	guard  ruleset.Guard
	lists  []*guard.List // the protect lists from which guard was made
	set    *ruleset.Set
	opt    Options
	former map[string]version
}

// publish stores the versions in force in s.handover. At a reload of the Corefile, the new Store
// reads s.handover. If the set is new, publish also notifies the subscribers.
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
	if l.set != s.notified {
		s.notified = l.set
		s.subscribers.notify()
	}
}

// sinceOf returns the time since which the set with this digest is in force. If a replaced Store
// had the same set earlier, sinceOf returns the earlier time.
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

func (s *Store) configures(path string) bool {
	return slices.ContainsFunc(s.opt.Patterns, func(p string) bool { return source.Names(p, path) })
}

// inherit takes over the versions that other Stores have in force. If the options differ, it
// compiles the orders again. The first load then compares the files with these versions.
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
		// The old set records which orders were loaded after their deadlines.
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
	// The text mentions no Corefile, because the other Store may belong to the old or the new
	// Corefile.
	s.log.Infof("taken over from order sets in use: %s and %s", count(orders, "order file"), count(lists, "protect list"))
}

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

// dropTaken removes the orders of the file f whose ids other files already have, and raises an
// alarm. ids has the ids of the other files. If no order remains, dropTaken returns false.
func (s *Store) dropTaken(path string, f *file, ids map[string]*ruleset.Part) bool {
	dup := f.part.Taken(ids)
	if len(dup) == 0 {
		return true
	}
	if len(dup) == f.part.Orders() {
		s.log.Errorf("%s: is not handed on, because other files have all its orders", path)
		digest := source.Digest(f.stored.Order)
		f.version = f.former()
		s.fail(path, f, digest, dup)
		return false
	}
	s.log.Errorf("%s: is handed on without %s, because other files have orders with the same ids", path, count(len(dup), "order"))
	s.logProblems(s.log.Errorf, path, "problem", checkOrders, dup)
	f.part = f.part.Without(func(id string) bool { return ids[id] != nil })
	// f.part now lacks orders of the file. Because of the new digest, the first load reads the file
	// again, finds the same conflict, and keeps the alarm.
	h := sha256.New()
	fmt.Fprintln(h, f.digest)
	for id := range f.part.IDs() {
		fmt.Fprintf(h, "%q\n", id)
	}
	f.digest = hex.EncodeToString(h.Sum(nil))
	return true
}

// similarity returns a number that is high if an old Store and s have similar options. s takes the
// versions of the most similar Store.
func (s *Store) similarity(l *handover) (n int) {
	if slices.Equal(l.opt.Patterns, s.opt.Patterns) {
		n += 2
	}
	if l.opt.MaxShrink == s.opt.MaxShrink {
		n++
	}
	// The keys have the highest weight. A version that was checked with other keys is the last
	// choice.
	if l.opt.Verify.String() == s.opt.Verify.String() {
		n += 4
	}
	return n
}

// prefers reports whether s takes the version v of a file in place of w. s takes the newer version,
// unless the newer version loses more targets than max_shrink allows.
func (s *Store) prefers(v, w *version) bool {
	if !v.newerThan(w) {
		return s.shrinks(v, w)
	}
	return !s.shrinks(w, v)
}

// shrinks reports whether next loses more targets of old than max_shrink allows. A version with
// "orders: []" may lose all targets, because a person has written this on purpose.
func (s *Store) shrinks(old, next *version) bool {
	if old.part == nil || next.part == nil || next.part.Orders() == 0 || old.digest == next.digest {
		return false
	}
	now := seconds(s.clock.Now())
	return s.shrinksTooMuch(old.part.BlockedAt(now), old.part.TargetsLost(next.part, now))
}

// guardBy sets the guard that is made from the protect lists. If an old Store has equal lists,
// guardBy takes its guard. The orders of the old Store then need no new check.
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

// lists returns the protect lists in force, in the sequence of the configuration. If a list has no
// version in force, its element is nil.
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

// markMissing marks an inherited file as gone if the first scan has not reported the file. A new
// source does not report the missing files of a directory.
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
			// The path is a protect list, or dropTaken has refused the whole file. The alarm of
			// dropTaken must stay.
			f.gone = f.list == nil
			f.unseen = f.gone
			continue
		}
		s.observe(source.File{Path: path, State: source.Missing})
		f.unseen = true
	}
}
