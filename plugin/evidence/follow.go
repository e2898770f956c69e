package evidence

import (
	"io"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
)

// ParseVersion parses a version of an order file from the journal, and calls emit with each order.
// An order is valid only until emit returns. After errors, the caller must ignore all orders.
func ParseVersion(dir string, f journal.Version, emit func(*order.Order)) (*order.File, order.Problems) {
	in, err := journal.OpenVersion(dir, f.SHA256)
	if err != nil {
		return &order.File{Path: f.File}, order.Problems{{File: f.File, Msg: "the version is not in the journal"}}
	}
	defer in.Close()
	return order.Parse(f.File, in, order.Options{
		OpenSide: func(name string) (io.ReadCloser, error) { return journal.OpenVersion(dir, f.Sides[name]) },
		Emit:     emit,
	})
}

// Follow reads a journal once, and calls a function with each record. The result contains the
// intervals of each order. The keys are order ids. Follow does not verify the journal. It needs
// less memory than History.Order.
func Follow(dir string, use func(*journal.Record)) (map[string][]Interval, error) {
	x := newFollower(dir)
	err := journal.Read(dir, func(r journal.Record, _ []byte) bool {
		x.record(&r)
		use(&r)
		return true
	})
	return x.intervals(), err
}

type follower struct {
	dir    string
	last   time.Time                       // the time of the last record
	orders map[string]*followed            // by id
	inFile map[string]map[string]*followed // by path and id
	ids    map[string]map[string]bool      // the ids of a version, by its digest
}

func newFollower(dir string) *follower {
	return &follower{dir: dir, orders: map[string]*followed{}, inFile: map[string]map[string]*followed{}, ids: map[string]map[string]bool{}}
}

func (x *follower) intervals() map[string][]Interval {
	out := make(map[string][]Interval, len(x.orders))
	for id, o := range x.orders {
		out[id] = o.intervals
	}
	return out
}

// A followed is one order.
type followed struct {
	id        string
	file      string
	version   string // the last version of the file that contained the order
	state     journal.Event
	intervals []Interval
}

// record adds a record. History.Order explains the rules.
func (x *follower) record(r *journal.Record) {
	switch r.Event {
	case journal.Start:
		for _, o := range x.orders {
			o.end(x.last, "unknown", "")
		}
	case journal.Stop:
		for _, o := range x.orders {
			o.end(r.Time.Time, "stop", "")
		}
	case journal.Outcome:
		for _, f := range r.Files {
			if f.Problem != "" || f.SHA256 == "" {
				continue
			}
			for _, o := range x.inFile[f.File] {
				if o.enforced() {
					o.version = f.SHA256
				} else if o.state == journal.InForce && (f.SHA256 == o.version || x.contains(f, o.id)) {
					o.version = f.SHA256
					o.begin(r.Time.Time)
				}
			}
		}
	}
	x.last = r.Time.Time
	if r.Order == "" {
		return
	}
	o := x.orders[r.Order]
	if o == nil {
		o = &followed{id: r.Order, intervals: []Interval{}}
		x.orders[r.Order] = o
	}
	switch r.Event {
	case journal.Received, journal.Corrected:
		delete(x.inFile[o.file], o.id)
		o.file, o.version = r.File, r.SHA256
		if x.inFile[o.file] == nil {
			x.inFile[o.file] = map[string]*followed{}
		}
		x.inFile[o.file][o.id] = o
	case journal.InForce:
		o.begin(r.Time.Time)
		o.state = r.Event
	case journal.Pending, journal.Ended, journal.Lifted, journal.Held, journal.Suspended, journal.Shadow, journal.Draft, journal.Removed:
		o.end(r.Time.Time, string(r.Event), r.By)
		o.state = r.Event
	}
}

// enforced reports whether the last interval has no end.
func (o *followed) enforced() bool {
	n := len(o.intervals)
	return n > 0 && o.intervals[n-1].Until.IsZero()
}

func (o *followed) begin(t time.Time) {
	if !o.enforced() {
		o.intervals = append(o.intervals, Interval{From: t, SHA256: o.version})
	}
}

func (o *followed) end(t time.Time, why, by string) {
	if o.enforced() {
		i := &o.intervals[len(o.intervals)-1]
		i.Until, i.Why, i.By = t, why, by
	}
}

func (x *follower) contains(f journal.Version, id string) bool {
	ids, ok := x.ids[f.SHA256]
	if !ok {
		ids = map[string]bool{}
		if _, problems := ParseVersion(x.dir, f, func(o *order.Order) { ids[o.ID] = true }); len(problems.Errors()) > 0 {
			ids = nil
		}
		x.ids[f.SHA256] = ids
	}
	return ids[id]
}
