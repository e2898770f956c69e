package store

import (
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

const setWeight = journal.MaxWaiting / 4

func (s *Store) journalIntent() {
	if s.journal == nil {
		return
	}
	r := journal.Record{Event: journal.Intent}
	for _, a := range s.activated {
		r.Files = append(r.Files, s.journalVersion(a.path))
	}
	s.journal.Append(r)
}

func (s *Store) journalVersion(path string) journal.Version {
	f := s.files[path]
	if f == nil || f.part == nil { // blocklistctl has asked to forget the version
		return journal.Version{File: path}
	}
	v := journal.Version{File: path, SHA256: f.stored.Order.String(), Signed: journal.At(f.signed), Signers: f.stored.Keys}
	if f.stored.Serial >= 0 {
		serial := f.stored.Serial // the journal reads the record later, when f may have another version
		v.Serial = &serial
	}
	v.Orders, v.Targets = f.part.Orders(), f.part.Targets()
	for name, d := range f.stored.Sides {
		if v.Sides == nil {
			v.Sides = map[string]string{}
		}
		v.Sides[name] = d.String()
	}
	return v
}

// journalLoad calls journalOutcome, and logs a panic.
func (s *Store) journalLoad(err error) {
	if bug := s.catchPanic("the journal of a load", func() { s.journalOutcome(err) }); bug != nil {
		s.log.Errorf("%v; the order set is in force, but the journal does not have all changes", bug)
	}
}

func (s *Store) journalOutcome(err error) {
	if s.journal == nil {
		return
	}
	r := journal.Record{Event: journal.Outcome, Set: s.Status().Digest}
	was := s.journaledPaths
	if s.journaled == nil { // the versions of a state directory or of another Store may be in force
		r.All = true
		for _, path := range s.paths {
			if s.files[path].part != nil {
				r.Files = append(r.Files, s.journalVersion(path))
			}
		}
	} else if err == nil {
		for _, a := range s.activated {
			r.Files = append(r.Files, s.journalVersion(a.path))
		}
	}
	failures, inForce := map[string]int{}, map[string]bool{}
	for _, path := range s.paths {
		if s.files[path].part != nil {
			inForce[path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(was)) {
		if !inForce[path] && !slices.ContainsFunc(r.Files, func(v journal.Version) bool { return v.File == path }) {
			r.Files = append(r.Files, journal.Version{File: path}) // the file has no version in force any more
		}
	}
	for _, path := range s.paths {
		f := s.files[path]
		if failures[path] = f.failures; f.failures > s.journaled[path] && f.err != nil {
			r.Files = append(r.Files, journal.Version{File: path, SHA256: digestText(f), Problem: f.err.Error()})
		}
	}
	s.journaled, s.journaledPaths = failures, inForce
	if err != nil {
		r.Why = err.Error()
	}
	changed := s.unjournaled
	s.unjournaled = false
	if len(r.Files) > 0 || err != nil || changed {
		if set := s.set.Load(); set != nil {
			r.Orders, r.Targets = s.stateCounts(set)
		}
		s.journal.Append(r)
	}
	s.keepVersions()
	if changed {
		s.journalStates()
	}
}

func digestText(f *file) string {
	if f.refused == (source.Digest{}) {
		return ""
	}
	return f.refused.String()
}

func (s *Store) stateCounts(set *ruleset.Set) (orders, targets map[string]int) {
	c := set.Counts(seconds(s.clock.Now()))
	orders, targets = map[string]int{}, map[string]int{}
	for i := range ruleset.NumStates {
		name := string(s.journalState(i))
		if c.Orders[i] > 0 {
			orders[name] += c.Orders[i]
		}
		if c.Targets[i] > 0 {
			targets[name] += c.Targets[i]
		}
	}
	return orders, targets
}

func (s *Store) journalState(st ruleset.State) journal.Event {
	if s.opt.Shadow && st == ruleset.InForce {
		st = ruleset.Shadow
	}
	return journal.Event(st.String())
}

func (s *Store) keepVersions() {
	var st *state.State
	if s.dir != nil {
		st = s.dir.open(0)
	}
	all := true
	for _, path := range s.paths {
		f := s.files[path]
		if f.part == nil && f.list == nil || f.kept {
			continue
		}
		f.kept = s.keepVersion(st, path, f.stored.Order, f, f.list != nil)
		for _, name := range slices.Sorted(maps.Keys(f.stored.Sides)) {
			f.kept = s.keepVersion(st, filepath.Join(filepath.Dir(path), name), f.stored.Sides[name], f, true) && f.kept
		}
		if !f.kept {
			all = false
			s.rejournal.Store(true)
			continue
		}
		if s.dir == nil {
			f.bytes = nil // the events of the journal have the bytes now
		}
	}
	if s.dir == nil && all {
		s.kept = 0
	}
}

func (s *Store) keepVersion(st *state.State, path string, d state.Digest, f *file, side bool) bool {
	open := s.opener(path, d, f, side)
	h, isHeld := f.bytes[d]
	if (!isHeld || h.open) && st != nil {
		file := open
		open = func() (io.ReadCloser, error) {
			if r, err := st.Blob(d); err == nil {
				return r, nil
			}
			return file()
		}
	}
	return s.journal.Keep(path, d, h.weight, open)
}

func (s *Store) journalStates() {
	if s.journal == nil || !s.journal.newest(s) {
		return
	}
	s.answered.Store(&sync.Map{})
	s.refreshCounters()
	x := stateEvents{set: s.set.Load(), now: seconds(s.clock.Now()), word: s.journalState, files: map[string]string{}, journal: s.journal, complete: s.started}
	if x.set == nil {
		return
	}
	for path, f := range s.files {
		if f.part != nil {
			x.files[path] = f.stored.Order.String()
		}
	}
	if !s.journal.Do(setWeight, x.add) {
		s.rejournal.Store(true)
	}
}

func (s *Store) journalStarted() {
	if s.started = true; s.journal == nil || !s.journal.newest(s) || s.set.Load() == nil {
		return
	}
	x := stateEvents{set: s.set.Load(), journal: s.journal, why: "is in no version in force after a start of the server"}
	if !s.journal.Do(256, x.removed) { // the event of the states refers to the same set
		s.rejournal.Store(true)
	}
}

// The type stateEvents runs in the goroutine of the journal. It also finds changes during a
// downtime or before a crash.
type stateEvents struct {
	set      *ruleset.Set
	now      order.Time
	word     func(ruleset.State) journal.Event
	files    map[string]string // path -> digest
	journal  *sharedJournal
	complete bool // all files were loaded, so an order that is not in the set is gone
	why      string
}

func (x stateEvents) add(b *journal.Batch) {
	secret, content := x.set.Secret(), x.set.Contents(x.journal.recorded, b.Secret())
	held := map[journal.HeldTarget]string{}
	for _, h := range x.set.Held() {
		held[journal.HeldTarget{Order: h.Order.ID, Target: h.Target}] = h.Why
	}
	wasHeld := b.HeldTargets()
	holds := map[string]*ruleset.Order{} // orders that have or had held targets
	for _, t := range wasHeld {
		holds[t.Order] = nil
	}
	for t := range held {
		holds[t.Order] = nil
	}
	i := 0
	for o := range x.set.OrderStates(x.now) {
		coop.Tick(i)
		i++
		id := o.Order.ID
		r := journal.Record{Order: id, Sealed: secret[o.Order], Lift: o.Lift}
		sum := content(o)
		if present := b.Present(id); !present || sum != "" && b.Changed(id, sum) {
			if sum == "" { // the order was recorded as removed, because another Store was in force
				content = x.set.Contents(nil, b.Secret())
				sum = content(o)
			}
			r.Content = sum
			x.received(b, r, o, present)
			r.Content = ""
		}
		if _, ok := holds[id]; ok {
			holds[id] = o.Order
		}
		if st := x.word(o.State); b.State(id) != st {
			r.Event = st
			if o.State == ruleset.Lifted {
				r.By = o.Lifter(secret)
			}
			b.Add(r)
		}
	}
	if x.complete {
		x.removed(b)
	}
	x.heldTargets(b, held, wasHeld, holds, secret)
	x.journal.recorded = x.set
}

func (x stateEvents) removed(b *journal.Batch) {
	present := func(yield func(string) bool) {
		for o := range x.set.Orders() {
			if !yield(o.ID) {
				return
			}
		}
	}
	former := func(yield func(string, bool) bool) {
		was := x.journal.recorded
		if was == nil {
			return
		}
		secret := was.Secret()
		for o := range was.Orders() {
			if !yield(o.ID, secret[o]) {
				return
			}
		}
	}
	missing, err := b.Missing(present, former)
	if err != nil {
		x.journal.log.Errorf("journal %s: the orders that are gone cannot be recorded: %v", printable.Line(x.journal.path), err)
		return
	}
	for _, m := range missing {
		b.Add(journal.Record{Event: journal.Removed, Order: m.Order, Sealed: m.Sealed, Why: x.why})
	}
}

func (x stateEvents) received(b *journal.Batch, r journal.Record, o ruleset.OrderState, again bool) {
	r.Event, r.File, r.SHA256, r.Count = journal.Received, o.File, x.files[o.File], uint64(max(0, o.Targets))
	if again {
		r.Event = journal.Corrected
	}
	b.Add(r)
	for _, t := range o.Order.Forced() {
		b.Add(journal.Record{Event: journal.Forced, Order: r.Order, Sealed: r.Sealed, Lift: r.Lift, Target: t})
	}
}

func (x stateEvents) heldTargets(b *journal.Batch, held map[journal.HeldTarget]string, was []journal.HeldTarget, orders map[string]*ruleset.Order, secret map[*ruleset.Order]bool) {
	sorted := slices.SortedFunc(maps.Keys(held), func(a, b journal.HeldTarget) int {
		return slices.Compare([]string{a.Order, a.Target}, []string{b.Order, b.Target})
	})
	for _, t := range sorted {
		if !b.Held(t) {
			b.Add(journal.Record{Event: journal.TargetHeld, Order: t.Order, Target: t.Target, Why: held[t], Sealed: secret[orders[t.Order]]})
		}
	}
	for _, t := range was {
		if _, ok := held[t]; !ok {
			b.Add(journal.Record{Event: journal.TargetFreed, Order: t.Order, Target: t.Target, Sealed: orders[t.Order] == nil || secret[orders[t.Order]]})
		}
	}
}

// Answered records the first blocked query of an order in the journal. Do not call Answered for
// each query.
func (s *Store) Answered(o *ruleset.Order) {
	if s == nil {
		return // a handler of a test
	}
	m := s.answered.Load()
	if m == nil {
		return // no journal
	}
	if _, ok := m.Load(o); !ok {
		s.firstAnswer(m, o)
	}
}

//go:noinline
func (s *Store) firstAnswer(m *sync.Map, o *ruleset.Order) {
	if _, ok := m.LoadOrStore(o, nil); ok {
		return
	}
	r := journal.Record{Event: journal.FirstAnswer, Order: o.ID, Sealed: o.Terms.Disclosure.Sealed(), Time: journal.Time{Time: s.clock.Now()}}
	if !s.journal.Do(256, func(b *journal.Batch) {
		if b.State(o.ID) == journal.InForce && !b.Answered(o.ID) {
			b.Add(r)
		}
	}) {
		m.Delete(o)
		s.rejournal.Store(true) // a later query will be recorded
	}
}

// CountHits registers the counter of a server block for the journal.
func (s *Store) CountHits(c *hits.Counter) {
	s.countersMu.Lock()
	defer s.countersMu.Unlock()
	if !slices.Contains(s.counters, c) {
		s.counters = append(s.counters, c)
	}
}

func (s *Store) refreshCounters() {
	s.countersMu.Lock()
	defer s.countersMu.Unlock()
	for _, c := range s.counters {
		c.Refresh()
	}
}

func (s *Store) hitsOf(start order.Time) []journal.Record {
	s.countersMu.Lock()
	defer s.countersMu.Unlock()
	sums := map[string]*journal.Record{}
	for _, c := range s.counters {
		for _, row := range c.Rows(order.Time(s.clock.Now().Unix())) {
			for _, h := range row.Hours {
				if h.Start != start || h.Hits == 0 {
					continue
				}
				if sums[row.ID] == nil {
					sums[row.ID] = &journal.Record{Event: journal.Hits, Order: row.ID, Sealed: row.Label != row.ID}
				}
				sums[row.ID].Count += uint64(h.Hits)
			}
		}
	}
	out := make([]journal.Record, 0, len(sums))
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, *sums[id])
	}
	return out
}

func (s *Store) journalBeat() {
	set := s.set.Load()
	r := journal.Record{Set: s.Status().Digest}
	r.Orders, r.Targets = s.stateCounts(set)
	hour := s.clock.Now().Truncate(time.Hour).Add(-time.Hour)
	hits := s.hitsOf(order.Time(hour.Unix()))
	s.journal.Do(256, func(b *journal.Batch) {
		for _, r := range hits {
			b.Add(r)
		}
		b.Beat(r)
	})
}
