// Package report writes reports about orders, from order files and from the journals of servers.
// The reports are:
//
// - the report of a period
// - the transparency report of the Digital Services Act
// - notices for the Lumen database
// - a certificate or a notice for one order
//
// The journals say when an order was in force. A server writes its journal with its own clock. All
// other dates come from the order files.
package report

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Options are the settings of Collect.
type Options struct {
	From, To time.Time // the period; To is the first time after it
	Now      time.Time
	// Disclosure returns how much of an order may be shown. The order must be in an order file that
	// exists now.
	Disclosure func(id string) order.Disclosure
	// Sealed shows sealed orders.
	Sealed bool
	// States returns the states of all orders in the present files. Without files, States is nil.
	States func(order.Time) iter.Seq[ruleset.OrderState]
}

// A Report is the report of a period. docs/blocklistctl-report.md describes the JSON form.
type Report struct {
	From     string    `json:"from"`
	To       string    `json:"to"` // the first second after the period
	At       string    `json:"at"` // when the report was made
	Timezone string    `json:"timezone"`
	Nodes    []NodeRow `json:"nodes"`
	Silent   []string  `json:"silent"`
	// Faults are the faults of all journals.
	Faults []string `json:"faults"`
	Totals Totals   `json:"totals"`
	// Notes say what the report does not contain.
	Notes []string `json:"notes"`

	from, to, now time.Time
	end           time.Time // the end of the period, or now if the period has not ended
	zone          *time.Location
	data          *Data
	sealed        bool      // sealed orders are shown
	kept          []keptRow // the orders of the report, by id
	sequence      []int32   // the indexes of kept in the sequence of the output
	unserved      int
}

// A NodeRow describes a node.
type NodeRow struct {
	Node   string `json:"node"`
	Dir    string `json:"dir,omitempty"`
	Key    string `json:"key"`
	Signed int64  `json:"signed"`
	First  string `json:"first,omitempty"`
	Last   string `json:"last,omitempty"`
	Silent string `json:"silent,omitempty"`
	Faults int    `json:"faults"`
	Prober bool   `json:"prober,omitempty"`

	first, last time.Time
}

// Totals are the sums of a report. All numbers except Lifts count block orders only.
type Totals struct {
	Orders       int `json:"orders"`       // in the report
	Received     int `json:"received"`     // in the period
	Sealed       int `json:"sealed"`       // of Orders
	Acknowledged int `json:"acknowledged"` // of Received
	Reported     int `json:"reported"`     // of Received
	// InForce counts the orders in force at the end of the period. An order counts if it is in
	// force on at least one node. If ByFiles is true, the number comes from the order files.
	InForce *int `json:"in_force"`
	ByFiles bool `json:"in_force_by_files"`
	// Everywhere counts the orders that are in force on every node at the end of the period. Late
	// counts only orders that were received in the period. Everywhere, Ended, Late and Answers are
	// nil if no node has records.
	Everywhere  *int     `json:"everywhere"`
	Ended       *int     `json:"ended"`
	Late        *int     `json:"late"`
	Lifts       int      `json:"lifts"` // received in the period
	MedianHours *float64 `json:"median_hours,omitempty"`
	Measured    int      `json:"measured"` // the number of orders in the median
	Answers     *uint64  `json:"answers_changed"`
}

// A Row is one order.
type Row struct {
	Order        string    `json:"order"`
	Sealed       bool      `json:"sealed,omitempty"`
	Action       string    `json:"action"`
	Authority    string    `json:"authority,omitempty"`
	Country      string    `json:"country,omitempty"`
	Kind         string    `json:"kind,omitempty"`
	References   []string  `json:"references,omitempty"`
	Category     string    `json:"category,omitempty"`
	File         string    `json:"file,omitempty"`
	Issued       string    `json:"issued,omitempty"`
	Served       string    `json:"served,omitempty"`
	Acknowledged string    `json:"acknowledged,omitempty"`
	Deadline     string    `json:"deadline,omitempty"`
	Reported     string    `json:"reported,omitempty"`
	Targets      int       `json:"targets,omitempty"`
	Held         []Held    `json:"held,omitempty"`
	Received     bool      `json:"received"`
	Nodes        []RowNode `json:"nodes"`
	// InForce counts the nodes that have ever enforced the order. Known counts the nodes whose
	// journals cover the time of the order.
	InForce int      `json:"nodes_in_force"`
	Known   int      `json:"nodes_known"`
	Without []string `json:"nodes_without,omitempty"`
	First   string   `json:"in_force_first,omitempty"`
	Last    string   `json:"in_force_last,omitempty"`
	// AtLatest is true if the order came into force before the journals began. First and Last may
	// then be too late.
	AtLatest  bool   `json:"at_latest,omitempty"`
	Corrected string `json:"corrected,omitempty"`
	// Hours is the time from served to Last.
	Hours *float64 `json:"hours,omitempty"`
	// OnTime is "yes", "no" or "unknown". OnTime is empty if no deadline is due.
	OnTime  string `json:"on_time,omitempty"`
	State   string `json:"state"` // at the end of the period
	Ended   string `json:"ended,omitempty"`
	By      string `json:"by,omitempty"`
	ByFiles string `json:"state_by_files,omitempty"`
	// Answers is nil if no node is known.
	Answers *uint64 `json:"answers_changed"`

	f                  *fields
	id                 string
	first, last, ended time.Time
	corrected          time.Time
	hidden             bool // the order is sealed, and must not be shown
	lift               bool
	receivedAt         time.Time
	asOf               time.Time // the time of State, in a report of one order
}

// A Held is a target that a guard refuses to block. An empty target means the whole order.
type Held struct {
	Node   string `json:"node"`
	Target string `json:"target,omitempty"`
	Why    string `json:"why"`
}

// A RowNode is one order on one node.
type RowNode struct {
	Node     string `json:"node"`
	Received string `json:"received,omitempty"` // the first record
	InForce  string `json:"in_force,omitempty"`
	AtLatest bool   `json:"at_latest,omitempty"`
	State    string `json:"state"`
	Until    string `json:"until,omitempty"`
	By       string `json:"by,omitempty"`
	Answered string `json:"first_answer,omitempty"`
	Answers  uint64 `json:"answers_changed"`

	inForce, until time.Time
	changed        time.Time // when the state began
}

// A million Rows need much memory, so a report keeps only this short form.
type keptRow struct {
	id             string
	receivedAt     time.Time
	sealed, hidden bool
	byFiles        string
}

func (r *Report) all() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		for i := range r.kept {
			if !yield(r.again(&r.kept[i])) {
				return
			}
		}
	}
}

// again makes the row of an order.
func (r *Report) again(k *keptRow) *Row {
	x := r.row(r.data, k.id)
	x.Sealed, x.hidden, x.ByFiles = k.sealed, k.hidden, k.byFiles
	return x
}

// Orders yields the rows in the sequence of the output. Rows of hidden orders have only a label.
func (r *Report) Orders() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		for _, i := range r.sequence {
			if !yield(r.again(&r.kept[i]).shown(r.sealed)) {
				return
			}
		}
	}
}

// NumOrders returns the number of rows.
func (r *Report) NumOrders() int { return len(r.kept) }

// utc returns a time for JSON.
func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Collect makes the report of a period.
func Collect(d *Data, opt Options) *Report {
	r := &Report{From: utc(opt.From), To: utc(opt.To), At: utc(opt.Now), Timezone: d.Zone.String(), Silent: []string{}, Faults: []string{}, Notes: []string{},
		Nodes: []NodeRow{}, data: d, sealed: opt.Sealed, from: opt.From, to: opt.To, end: opt.To, now: opt.Now, zone: d.Zone}
	if opt.Now.Before(opt.To) {
		r.end = opt.Now
	}
	for _, n := range d.Nodes {
		r.addNode(n)
	}
	ids := slices.Collect(maps.Keys(d.fields))
	for _, n := range d.Nodes {
		for id := range n.orders {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	unknown := 0
	for _, id := range slices.Compact(ids) {
		x := r.row(d, id)
		switch {
		case x.receivedAt.IsZero() && len(x.Nodes) == 0:
			unknown++
			continue
		case !r.concerns(d, x):
			continue
		}
		sealed := d.sealed(id, opt.Disclosure)
		r.kept = append(r.kept, keptRow{id: id, receivedAt: x.receivedAt, sealed: sealed, hidden: sealed && !opt.Sealed})
	}
	r.total()
	r.byFiles(opt.States)
	for i := range r.kept {
		r.sequence = append(r.sequence, int32(i))
	}
	// A sequence by date would reveal the dates of hidden orders.
	slices.SortStableFunc(r.sequence, func(i, j int32) int {
		a, b := &r.kept[i], &r.kept[j]
		switch {
		case a.hidden != b.hidden:
			if a.hidden {
				return 1
			}
			return -1
		case a.hidden:
			return cmp.Compare(ruleset.SealedLabel(a.id), ruleset.SealedLabel(b.id))
		}
		return a.receivedAt.Compare(b.receivedAt)
	})
	r.notes(d, unknown)
	return r
}

// addNode adds the row of a node.
func (r *Report) addNode(n *Node) {
	x := NodeRow{Node: n.Name, Dir: n.Dir, Key: n.Key, Signed: n.Size, First: utc(n.First), Last: utc(n.Last), Silent: n.Silent, Faults: len(n.Faults), Prober: n.Prober, first: n.First, last: n.Last}
	if x.Silent == "" && !n.Prober && (n.First.IsZero() || !n.First.Before(r.to) || n.Last.Before(r.from)) {
		x.Silent = "no records in the period"
	}
	if x.Silent != "" {
		r.Silent = append(r.Silent, n.Name)
	}
	for _, f := range n.Faults {
		r.Faults = append(r.Faults, n.Name+": "+f)
	}
	r.Nodes = append(r.Nodes, x)
}

func (r *Report) concerns(d *Data, x *Row) bool {
	if x.Received {
		return true
	}
	for _, n := range d.Nodes {
		o := n.orders[x.id]
		if o == nil {
			continue
		}
		if o.enforcedIn(r.from, r.end) || slices.ContainsFunc(o.states, func(c change) bool { return !c.at.Before(r.from) && c.at.Before(r.end) }) {
			return true
		}
	}
	return false
}

func (x *Row) shown(sealed bool) *Row {
	if !x.hidden {
		if x.f == nil || x.f.Disclosure != order.Full && !sealed {
			for i := range x.Held { // the reason may contain the target
				x.Held[i].Target, x.Held[i].Why = "", "a target is held"
			}
		}
		return x
	}
	return &Row{Order: ruleset.SealedLabel(x.id), Sealed: true, Action: x.Action, State: "sealed", Nodes: []RowNode{}, hidden: true, lift: x.lift}
}

func (r *Report) knows() bool {
	return slices.ContainsFunc(r.Nodes, func(n NodeRow) bool { return n.Silent == "" && !n.Prober })
}

// total adds up the rows.
func (r *Report) total() {
	var measured []float64
	t := &r.Totals
	var inForce, everywhere, ended, late int
	var answers uint64
	in := func(at time.Time) bool { return !at.Before(r.from) && at.Before(r.to) }
	for x := range r.all() {
		if x.Answers != nil {
			answers += *x.Answers
		}
		if x.lift {
			if x.Received {
				t.Lifts++
			}
			continue
		}
		t.Orders++
		if x.Sealed {
			t.Sealed++
		}
		if x.State == string(journal.InForce) || x.State == partly {
			inForce++
		}
		if x.State == string(journal.InForce) {
			everywhere++
		}
		if in(x.ended) {
			ended++
		}
		if !x.Received {
			continue
		}
		t.Received++
		if x.f == nil || x.f.Served == order.NoTime {
			r.unserved++
		}
		if x.Acknowledged != "" {
			t.Acknowledged++
		}
		if x.Reported != "" {
			t.Reported++
		}
		if x.OnTime == "no" {
			late++
		}
		if x.Hours != nil {
			measured = append(measured, *x.Hours)
		}
	}
	t.MedianHours, t.Measured = median(measured), len(measured)
	if r.knows() {
		t.InForce, t.Everywhere, t.Ended, t.Late, t.Answers = &inForce, &everywhere, &ended, &late, &answers
	}
}

func (r *Report) byFiles(states func(order.Time) iter.Seq[ruleset.OrderState]) {
	if r.knows() || states == nil {
		return
	}
	n := 0
	for st := range states(order.FromTime(r.end)) {
		if st.State == ruleset.InForce && !st.Lift {
			n++
		}
		i, ok := slices.BinarySearchFunc(r.kept, st.Order.ID, func(k keptRow, id string) int { return cmp.Compare(k.id, id) })
		if ok && r.again(&r.kept[i]).Known == 0 {
			r.kept[i].byFiles = st.State.String()
		}
	}
	r.Totals.InForce, r.Totals.ByFiles = &n, true
}

func median(list []float64) *float64 {
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	m := list[len(list)/2]
	if len(list)%2 == 0 {
		m = (m + list[len(list)/2-1]) / 2
	}
	m = float64(int64(m*100+0.5)) / 100
	return &m
}

func (r *Report) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(r.zone).Format(timeFormat)
}

const timeFormat = "2006-01-02 15:04:05 -07:00"

func count[T int | int64 | uint64](n T, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
