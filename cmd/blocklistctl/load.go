package main

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/store"
)

// An orders value contains the orders of several files, loaded as a server does at its start.
// It also keeps the parsed orders.
type orders struct {
	files     []lint.File // contains the files without errors
	set       *ruleset.Set
	problems  order.Problems // the errors of all files, and the warnings of parsing and compiling
	found     int            // the number of files, with and without errors
	targets   int
	versions  []store.Version          // the files without errors
	positions map[string]orderPosition // the keys are the ids of the orders
}

// An orderPosition is the file of an order and the time zone of the file.
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

// byID returns the orders of all files by their ids.
func (l *orders) byID() map[string]*order.Order {
	m := map[string]*order.Order{}
	for _, f := range l.files {
		for _, o := range f.Orders {
			m[o.ID] = o
		}
	}
	return m
}

// load reads and compiles files, directories and globs as a server does. Orders of a file with
// an error are left out. If change is not nil, load compiles the orders that change returns.
func (e *env) load(patterns []string, s *server, change func(*order.Order) *order.Order) *orders {
	l := &orders{positions: map[string]orderPosition{}}
	opt := s.Store.Rules
	opt.Guard, l.problems = readGuard(s.Store.Protect)
	paths, errs := source.Expand(patterns)
	for _, err := range errs {
		l.problems = append(l.problems, order.Problem{Msg: err.Error()})
	}
	var parts []*ruleset.Part
	for i, path := range paths {
		e.progress.say("reading %d of %d: %s", i+1, len(paths), path)
		parsed, digest, problems := e.readFile(path)
		l.found++
		l.problems = append(l.problems, problems...)
		if len(problems.Errors()) > 0 {
			continue
		}
		demands := s.demands(parsed)
		l.problems = append(l.problems, demands...)
		if len(demands) > 0 {
			continue
		}
		b := ruleset.NewBuilder(path, opt)
		for _, o := range parsed.Orders {
			if change != nil {
				o = change(o)
			}
			b.Add(o)
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
		for _, o := range parsed.Orders {
			l.positions[o.ID] = orderPosition{path, zone}
		}
	}
	e.progress.say("compiling")
	l.set = ruleset.Merge(parts, opt)
	return l
}

// mustLoad loads files as load does. An error in any file is an error, because a result
// without that file could be wrong.
func (e *env) mustLoad(patterns []string, s *server, change func(*order.Order) *order.Order) (*orders, error) {
	l := e.load(patterns, s, change)
	bad := l.problems.Errors()
	if len(bad) == 0 {
		return l, nil
	}
	e.progress.clear()
	bad.Sort()
	if e.json {
		e.writeJSON(struct {
			Problems []problemJSON `json:"problems"`
		}{problemsJSON(bad)})
	}
	for _, p := range bad {
		fmt.Fprintln(e.stderr, problemText(p))
	}
	return nil, errProblems
}
