package feed

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// This note marks a target that the platform withdrew. Targets with another note stay ended,
// because the operator ended them.
const withdrawn = "withdrawn by the platform"

// A Change is a target whose state changes.
type Change struct {
	Order  string `json:"order"`
	Target string `json:"target"`
}

// A pending item waits for its acknowledgement.
type pending struct {
	ticket, raw string
	kind        Kind
	received    order.Time
	name        dname.Name // zero for an address
	refused     bool       // the item is in no order
}

type merge struct {
	f       *Feed
	rep     *Report
	x       *pulled
	now     order.Time
	orders  []*order.Order
	changed bool
	inForce int // the items in force before the merge
	pending []pending
	present map[string]bool // the keys of all items in tickets
	ends    map[string]bool // the ids of the orders in which an item ends
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$`)

func (p *Platform) orderID(ticket string) string {
	if plainID.MatchString(ticket) {
		return p.ID + "/" + ticket
	}
	sum := sha256.Sum256([]byte(ticket))
	return p.ID + "/x-" + hex.EncodeToString(sum[:12])
}

func (f *Feed) newMerge(x *pulled, rep *Report, now time.Time) *merge {
	return &merge{f: f, rep: rep, x: x, now: order.FromTime(now), present: map[string]bool{}, ends: map[string]bool{}}
}

// run merges the tickets with the previous orders.
func (m *merge) run(previous []*order.Order) error {
	p := m.f.opt.Platform
	tickets := map[string]*ticket{}
	for i := range m.x.tickets {
		t := &m.x.tickets[i]
		id := p.orderID(t.id)
		if tickets[id] != nil {
			return fmt.Errorf("two tickets get the order id %q", p.show(id))
		}
		tickets[id] = t
		for i := range t.items {
			if it := &t.items[i]; t.ready && it.why == "" {
				m.present[keyOf(&it.target)] = true
			}
		}
	}
	for _, was := range previous {
		o := *was
		o.Targets = slices.Clone(was.Targets)
		m.orders = append(m.orders, &o)
		if !strings.HasPrefix(o.ID, p.ID+"/") {
			continue // the operator added the order
		}
		t := tickets[o.ID]
		delete(tickets, o.ID)
		if t != nil && !slices.Contains(o.References, t.id) {
			return fmt.Errorf("the order %q is not about the ticket %q", p.show(o.ID), p.show(t.id))
		}
		m.order(&o, t)
	}
	for i := range m.x.tickets {
		t := &m.x.tickets[i]
		if tickets[p.orderID(t.id)] != t {
			continue // the ticket has an order
		}
		o := m.newOrder(t)
		m.order(o, t)
		if len(o.Targets) > 0 {
			m.orders = append(m.orders, o)
			m.rep.NewOrders++
			m.changed = true
		}
	}
	slices.SortStableFunc(m.orders, func(a, b *order.Order) int {
		return cmp.Or(cmp.Compare(a.Issued, b.Issued), cmp.Compare(a.ID, b.ID))
	})
	return m.check(previous)
}

// newOrder returns the order of a ticket, without targets.
func (m *merge) newOrder(t *ticket) *order.Order {
	o := *m.f.opt.Platform.template
	o.ID = m.f.opt.Platform.orderID(t.id)
	o.References = []string{t.id}
	o.Issued = order.FromTime(t.created)
	o.Served = m.now
	if o.DeadlineAfter > 0 {
		o.Deadline = m.now + order.Time(o.DeadlineAfter/time.Second)
	}
	return &o
}

// The ticket is nil if the platform has withdrawn it.
func (m *merge) order(o *order.Order, t *ticket) {
	was := o.Until
	if closedByFeed(o) {
		o.Until = order.NoTime
	}
	defer func() {
		m.close(o)
		m.changed = m.changed || o.Until != was
	}()
	at := map[string]int{}
	for i := range o.Targets {
		at[keyOf(&o.Targets[i])] = i
		if m.open(o, &o.Targets[i]) {
			m.inForce++
		}
	}
	if t != nil && !t.ready {
		if t.untouched != "" {
			left := "its order stays as it is"
			if len(o.Targets) == 0 {
				left = "the ticket was not taken, and has no order"
			}
			m.rep.problem("ticket %q: %s; %s", m.f.opt.Platform.show(t.id), t.untouched, left)
		}
		return
	}
	isNew := len(o.Targets) == 0
	has := map[string]bool{}
	if t != nil {
		m.rep.Tickets++
		for i := range t.items {
			it := &t.items[i]
			m.rep.Items++
			if it.why == "" {
				has[keyOf(&it.target)] = true
			}
			m.item(o, t, it, at, isNew)
		}
	}
	for i := range o.Targets {
		x := &o.Targets[i]
		if key := keyOf(x); m.open(o, x) && !has[key] {
			if m.x.listed[key] && !m.present[key] {
				m.rep.Unclear++ // the list still has the item, so its withdrawal is not certain
				continue
			}
			setEnd(x, m.now, withdrawn)
			m.ends[o.ID] = true
			m.rep.Ended = append(m.rep.Ended, m.change(o, x))
			m.changed = true
		}
	}
}

func closedByFeed(o *order.Order) bool {
	ours := false
	for i := range o.Targets {
		x := &o.Targets[i]
		end := endOf(x)
		if end == order.NoTime || end > o.Until {
			return false
		}
		ours = ours || end == o.Until && x.Attr.Note == withdrawn
	}
	return ours
}

func (m *merge) close(o *order.Order) {
	last := order.NoTime
	for i := range o.Targets {
		x := &o.Targets[i]
		end := endOf(x)
		if end == order.NoTime || end > m.now {
			return
		}
		if x.Attr.Note == withdrawn && (last == order.NoTime || end > last) {
			last = end
		}
	}
	if last != order.NoTime && o.Until == order.NoTime {
		o.Until = last
	}
}

// change returns a change for the report.
func (m *merge) change(o *order.Order, x *order.Target) Change {
	p := m.f.opt.Platform
	return Change{p.show(o.ID), p.show(x.String())}
}

func (m *merge) item(o *order.Order, t *ticket, it *item, at map[string]int, isNew bool) {
	why, protected := it.why, false
	i, known := -1, false
	if why == "" {
		i, known = at[keyOf(&it.target)], true
		if _, ok := at[keyOf(&it.target)]; !ok {
			known = false
			why = m.f.guard(&it.target)
			protected = why != ""
		}
	}
	recent := m.recent(t)
	if why != "" {
		r, added := m.f.st.refuse(Refused{Ticket: t.id, Value: it.raw, Why: why, Received: m.now.Time(), Protected: protected})
		if added {
			shown := *r
			shown.Ticket, shown.Value = m.f.opt.Platform.show(r.Ticket), m.f.opt.Platform.show(r.Value)
			m.rep.Refused = append(m.rep.Refused, shown)
		}
		m.rep.Unprocessed++
		if recent && r.Answered.IsZero() && r.Rejected == "" {
			m.pending = append(m.pending, pending{ticket: t.id, raw: it.raw, kind: it.kind, received: order.FromTime(r.Received), refused: true})
		}
		return
	}
	if !known {
		x := it.target
		if !isNew {
			later(&x, o, m.now)
		}
		i = len(o.Targets)
		o.Targets = append(o.Targets, x)
		at[keyOf(&x)] = i
		m.rep.Added++
		m.changed = true
	}
	x := &o.Targets[i]
	if known && !m.open(o, x) {
		if o.Until != order.NoTime || x.Attr == nil || x.Attr.Note != withdrawn || x.Attr.Status != order.Active || o.Status != order.Active {
			m.rep.Operator++
			return
		}
		m.back(o, x)
		if m.f.st.answered(t.id, it.raw) != nil { // the acknowledgement was for the earlier time
			m.f.st.forget(func(a Answer) bool { return a.Ticket == t.id && a.Value == it.raw })
		}
	}
	m.f.st.take(t.id, it.raw)
	if !recent || isReported(o, x) || m.f.st.answered(t.id, it.raw) != nil {
		return
	}
	w := pending{ticket: t.id, raw: it.raw, kind: it.kind, received: o.Served}
	if x.Attr != nil && x.Attr.Served != order.NoTime {
		w.received = x.Attr.Served
	}
	if x.Kind == order.TargetName {
		w.name = x.Name
	}
	m.pending = append(m.pending, w)
}

func (m *merge) recent(t *ticket) bool {
	w := m.f.opt.Platform.window
	return w == 0 || m.now.Time().Sub(t.created) < w
}

func (m *merge) back(o *order.Order, x *order.Target) {
	a := *x.Attr
	if len(a.Windows) == 0 {
		a.Windows = []order.Window{{From: a.From, Until: a.Until}}
		a.From, a.Until = order.NoTime, order.NoTime
	}
	a.Windows = append(slices.Clone(a.Windows), order.Window{From: m.now, Until: order.NoTime})
	a.Note, a.Reported = "", order.NoTime
	x.Attr = &a
	later(x, o, m.now)
	m.rep.Back = append(m.rep.Back, m.change(o, x))
	m.changed = true
}

func later(x *order.Target, o *order.Order, now order.Time) {
	a := order.NewAttr()
	if x.Attr != nil {
		*a = *x.Attr
	}
	a.Served = now
	if o.DeadlineAfter > 0 {
		a.Deadline = now + order.Time(o.DeadlineAfter/time.Second)
	}
	x.Attr = a
}

func (m *merge) open(o *order.Order, x *order.Target) bool {
	if o.Status != order.Active || o.Until != order.NoTime && o.Until <= m.now {
		return false
	}
	if x.Attr != nil && x.Attr.Status != order.Active {
		return false
	}
	end := endOf(x)
	return end == order.NoTime || end > m.now
}

// endOf returns the end of a target, or NoTime.
func endOf(x *order.Target) order.Time {
	switch {
	case x.Attr == nil:
		return order.NoTime
	case len(x.Attr.Windows) > 0:
		return x.Attr.Windows[len(x.Attr.Windows)-1].Until
	}
	return x.Attr.Until
}

func setEnd(x *order.Target, end order.Time, note string) {
	a := order.NewAttr()
	if x.Attr != nil {
		*a = *x.Attr
	}
	x.Attr = a
	a.Note = note
	n := len(a.Windows)
	if n == 0 {
		a.Until = end
		return
	}
	a.Windows = slices.Clone(a.Windows)
	if last := &a.Windows[n-1]; last.From != order.NoTime && end <= last.From && n > 1 {
		a.Windows = a.Windows[:n-1] // a window must not end before its start
	} else {
		last.Until = end
	}
}

func isReported(o *order.Order, x *order.Target) bool {
	if x.Attr != nil && x.Attr.Served != order.NoTime {
		return x.Attr.Reported != order.NoTime
	}
	return o.Reported != order.NoTime
}

func (m *merge) check(previous []*order.Order) error {
	p, ended := m.f.opt.Platform, len(m.rep.Ended)
	if ended == 0 || m.f.opt.DropOK == ended {
		return nil
	}
	var newest time.Time
	for i := range m.x.tickets {
		if t := m.x.tickets[i].created; t.After(newest) {
			newest = t
		}
	}
	for _, o := range previous {
		age := time.Duration(m.now-o.Served) * time.Second
		if m.ends[o.ID] && o.Served != order.NoTime && o.Issued > order.FromTime(newest) && age >= p.settled {
			return fmt.Errorf("the newest ticket of the answer is from %s, and the order %q is from %s; the answer may be an old one; the orders stay as they are; --once --drop-ok %d confirms that the answer is right and ends %d items",
				order.FromTime(newest), p.show(o.ID), o.Issued, ended, ended)
		}
	}
	if ended > p.Guards.SmallDrop && float64(ended)*100 > p.maxDrop*float64(m.inForce) {
		return fmt.Errorf("the answer would end the blocks of %d of %d items in force, more than %g %%; the orders stay as they are; --once --drop-ok %d confirms the number",
			ended, m.inForce, p.maxDrop, ended)
	}
	return nil
}

func (f *Feed) guard(x *order.Target) string {
	if f.opt.Guard == nil {
		return ""
	}
	if x.Kind == order.TargetAddress {
		return f.opt.Guard.Address(x.Attr.Address)
	}
	var w dname.Wire
	w.SetName(x.Name)
	return f.opt.Guard.Name(&w)
}

// After the first write, a missing file is an error.
func (f *Feed) readOrders() (*order.File, error) {
	data, err := f.readOut()
	if err != nil {
		return nil, err
	}
	f.out = data
	if data == nil && f.st.Serial > 0 {
		return nil, fmt.Errorf("%s: is gone, and had the serial %d; without the file, the times of service and the ended blocks are lost; bring the file back from a backup, or remove the directory %s to begin again",
			printable.Line(f.opt.Out), f.st.Serial, printable.Line(f.dir))
	}
	if data == nil {
		return &order.File{Serial: -1, ShrinkOK: -1, Timezone: "", Expires: order.NoTime}, nil
	}
	file, problems := order.Parse(f.opt.Out, bytes.NewReader(data), order.Options{})
	if bad := problems.Errors(); len(bad) > 0 {
		return nil, bad
	}
	if file.Source == nil || file.Source.Register != f.opt.Platform.Name {
		return nil, fmt.Errorf("%s: does not come from the platform %q, and a feed changes only its own file; give another file to --out",
			printable.Line(f.opt.Out), f.opt.Platform.Name)
	}
	return file, nil
}

// Check the new text also with the parser of the server.
func (f *Feed) encode(was *order.File, orders []*order.Order) ([]byte, int64, error) {
	serial := max(was.Serial, f.st.Serial, 0) + 1
	h := order.Header{Serial: serial, ShrinkOK: -1, Timezone: was.Timezone, Expires: was.Expires,
		Source: &order.Source{Register: f.opt.Platform.Name, AsOf: order.NoTime}}
	var b bytes.Buffer
	if err := order.Encode(&b, order.Ext(f.opt.Out), h, orders); err != nil {
		return nil, 0, err
	}
	_, problems := order.Parse(f.opt.Out, bytes.NewReader(b.Bytes()), order.Options{Emit: func(*order.Order) {}})
	if bad := problems.Errors(); len(bad) > 0 {
		return nil, 0, fmt.Errorf("the new order file would have errors; nothing was written: %w", bad)
	}
	return b.Bytes(), serial, nil
}
