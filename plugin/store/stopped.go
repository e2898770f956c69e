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

const maxLabels = 3

type stop struct {
	file    string
	was, is int
}

type stoppedOrders struct {
	labels  []string
	targets int
}

// Stopped returns log lines about orders that a reload has stopped. Each argument has one Store for
// each server block. Server blocks in shadow do not count.
func Stopped(old, new []*Store) (lines []string) {
	old, new = enforcing(old), enforcing(new)
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
	lost := map[string]ruleset.OrderState{} // orders of files that fewer server blocks load after the reload
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
			return append(lines, fmt.Sprintf("the new Corefile stops orders of %s", more(len(sorted)-i, "file")))
		}
		lines = append(lines, at.line(named[at.file] > 0, stops[at]))
	}
	return lines
}

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
	out := "no server block of the new Corefile enforces orders of "
	if named {
		out = "fewer server blocks of the new Corefile enforce orders of "
	}
	out += fmt.Sprintf("%s: %s (%s) ", printable.Line(at.file), orders, count(x.targets, "target"))
	if at.is == 0 {
		return out + be + " not in force any more"
	}
	return out + fmt.Sprintf("%s in force in %s, and %s in %d now", were, count(at.was, "server block"), be, at.is)
}

func enforcing(stores []*Store) []*Store {
	return slices.DeleteFunc(slices.Clone(stores), (*Store).Shadow)
}

func blocksByFile(stores []*Store) map[string]int {
	n := map[string]int{}
	for _, s := range stores {
		for path, v := range s.handover.Load().files {
			if v.part != nil {
				n[path]++
			}
		}
	}
	return n
}
