package main

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// The function compares the text with ids and digests first. Then it compares the text with
// references and targets.
//
// Without --sealed, a sealed order matches only by id or digest. If no order matches, the second
// result is a similar text.
func (x *shower) matches(text string) (found []*order.Order, near string) {
	if o := x.l.order(text); o != nil {
		return []*order.Order{o}, ""
	}
	all := x.l.all()
	choose := func(is func(*order.Order) bool) []*order.Order {
		return slices.DeleteFunc(slices.Clone(all), func(o *order.Order) bool { return !is(o) })
	}
	if digest, ok := strings.CutPrefix(text, "sealed:"); ok {
		return choose(func(o *order.Order) bool { return x.disclosure[o.ID].Sealed() && ruleset.Digest(o.ID) == digest }), ""
	}
	open := func(o *order.Order) bool { return !x.hidden(o) }
	want := simple(text)
	for _, is := range []func(reference string) bool{
		func(r string) bool { return r == want },
		func(r string) bool { return len(want) >= 3 && strings.Contains(r, want) },
	} {
		if found = choose(func(o *order.Order) bool {
			return open(o) && slices.ContainsFunc(allReferences(o), func(r string) bool { return is(simple(r)) })
		}); len(found) > 0 {
			return found, ""
		}
	}
	about := func(o *order.Order) bool { return open(o) && (x.Sealed || x.disclosure[o.ID] == order.Full) }
	if addr, err := netip.ParseAddr(text); err == nil {
		return choose(func(o *order.Order) bool { return about(o) && hasAddress(o, addr) }), ""
	}
	name, err := queryHost("the name", text)
	if err == nil && name.NumLabels() > 1 {
		if found = choose(func(o *order.Order) bool { return about(o) && concerns(o, name) }); len(found) > 0 {
			return found, ""
		}
	}
	return nil, x.similar(text, all)
}

func simple(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

func allReferences(o *order.Order) []string {
	all := o.References
	for i := range o.Targets {
		if a := o.Targets[i].Attr; a != nil && len(a.References) > 0 {
			all = append(slices.Clip(all), a.References...)
		}
	}
	return all
}

func hasAddress(o *order.Order, a netip.Addr) bool {
	return slices.ContainsFunc(o.Targets, func(t order.Target) bool { return t.Kind == order.TargetAddress && t.Attr.Address.Contains(a) })
}

// maxSimilar limits the orders and the targets in a search for a similar text.
const maxSimilar = 200_000

func (x *shower) similar(text string, all []*order.Order) string {
	each := func(texts func(o *order.Order, yield func(string) bool) bool) iter.Seq[string] {
		return func(yield func(string) bool) {
			for i, o := range all {
				if i == maxSimilar || !x.hidden(o) && !texts(o, yield) {
					return
				}
			}
		}
	}
	if near := lint.NearestID(text, each(func(o *order.Order, yield func(string) bool) bool { return yield(o.ID) })); near != "" {
		return near
	}
	if near := order.Nearest(text, each(func(o *order.Order, yield func(string) bool) bool {
		for _, r := range o.References {
			if !yield(r) {
				return false
			}
		}
		return true
	})); near != "" {
		return near
	}
	n := 0
	return order.Nearest(text, each(func(o *order.Order, yield func(string) bool) bool {
		for i := range o.Targets {
			if n++; n > maxSimilar {
				return false
			}
			if !x.Sealed && x.disclosure[o.ID] != order.Full {
				break
			}
			if t := &o.Targets[i]; t.Kind == order.TargetName && !yield(t.Name.String()) {
				return false
			}
		}
		return true
	}))
}

const maxLinks = 20

func (x *shower) links(o *order.Order, out *shownJSON) {
	var own *reachNames
	if o.Lifting() {
		own = namesOf(o)
	}
	add := func(list []linkJSON, other *order.Order, target string, n int) []linkJSON {
		st := x.states[other.ID]
		link := linkJSON{Order: x.label(other), State: st.State.String(), Targets: n}
		if !x.hidden(other) {
			link.File, link.Line = x.l.position(other.ID).path, other.Line
			link.From, link.Until = other.From.String(), other.Until.String()
			if !out.secret && (x.Sealed || x.disclosure[other.ID] == order.Full) {
				link.Target = target
			}
		}
		return append(list, link)
	}
	for _, f := range x.l.files {
		for _, other := range f.Orders {
			switch {
			case other.Lifting() == o.Lifting():
			case o.Lifting() && len(out.Lifts) < maxLinks:
				if target, n, ok := own.meets(other); ok && ruleset.Reached([]*order.Order{o}, []*order.Order{other})[o] {
					out.Lifts = add(out.Lifts, other, target, n)
				}
			case other.Lifting() && len(out.LiftedBy) < maxLinks:
				if target, n, ok := namesOf(other).meets(o); ok && ruleset.Reached([]*order.Order{other}, []*order.Order{o})[other] {
					out.LiftedBy = add(out.LiftedBy, other, target, n)
				}
			}
		}
	}
}

// reachNames are the targets of a lift.
type reachNames struct {
	lift  *order.Order
	names map[dname.Name]bool
	above map[dname.Name]bool // the names and all names above them
}

// namesOf returns the targets of a lift.
func namesOf(lift *order.Order) *reachNames {
	r := &reachNames{lift, map[dname.Name]bool{}, map[dname.Name]bool{}}
	for i := range lift.Targets {
		t := &lift.Targets[i]
		if t.Kind != order.TargetName {
			continue
		}
		r.names[t.Name] = true
		for p := t.Name; p.NumLabels() > 0 && !r.above[p]; p = p.Parent() {
			r.above[p] = true
		}
	}
	return r
}

func (r *reachNames) touches(n dname.Name) bool {
	if r.above[n] {
		return true
	}
	for p := n; p.NumLabels() > 0; p = p.Parent() {
		if r.names[p] {
			return true
		}
	}
	return false
}

// The results are the first common target and the number of common targets. A lift without targets
// ends whole orders. The results are then "", 0 and true.
func (r *reachNames) meets(o *order.Order) (first string, n int, ok bool) {
	if len(r.lift.Targets) == 0 {
		return "", 0, true
	}
	add := func(text string) {
		if n++; n == 1 {
			first = text
		}
	}
	for i := range o.Targets {
		t := &o.Targets[i]
		switch {
		case t.Kind == order.TargetName && r.touches(t.Name):
			add(t.String())
		case t.Kind != order.TargetName && slices.ContainsFunc(r.lift.Targets, func(l order.Target) bool { return l.Kind == t.Kind && l.Pattern() == t.Pattern() }):
			add(t.String())
		}
	}
	if o.Side != nil {
		for name := range o.Side.Names.All() {
			if r.touches(name) {
				add(name.String())
			}
		}
	}
	return first, n, n > 0
}
