package register

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func (r *run) merge(previous []*order.Order) []*order.Order {
	groups := map[string]*group{}
	for _, g := range r.groups {
		groups[g.order.ID] = g
	}
	var out []*order.Order
	for i, was := range previous {
		if i%4096 == 4095 {
			r.step("merging: %d of %d orders", i+1, len(previous))
		}
		g := groups[was.ID]
		delete(groups, was.ID)
		if g == nil {
			g = &group{}
		}
		o := *was
		if g.order != nil {
			o = r.update(g.order, was)
		}
		o.Targets = r.mergeTargets(&o, was.Targets, g)
		out = append(out, r.finish(&o, was.Except))
	}
	for _, id := range sortedKeys(groups) {
		g := groups[id]
		o := *g.order
		r.serve(&o)
		o.Targets = r.mergeTargets(&o, nil, g)
		if len(previous) == 0 {
			g.entries = nil // only a target that vanished needs the entries again
		}
		if len(o.Targets) == 0 {
			continue // all rows of the order ended it before the first import
		}
		r.out.NewOrders++
		out = append(out, r.finish(&o, nil))
	}
	r.vanish()
	slices.SortStableFunc(out, func(a, b *order.Order) int {
		return cmp.Or(cmp.Compare(a.Issued, b.Issued), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// The previous exceptions stay if the preset cannot read exceptions.
func (r *run) finish(o *order.Order, was []dname.Name) *order.Order {
	if o.Except = was; r.hasExcepts() {
		o.Except = excepted(o.Targets, r.excepts)
	}
	return o
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

// Unset fields come from the previous order, for example the operator's own fields. Served and
// Deadline always come from the previous order.
func (r *run) update(o, was *order.Order) order.Order {
	out := *o
	terms := *o.Terms
	out.Terms = &terms
	keepUnset(reflect.ValueOf(&out).Elem(), reflect.ValueOf(was).Elem(), reflect.ValueOf(order.New()).Elem())
	keepUnset(reflect.ValueOf(out.Terms).Elem(), reflect.ValueOf(was.Terms).Elem(), reflect.ValueOf(order.New().Terms).Elem())
	out.Served, out.Deadline, out.DeadlineAfter = was.Served, was.Deadline, was.DeadlineAfter
	if reflect.DeepEqual(out.Terms, was.Terms) {
		out.Terms = was.Terms
	}
	return out
}

func keepUnset(v, was, unset reflect.Value) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() != reflect.Pointer && reflect.DeepEqual(f.Interface(), unset.Field(i).Interface()) || f.Kind() == reflect.Pointer && f.IsNil() {
			f.Set(was.Field(i))
		}
	}
}

func (r *run) mergeTargets(o *order.Order, was []order.Target, g *group) []order.Target {
	keys, repeated := g.sortEntries()
	r.out.Repeated += repeated
	entries := g.entries
	olds := sortedByKey(len(was), func(i int) *order.Target { return &was[i] })
	over := o.Until != order.NoTime && r.asOf != order.NoTime && o.Until <= r.asOf // the order has ended as a whole
	out := make([]order.Target, 0, max(len(was), len(entries)))
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
	return out
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
	for _, g := range r.groups {
		for i := range g.entries {
			e := &g.entries[i]
			if e.state != taken || e.until != order.NoTime && (r.asOf == order.NoTime || e.until <= r.asOf) {
				continue
			}
			key = appendKey(key[:0], &e.target)
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
