package register

import (
	"reflect"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// mergePrevious merges a previous order with its group.
func (r *run) mergePrevious(was *order.Order) {
	if r.merged++; r.merged%4096 == 0 {
		r.step("merging: %d orders", r.merged)
	}
	r.given = r.given[:0]
	o := r.next()
	*o = *was
	if g := r.groupOf(was.ID); g != nil {
		g.merged = true
		r.update(o, g, was)
		r.given = r.entriesOf(r.given, g)
	}
	gaps := len(r.missing)
	r.mergeTargets(o, was.Targets, r.given)
	r.finish(o, was.Except)
	r.add(o, was.Line, len(r.missing) > gaps)
}

// mergeNew adds the groups that the previous output does not have.
func (r *run) mergeNew() {
	first := r.opt.Previous == nil
	if first {
		r.byID = groupIndex{}
	}
	for k, list := range r.groups.list {
		if first {
			r.groups.list[k] = nil // the memory of the groups is free for the lines
		}
		for i := range list {
			g := &list[i]
			if g.merged {
				continue
			}
			if r.merged++; r.merged%4096 == 0 {
				r.step("merging: %d orders", r.merged)
			}
			o := r.next()
			*o = r.orderOf(g)
			r.serve(o)
			r.given = r.entriesOf(r.given[:0], g)
			r.mergeTargets(o, nil, r.given)
			if len(o.Targets) == 0 {
				continue // all rows of the order ended it before the first import
			}
			r.out.NewOrders++
			r.finish(o, nil)
			r.add(o, 0, false)
		}
	}
}

// The previous exceptions stay if the preset cannot read exceptions.
func (r *run) finish(o *order.Order, was []dname.Name) {
	if o.Except = was; r.canExcept {
		o.Except = excepted(o.Targets, r.excepts)
	}
}

func (r *run) hasExcepts() bool {
	for _, l := range r.p.Layouts {
		for _, w := range l.Where {
			if len(w.Except) > 0 {
				return true
			}
		}
	}
	return false
}

// A deadline that is a duration needs the time Served. Without this time, the deadline is removed.
func (r *run) serve(o *order.Order) {
	o.Served = r.opt.Served
	switch {
	case o.DeadlineAfter == 0:
	case o.Served == order.NoTime:
		o.DeadlineAfter = 0
	default:
		o.Deadline = o.Served + order.Time(o.DeadlineAfter.Seconds())
	}
}

func (r *run) update(o *order.Order, g *group, was *order.Order) {
	now := r.orderOf(g)
	o.ID, o.Terms = now.ID, r.updateTerms(now.Terms, was.Terms)
	if now.Issued != order.NoTime {
		o.Issued = now.Issued
	}
	if now.Until != order.NoTime {
		o.Until = now.Until
	}
	if now.References != nil {
		o.References = now.References
	}
	for _, i := range g.base.set {
		reflect.ValueOf(o).Elem().Field(i).Set(reflect.ValueOf(&now).Elem().Field(i))
	}
}

func setFields(o *order.Order) (set []int) {
	v, unset := reflect.ValueOf(o).Elem(), reflect.ValueOf(order.New()).Elem()
	for i := range v.NumField() {
		switch v.Type().Field(i).Name {
		case "ID", "Terms", "Issued", "Until", "References", "Targets", "Served", "Deadline", "DeadlineAfter":
			continue
		}
		if isSet(v.Field(i), unset.Field(i)) {
			set = append(set, i)
		}
	}
	return set
}

func isSet(v, unset reflect.Value) bool {
	if v.Kind() == reflect.Pointer {
		return !v.IsNil()
	}
	return !reflect.DeepEqual(v.Interface(), unset.Interface())
}

func (r *run) updateTerms(now, was *order.Terms) *order.Terms {
	key := [2]*order.Terms{now, was}
	if known := r.terms[key]; known != nil {
		return known
	}
	out := *now
	v, old, unset := reflect.ValueOf(&out).Elem(), reflect.ValueOf(was).Elem(), reflect.ValueOf(order.New().Terms).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); !isSet(f, unset.Field(i)) {
			f.Set(old.Field(i))
		}
	}
	result := &out
	if reflect.DeepEqual(out, *was) {
		result = was
	}
	if len(r.terms) == maxTerms {
		clear(r.terms)
	}
	r.terms[key] = result
	return result
}

// maxTerms is the largest number of results of updateTerms that are kept.
const maxTerms = 1 << 12

// mergeTargets merges the entries of the file with the previous targets of an order. The targets of
// o are then sorted by key.
func (r *run) mergeTargets(o *order.Order, was []order.Target, entries []entry) {
	entries, keys, repeated := sortEntries(entries)
	r.out.Repeated += repeated
	olds := sortedByKey(len(was), func(i int) *order.Target { return &was[i] })
	over := o.Until != order.NoTime && r.asOf != order.NoTime && o.Until <= r.asOf // the order has ended as a whole
	out := slices.Grow(r.room[:0], max(len(was), len(entries)))
	i, j := 0, 0
	for i < len(olds) || j < len(entries) {
		switch {
		case j == len(entries) || i < len(olds) && olds[i].key < keys[j]:
			t := was[olds[i].index]
			if !over && r.open(&t) {
				r.inForce++
				r.missing = append(r.missing, missing{o, len(out), strings.Clone(olds[i].key)})
			}
			out = append(out, t)
			i++
		case i == len(olds) || keys[j] < olds[i].key:
			if e := &entries[j]; e.state == taken {
				t := e.target
				t.Line, t.Column = 0, 0
				setEnd(&t, e.until)
				out = append(out, t)
				r.out.Added++
			}
			j++
		default:
			t := was[olds[i].index]
			if !over {
				r.stay(o, &t, &entries[j])
			}
			out = append(out, t)
			i, j = i+1, j+1
		}
	}
	o.Targets = out
}

func (r *run) now() order.Time {
	r.needAsOf = r.needAsOf || r.asOf == order.NoTime
	return r.asOf
}

func (r *run) open(t *order.Target) bool {
	end := endOf(t)
	return end == order.NoTime || r.asOf != order.NoTime && end > r.asOf
}

// endOf returns the end of a target, or NoTime.
func endOf(t *order.Target) order.Time {
	switch {
	case t.Attr == nil:
		return order.NoTime
	case len(t.Attr.Windows) > 0:
		return t.Attr.Windows[len(t.Attr.Windows)-1].Until
	}
	return t.Attr.Until
}

func setEnd(t *order.Target, end order.Time) {
	if endOf(t) == end {
		return
	}
	a := order.NewAttr()
	if t.Attr != nil {
		*a = *t.Attr
	}
	t.Attr = a
	n := len(a.Windows)
	if n == 0 {
		if a.Until = end; a.From != order.NoTime && end != order.NoTime && end <= a.From {
			a.From = order.NoTime
		}
		if t.Kind == order.TargetName && reflect.DeepEqual(a, order.NewAttr()) {
			t.Attr = nil
		}
		return
	}
	a.Windows = slices.Clone(a.Windows)
	if last := &a.Windows[n-1]; end != order.NoTime && last.From != order.NoTime && end <= last.From && n > 1 {
		a.Windows = a.Windows[:n-1]
	} else {
		last.Until = end
	}
}

func (r *run) stay(o *order.Order, t *order.Target, e *entry) {
	end, open := endOf(t), r.open(t)
	if open {
		r.inForce++
	}
	until := e.until
	if e.state == ended {
		if !open {
			return
		}
		until = r.now()
	}
	inForce := until == order.NoTime || r.asOf != order.NoTime && until > r.asOf
	switch {
	case until == end:
	case open || !inForce:
		setEnd(t, until)
		if open && !inForce {
			r.end(o, t, "")
		}
	default:
		r.back(t, until)
		r.change(&r.out.Back, o, t)
	}
}

func (r *run) back(t *order.Target, until order.Time) {
	a := *t.Attr
	if len(a.Windows) == 0 {
		a.Windows = []order.Window{{From: a.From, Until: a.Until}}
		a.From, a.Until = order.NoTime, order.NoTime
	}
	a.Windows = append(slices.Clone(a.Windows), order.Window{From: r.now(), Until: until})
	t.Attr = &a
}

type missing struct {
	order *order.Order
	index int // the index in order.Targets
	key   string
}

func (r *run) vanish() {
	moved := r.moved()
	for _, m := range r.missing {
		t := &m.order.Targets[m.index]
		switch {
		case moved[m.key]:
			setEnd(t, r.now())
			r.end(m.order, t, "moved")
		case r.vanished == Lift:
			setEnd(t, r.now())
			r.end(m.order, t, "vanished")
		case r.vanished == Keep:
			r.change(&r.out.Kept, m.order, t)
		default:
			r.change(&r.out.Vanished, m.order, t)
		}
	}
}

func (r *run) moved() map[string]bool {
	moved := map[string]bool{}
	for _, m := range r.missing {
		moved[m.key] = false
	}
	if len(moved) == 0 {
		return moved
	}
	var key []byte
	for _, list := range r.small.list {
		for i := range list {
			e := &list[i]
			if e.state != taken || e.until != order.NoTime && (r.asOf == order.NoTime || e.until <= r.asOf) {
				continue
			}
			t := e.target()
			key = appendKey(key[:0], &t)
			if _, ok := moved[string(key)]; ok {
				moved[string(key)] = true
			}
		}
	}
	return moved
}

// A Change is a target that an import changes.
type Change struct {
	Order  string `json:"order"`
	Target string `json:"target"`
	Why    string `json:"why,omitempty"`
}

func (r *run) change(list *[]Change, o *order.Order, t *order.Target) {
	*list = append(*list, Change{o.ID, t.String(), ""})
}

// end notes that a target in force ends.
func (r *run) end(o *order.Order, t *order.Target, why string) {
	r.out.Ended = append(r.out.Ended, Change{o.ID, t.String(), why})
}
