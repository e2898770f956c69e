package main

import (
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/store"
)

type orders struct {
	files    []lint.File // contains the files without errors
	set      *ruleset.Set
	problems order.Problems // the errors of all files, and the warnings of parsing and compiling
	found    int            // the number of files, with and without errors
	targets  int
	versions []store.Version // the files without errors
	sealed   bool            // a file has a sealed order, also among the files with errors

	searches int              // the number of calls of find
	index    map[string]place // the positions by order id; nil until there were many searches
}

type place struct{ file, order int }

type orderPosition struct {
	path string
	zone *time.Location
}

// all returns the orders of all files.
func (l *orders) all() (out []*order.Order) {
	for _, f := range l.files {
		out = append(out, f.Orders...)
	}
	return out
}

func (l *orders) byID() map[string]*order.Order {
	m := map[string]*order.Order{}
	for _, f := range l.files {
		for _, o := range f.Orders {
			m[o.ID] = o
		}
	}
	return m
}

const manySearches = 16

// Making a large map takes long, so the function makes the map only after many searches.
func (l *orders) find(id string) (*order.Order, *lint.File) {
	if l.searches++; l.searches > manySearches && l.index == nil {
		l.index = map[string]place{}
		for i := range l.files {
			for k, o := range l.files[i].Orders {
				l.index[o.ID] = place{i, k}
			}
		}
	}
	if l.index != nil {
		p, ok := l.index[id]
		if !ok {
			return nil, nil
		}
		return l.files[p.file].Orders[p.order], &l.files[p.file]
	}
	for i := range l.files {
		for _, o := range l.files[i].Orders {
			if o.ID == id {
				return o, &l.files[i]
			}
		}
	}
	return nil, nil
}

// order returns the order with an id, or nil.
func (l *orders) order(id string) *order.Order {
	o, _ := l.find(id)
	return o
}

func (l *orders) position(id string) (p orderPosition) {
	if _, f := l.find(id); f != nil {
		p = orderPosition{f.Path, f.Zone}
	}
	return p
}

func (e *env) load(patterns []string, s *server, change func(*order.Order) *order.Order) *orders {
	l := &orders{}
	opt := s.Store.Rules
	opt.Guard, l.problems = readGuard(s.Store.Protect)
	paths, errs := source.Expand(patterns)
	if e.kept != nil {
		paths, errs = e.kept.paths(), nil
	}
	for _, err := range errs {
		l.problems = append(l.problems, order.Problem{Msg: err.Error()})
	}
	var parts []*ruleset.Part
	for i, path := range paths {
		e.progress.say("reading %d of %d: %s", i+1, len(paths), path)
		b := newPartBuilder(path, opt, change)
		parsed, digest, problems := e.readFile(path, b.emit)
		b.finish()
		l.found++
		l.sealed = l.sealed || b.sealed || slices.ContainsFunc(problems, func(p order.Problem) bool { return p.Sealed && !p.Lift && !p.Doubt })
		l.problems = append(l.problems, problems...)
		if len(problems.Errors()) > 0 {
			continue
		}
		parsed.Orders = b.orders
		demands := s.demands(parsed)
		l.problems = append(l.problems, demands...)
		if len(demands) > 0 {
			continue
		}
		part, warnings := b.Freeze()
		if dup := ruleset.Duplicates(part, parts); len(dup) > 0 {
			l.problems = append(l.problems, dup...)
			continue
		}
		l.problems = append(l.problems, warnings...)
		parts = append(parts, part)
		zone := zoneOf(parsed)
		l.files = append(l.files, lint.File{Path: path, Orders: parsed.Orders, Zone: zone})
		l.targets += part.Targets()
		l.versions = append(l.versions, store.Version{Path: path, Digest: digest, Part: part, File: parsed})
	}
	e.progress.say("compiling")
	l.set = ruleset.Merge(parts, opt)
	return l
}

// A partBuilder compiles orders while the parser still reads, because a million orders take
// seconds.
type partBuilder struct {
	*ruleset.Builder
	orders  []*order.Order // the orders of the file so far
	sealed  bool           // one of the orders is sealed
	sent    int            // the number of orders that were passed to the compiler
	room    []order.Order  // memory for the next orders
	names   []order.Target // memory for the targets of the next orders
	batches chan []*order.Order
	done    chan struct{}
}

const batch = 1024

func newPartBuilder(path string, opt ruleset.Options, change func(*order.Order) *order.Order) *partBuilder {
	b := &partBuilder{Builder: ruleset.NewBuilder(path, opt), batches: make(chan []*order.Order, 8), done: make(chan struct{})}
	go func() {
		defer close(b.done)
		for orders := range b.batches {
			for _, o := range orders {
				if change != nil {
					o = change(o)
				}
				b.Add(o)
			}
		}
	}()
	return b
}

// The parser reuses the memory of the order, so the function copies the order.
func (b *partBuilder) emit(o *order.Order) {
	if len(b.room) == 0 {
		b.room = make([]order.Order, roomFor(len(b.orders)))
	}
	b.sealed = b.sealed || o.Disclosure.Sealed()
	own := &b.room[0]
	b.room = b.room[1:]
	*own = *o
	if n := len(o.Targets); 0 < n && n <= smallOrder {
		// Several orders share one allocation, because a million allocations take long.
		if len(b.names) < n {
			b.names = make([]order.Target, roomFor(len(b.orders))*smallOrder)
		}
		own.Targets = b.names[:copy(b.names, o.Targets):n]
		b.names = b.names[n:]
	} else {
		own.Targets = slices.Clone(o.Targets)
	}
	if b.orders = append(b.orders, own); len(b.orders) == manyOrders {
		setGC(100)
	}
	if len(b.orders)-b.sent == batch {
		b.send()
	}
}

const smallOrder = 2

// For a file with so many orders, the tool sets GOGC back to 100 to save memory.
const manyOrders = 2_000_000

func roomFor(n int) int { return min(max(n, 1), batch/8) }

// relaxedGC is the GOGC of the tool. A high GOGC costs memory and saves time.
const relaxedGC = 300

// tightGC is the GOGC of a report, because a report may contain all orders of a year.
const tightGC = 25

// setGC sets GOGC, unless the user has set it.
func setGC(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

func (b *partBuilder) send() {
	b.batches <- b.orders[b.sent:len(b.orders):len(b.orders)]
	b.sent = len(b.orders)
}

// finish waits until all orders are compiled.
func (b *partBuilder) finish() {
	b.send()
	close(b.batches)
	<-b.done
}

// A file with errors is an error here. Without the file, the output could be wrong.
func (e *env) mustLoad(patterns []string, s *server, change func(*order.Order) *order.Order) (*orders, error) {
	l := e.load(patterns, s, change)
	bad := l.problems.Errors()
	if len(bad) == 0 {
		return l, nil
	}
	e.listProblems(l.shown(bad, e.sealed))
	return nil, errProblems
}
