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

// A published handover must not change, because other Stores read it without a lock.
type handover struct {
	files  map[string]version
	guard  ruleset.Guard
	lists  []*guard.List // the protect lists from which guard was made
	set    *ruleset.Set
	opt    Options
	former map[string]version
}

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
	h := sha256.New()
	fmt.Fprintln(h, f.digest)
	for id := range f.part.IDs() {
		fmt.Fprintf(h, "%q\n", id)
	}
	f.digest = hex.EncodeToString(h.Sum(nil))
	return true
}

func (s *Store) similarity(l *handover) (n int) {
	if slices.Equal(l.opt.Patterns, s.opt.Patterns) {
		n += 2
	}
	if l.opt.MaxShrink == s.opt.MaxShrink {
		n++
	}
	// Prefer a Store with the same signature keys. The keys decide which versions are good.
	if l.opt.Verify.String() == s.opt.Verify.String() {
		n += 4
	}
	return n
}

// The newer version wins if it passes max_shrink.
func (s *Store) prefers(v, w *version) bool {
	if !v.newerThan(w) {
		return s.shrinks(v, w)
	}
	return !s.shrinks(w, v)
}

// The content "orders: []" may lose all targets.
func (s *Store) shrinks(old, next *version) bool {
	if old.part == nil || next.part == nil || next.part.Orders() == 0 || old.digest == next.digest {
		return false
	}
	now := seconds(s.clock.Now())
	return s.shrinksTooMuch(old.part.BlockedAt(now), old.part.TargetsLost(next.part, now))
}

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

// A new Source does not report missing files of a directory. So mark these files here.
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
			f.gone = f.list == nil
			f.unseen = f.gone
			continue
		}
		s.observe(source.File{Path: path, State: source.Missing})
		f.unseen = true
	}
}
