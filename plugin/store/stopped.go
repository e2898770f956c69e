package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// maxLabels is the largest number of orders that a line about a stopped file names.
const maxLabels = 3

// A stop is what the orders of a file have in common that a new Corefile stopped.
type stop struct {
	file string
	// was and is are the numbers of server blocks that had the orders in force, and that have
	// the orders now.
	was, is int
}

// stoppedOrders are the orders of one stop.
type stoppedOrders struct {
	labels  []string
	targets int
}

// Stopped returns a line for the log about each file whose block orders were in force in more
// server blocks of the old Corefile than of the new Corefile. old and new have the store of
// each server block, so a store that two server blocks share is in the list twice.
func Stopped(old, new []*Store) (lines []string) {
	named, dropped := blocksByFile(new), map[string]bool{}
	for path, n := range blocksByFile(old) {
		if named[path] < n {
			dropped[path] = true
		}
	}
	if len(dropped) == 0 {
		return nil
	}
	is, was := map[string]int{}, map[string]int{}
	for _, s := range new {
		for st := range s.Set().OrderStates(seconds(s.Now())) {
			is[st.Order.ID]++
		}
	}
	lost := map[string]ruleset.OrderState{} // the orders of dropped files
	for _, s := range old {
		for st := range s.Set().OrderStates(seconds(s.Now())) {
			if !st.Lift && st.State == ruleset.InForce {
				was[st.Order.ID]++
				if dropped[st.File] {
					lost[st.Order.ID] = st
				}
			}
		}
	}
	stops := map[stop]*stoppedOrders{}
	for id, st := range lost {
		if is[id] >= was[id] {
			continue
		}
		at := stop{st.File, was[id], is[id]}
		if stops[at] == nil {
			stops[at] = &stoppedOrders{}
		}
		stops[at].labels = append(stops[at].labels, st.Order.Label())
		stops[at].targets += st.Targets
	}
	sorted := slices.SortedFunc(maps.Keys(stops), func(a, b stop) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.was, b.was), cmp.Compare(a.is, b.is))
	})
	for i, at := range sorted {
		if i == maxLogged {
			return append(lines, fmt.Sprintf("the new Corefile stops orders of %s more", count(len(sorted)-i, "file")))
		}
		lines = append(lines, at.line(named[at.file] > 0, stops[at]))
	}
	return lines
}

// line returns the line for the log about a stop. named reports whether the new Corefile names
// the file for a server block.
func (at stop) line(named bool, x *stoppedOrders) string {
	slices.Sort(x.labels)
	be, were, some := "is", "was", strings.Join(x.labels[:min(len(x.labels), maxLabels)], ", ")
	orders := "its order " + some
	if n := len(x.labels); n > 1 {
		be, were = "are", "were"
		if n > maxLabels {
			some += ", ..."
		}
		orders = fmt.Sprintf("its %s %s", count(n, "order"), some)
	}
	out := "the new Corefile no longer names "
	if named {
		out = "the new Corefile names for fewer server blocks the file "
	}
	out += fmt.Sprintf("%s: %s (%s) ", printable.Line(at.file), orders, count(x.targets, "target"))
	if at.is == 0 {
		return out + be + " not in force any more"
	}
	return out + fmt.Sprintf("%s in force in %s, and %s in %d now", were, count(at.was, "server block"), be, at.is)
}

// blocksByFile returns the number of server blocks that have a version of each order file in
// force.
func blocksByFile(stores []*Store) map[string]int {
	n := map[string]int{}
	for _, s := range stores {
		for path, v := range s.legacy.Load().files {
			if v.part != nil {
				n[path]++
			}
		}
	}
	return n
}
