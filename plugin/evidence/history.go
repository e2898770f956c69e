package evidence

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// An Interval is a time in which a node enforced an order.
type Interval struct {
	From time.Time `json:"from"`
	// Until is zero if the order is still enforced.
	Until time.Time `json:"until,omitzero"`
	// The reason why the interval ended. The reason is empty while the order is enforced. The
	// reason is a state of the order or one of these words:
	//
	// - "stop": the server was stopped.
	// - "unknown": the server ended without a record.
	// - "target": the name was no longer a target.
	Why string `json:"why,omitempty"`
	// By is the label of a lift, or empty.
	By       string   `json:"by,omitempty"`
	SHA256   string   `json:"sha256,omitempty"`
	ClockSet []string `json:"clock_set,omitempty"`
}

// An OrderHistory is the history of one order on one node.
type OrderHistory struct {
	Node      string           `json:"node"`
	Probe     bool             `json:"probe,omitempty"` // the journal belongs to blocklistctl probe, and not to a server
	Order     string           `json:"order"`
	Sealed    bool             `json:"sealed,omitempty"`
	File      string           `json:"file,omitempty"`
	Intervals []Interval       `json:"enforced"`
	Versions  []OrderVersion   `json:"versions"`
	Records   []journal.Record `json:"records"`
}

// An OrderVersion names the people and keys that are responsible for a version of an order.
type OrderVersion struct {
	Index      int64    `json:"i"` // the index of the record
	SHA256     string   `json:"sha256"`
	Signers    []string `json:"signers,omitempty"`
	VerifiedBy string   `json:"verified_by,omitempty"`
	ApprovedBy string   `json:"approved_by,omitempty"`
}

// A History answers questions about the past from one journal.
type History struct {
	node    string
	dir     string
	records []journal.Record
	// Missing lists the versions that the journal lacks. The history of a name may then be
	// incomplete.
	Missing []string
}

// Open reads the journal in a directory. Open does not verify the journal.
func Open(dir string) (*History, error) {
	v, err := journal.ReadVerifier(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		return nil, err
	}
	h := &History{node: v.Name(), dir: dir}
	err = journal.Read(dir, func(r journal.Record, _ []byte) bool { h.records = append(h.records, r); return true })
	return h, err
}

// Node returns the name of the journal.
func (h *History) Node() string { return h.node }

// Probe reports whether the journal belongs to blocklistctl probe.
func (h *History) Probe() bool {
	return len(h.records) > 0 && strings.HasPrefix(h.records[0].Program, ProbeProgram)
}

// ProbeProgram identifies the journals of blocklistctl probe. Their field "program" begins with
// this text.
const ProbeProgram = "blocklistctl probe"

// Order returns the history of an order. Without a record of the order, the result is nil.
func (h *History) Order(id string) *OrderHistory {
	out := &OrderHistory{Node: h.node, Probe: h.Probe(), Order: id, Intervals: []Interval{}, Versions: []OrderVersion{}}
	current := map[string]journal.Version{} // the versions in force, by path
	var state journal.Event
	version := ""      // the last version of the file that contained the order
	var last time.Time // the time of the last record
	open := func() bool {
		n := len(out.Intervals)
		return n > 0 && out.Intervals[n-1].Until.IsZero()
	}
	begin := func(t time.Time) { out.Intervals = append(out.Intervals, Interval{From: t, SHA256: version}) }
	end := func(t time.Time, why, by string) {
		if open() {
			x := &out.Intervals[len(out.Intervals)-1]
			x.Until, x.Why, x.By = t, why, by
		}
	}
	for _, r := range h.records {
		switch r.Event {
		case journal.Start:
			end(last, "unknown", "")
		case journal.Stop:
			end(r.Time.Time, "stop", "")
		case journal.ClockStep:
			if open() {
				x := &out.Intervals[len(out.Intervals)-1]
				x.ClockSet = append(x.ClockSet, r.Step)
			}
		case journal.Outcome:
			// If an order was removed while the server was stopped, the journal has no record of
			// the removal. So look for the order in the file.
			for _, f := range r.Files {
				if f.Problem == "" {
					current[f.File] = f
				}
				if f.File != out.File || f.Problem != "" || f.SHA256 == "" {
					continue
				}
				if open() {
					version = f.SHA256
				} else if state == journal.InForce && (f.SHA256 == version || h.contains(f, id)) {
					version = f.SHA256
					begin(r.Time.Time)
				}
			}
		}
		last = r.Time.Time
		if r.Order != id {
			continue
		}
		out.Records = append(out.Records, r)
		out.Sealed = r.Sealed
		switch r.Event {
		case journal.Received, journal.Corrected:
			out.File, version = r.File, r.SHA256
			out.Versions = append(out.Versions, h.responsible(&r, current[r.File]))
		case journal.InForce:
			if !open() {
				begin(r.Time.Time)
			}
			state = r.Event
		case journal.Pending, journal.Ended, journal.Lifted, journal.Held, journal.Suspended, journal.Shadow, journal.Draft, journal.Removed:
			end(r.Time.Time, string(r.Event), r.By)
			state = r.Event
			if f := current[out.File]; r.Event == journal.Removed && f.SHA256 != "" && f.SHA256 != version {
				out.Versions = append(out.Versions, OrderVersion{Index: r.Index, SHA256: f.SHA256, Signers: f.Signers})
			}
		}
	}
	if len(out.Records) == 0 {
		return nil
	}
	return out
}

// Name returns the histories of all orders with a target at or above n.
func (h *History) Name(n dname.Name) []*OrderHistory {
	var q ruleset.QName
	q.SetName(n)
	cover := map[string][]Interval{} // order -> the times in which the name was a target
	cache := map[string][]string{}
	current := map[string][]string{} // file -> the orders that cover the name
	for _, r := range h.records {
		if r.Event != journal.Outcome {
			continue
		}
		for _, f := range r.Files {
			if f.Problem != "" {
				continue
			}
			ids, ok := cache[f.SHA256+f.File]
			if !ok {
				var err error
				if ids, err = h.covering(f, &q); err != nil {
					h.Missing = append(h.Missing, fmt.Sprintf("%s: version %.12s: %v", f.File, f.SHA256, err))
					continue
				}
				cache[f.SHA256+f.File] = ids
			}
			for _, id := range current[f.File] {
				if !slices.Contains(ids, id) {
					x := cover[id]
					x[len(x)-1].Until = r.Time.Time
				}
			}
			for _, id := range ids {
				if !slices.Contains(current[f.File], id) {
					cover[id] = append(cover[id], Interval{From: r.Time.Time})
				}
			}
			current[f.File] = ids
		}
	}
	var out []*OrderHistory
	for _, id := range slices.Sorted(maps.Keys(cover)) {
		o := h.Order(id)
		if o == nil {
			continue
		}
		o.Intervals = intersect(o.Intervals, cover[id])
		out = append(out, o)
	}
	return out
}

func (h *History) contains(f journal.Version, id string) (found bool) {
	h.find(f, id, func(*order.Order) { found = true })
	return found
}

func (h *History) find(f journal.Version, id string, use func(*order.Order)) {
	in, err := h.Open(f)
	if err != nil {
		return
	}
	defer in.Close()
	found := func() {}
	_, problems := order.Parse(f.File, in, order.Options{OpenSide: h.SideOf(f), Emit: func(o *order.Order) {
		if o.ID == id {
			own := *o // the parser uses the memory again
			found = func() { use(&own) }
		}
	}})
	if len(problems.Errors()) == 0 {
		found()
	}
}

func (h *History) responsible(r *journal.Record, f journal.Version) OrderVersion {
	v := OrderVersion{Index: r.Index, SHA256: r.SHA256}
	if f.SHA256 != r.SHA256 { // an earlier record does not have the version
		f = journal.Version{File: r.File, SHA256: r.SHA256}
	}
	v.Signers = f.Signers
	h.find(f, r.Order, func(o *order.Order) {
		if d := o.Document; d != nil {
			v.VerifiedBy, v.ApprovedBy = d.VerifiedBy, d.ApprovedBy
		}
	})
	return v
}

func (h *History) covering(f journal.Version, q *ruleset.QName) (ids []string, err error) {
	in, err := journal.OpenVersion(h.dir, f.SHA256)
	if err != nil {
		return nil, fmt.Errorf("is not in the journal")
	}
	defer in.Close()
	b := ruleset.NewBuilder(f.File, ruleset.Options{})
	_, problems := order.Parse(f.File, in, order.Options{
		OpenSide: func(name string) (io.ReadCloser, error) { return journal.OpenVersion(h.dir, f.Sides[name]) },
		Emit:     func(o *order.Order) { b.Add(o) },
		Side:     b.Side,
		Targets:  b.Targets,
	})
	if bad := problems.Errors(); len(bad) > 0 {
		return nil, bad[0]
	}
	part, _ := b.Freeze()
	_, reasons := ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{}).Reasons(q, ruleset.Client{}, 0)
	for _, r := range reasons {
		if !slices.Contains(ids, r.Order.ID) {
			ids = append(ids, r.Order.ID)
		}
	}
	return ids, nil
}

func intersect(xs, ys []Interval) []Interval {
	out := []Interval{}
	for _, x := range xs {
		for _, y := range ys {
			from, z := x.From, x
			if y.From.After(from) {
				from = y.From
			}
			if !y.Until.IsZero() && (z.Until.IsZero() || y.Until.Before(z.Until)) {
				z.Until, z.Why, z.By = y.Until, "target", ""
			}
			if z.From = from; z.Until.IsZero() || z.Until.After(from) {
				out = append(out, z)
			}
		}
	}
	slices.SortFunc(out, func(a, b Interval) int { return cmp.Compare(a.From.UnixNano(), b.From.UnixNano()) })
	return out
}
