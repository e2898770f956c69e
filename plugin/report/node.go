package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
)

// A Node describes a server from its journal.
type Node struct {
	Name   string
	Dir    string
	Key    string // the public key
	Size   int64  // the number of signed records
	Pruned int64
	First  time.Time // the time of the first record
	Last   time.Time // the time of the last record
	// Faults are the errors in the journal. A journal with a fault is no evidence.
	Faults []string
	// OwnKey is true if the journal was checked with the key that it contains.
	OwnKey bool
	Prober bool
	Silent string

	orders map[string]*nodeOrder
	stops  []time.Time // when the server stopped, or ended without a record
	gaps   []time.Time // when the journal lost events
	steps  []clockStep
	loads  map[string][]load          // by the path of the file
	bySum  map[string]journal.Version // by digest
}

type load struct {
	at      time.Time
	version journal.Version
}

type nodeOrder struct {
	id        string
	sealed    bool
	lift      bool
	file      string
	sha256    string    // the version of the last record received or corrected
	received  time.Time // the first record of the order
	removed   time.Time // the last record, if the order is removed
	first     bool
	intervals []evidence.Interval
	states    []change
	corrected []time.Time
	answered  time.Time // the first blocked query
	hits      []hit
	holds     []hold
	tests     []journal.Record // self-tests and probes
	last      int64            // the index of the last record
	inForce   int64            // the index of the first record in_force, or -1
	records   int
}

// A change is a new state of an order.
type change struct {
	at    time.Time
	state journal.Event
	by    string
}

type hold struct {
	at          time.Time
	target, why string
	held        bool
}

type hit struct {
	hour  time.Time
	count uint64
}

const stopped journal.Event = "stopped"

var stateEvents = []journal.Event{journal.InForce, journal.Pending, journal.Ended, journal.Lifted, journal.Held, journal.Suspended, journal.Shadow, journal.Draft, journal.Removed}

// Open checks and reads the journal in a directory. If "evidence collect" has written the
// directory, Open reads all its journals. The keys of the map are the names of journals. The values
// are public keys.
func Open(dir string, keys map[string]note.Verifier) ([]*Node, error) {
	c, err := evidence.ReadCollection(dir)
	if errors.Is(err, fs.ErrNotExist) {
		n, err := openNode(dir, keys, nil)
		if err != nil {
			return nil, err
		}
		return []*Node{n}, nil
	}
	if err != nil {
		return nil, err
	}
	return openCollected(dir, c, keys)
}

func openCollected(dir string, c *evidence.Collection, keys map[string]note.Verifier) (nodes []*Node, err error) {
	path := filepath.Join(dir, evidence.CollectedName)
	if len(c.Nodes) == 0 {
		return nil, fmt.Errorf("%s: has no nodes", path)
	}
	for i, x := range c.Nodes {
		field := fmt.Sprintf("%s: nodes[%d]", path, i)
		v, err := note.NewVerifier(x.Key)
		switch {
		case x.Name == "":
			return nil, fmt.Errorf("%s: name is missing", field)
		case err != nil:
			return nil, fmt.Errorf("%s (%s): key: is not the key of a journal", field, x.Name)
		case v.Name() != x.Name:
			return nil, fmt.Errorf("%s (%s): the key belongs to %q", field, x.Name, v.Name())
		}
		if k := keys[x.Name]; k != nil && k.KeyHash() != v.KeyHash() {
			return nil, fmt.Errorf("%s (%s): the key differs from --key", field, x.Name)
		}
		sub := x.Copied(dir)
		if sub == "" {
			nodes = append(nodes, &Node{Name: x.Name, Key: x.Key, Silent: cmp.Or(x.Error, "the journal was not collected")})
			continue
		}
		n, err := openNode(sub, nil, v)
		if err != nil {
			return nil, err
		}
		n.Silent = x.Error
		if n.Size < x.Size {
			n.Faults = append(n.Faults, fmt.Sprintf("%s says %d signed records, but the journal has %d", evidence.CollectedName, x.Size, n.Size))
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func openNode(dir string, keys map[string]note.Verifier, v note.Verifier) (*Node, error) {
	own, err := journal.ReadVerifier(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		return nil, err
	}
	n := &Node{Name: own.Name(), Dir: dir, orders: map[string]*nodeOrder{}, loads: map[string][]load{}, bySum: map[string]journal.Version{}}
	if v == nil {
		v = keys[n.Name]
	}
	n.OwnKey = v == nil
	r, err := journal.Verify(dir, journal.VerifyOptions{Key: v})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	n.Key, n.Size, n.Pruned, n.Faults = r.Key, r.Size, r.Pruned, r.Faults
	if v != nil {
		n.Name = v.Name()
	}
	if err := n.read(); err != nil {
		n.Faults = append(n.Faults, fmt.Sprintf("the records cannot be read: %v", err))
	}
	return n, nil
}

type clockStep struct {
	at time.Time // by the new time
	by string
}

func (n *Node) stepsIn(in func(time.Time) bool) (k int, text string) {
	const shown = 5
	var list []string
	for _, s := range n.steps {
		if !in(s.at) {
			continue
		}
		if k++; k <= shown {
			list = append(list, s.by)
		}
	}
	if k > shown {
		list = append(list, "...")
	}
	return k, strings.Join(list, ", ")
}

// read collects the records of the journal by order.
func (n *Node) read() error {
	loads, probes := 0, 0
	running := false
	enforced, err := evidence.Follow(n.Dir, func(r *journal.Record) {
		if n.First.IsZero() {
			n.First = r.Time.Time
		}
		switch r.Event {
		case journal.Start:
			if running { // the server ended without a record
				n.stops = append(n.stops, n.Last)
			}
			running = true
		case journal.Stop:
			running = false
			n.stops = append(n.stops, r.Time.Time)
		case journal.ClockStep:
			n.steps = append(n.steps, clockStep{r.Time.Time, r.Step})
		case journal.Gap:
			n.gaps = append(n.gaps, r.Time.Time)
		case journal.Probe:
			probes++
		case journal.Outcome:
			loads++
			for _, f := range r.Files {
				if f.Problem == "" {
					n.loads[f.File] = append(n.loads[f.File], load{r.Time.Time, f})
					n.bySum[f.SHA256] = f
				}
			}
		}
		n.Last = r.Time.Time
		if r.Order != "" {
			n.record(r)
		}
	})
	for id, intervals := range enforced {
		n.orders[id].intervals = intervals
	}
	n.Prober = loads == 0 && probes > 0
	return err
}

// record adds a record of an order.
func (n *Node) record(r *journal.Record) {
	o := n.orders[r.Order]
	if o == nil {
		o = &nodeOrder{id: r.Order, received: r.Time.Time, first: r.Event != journal.Received || len(n.loads[r.File]) <= 1, inForce: -1}
		n.orders[r.Order] = o
	}
	o.records++
	o.last = r.Index
	o.sealed = o.sealed || r.Sealed
	o.lift = o.lift || r.Lift
	switch r.Event {
	case journal.Received, journal.Corrected:
		o.file, o.sha256, o.removed = r.File, r.SHA256, time.Time{}
		if r.Event == journal.Corrected {
			o.corrected = append(o.corrected, r.Time.Time)
		}
	case journal.InForce:
		if o.inForce < 0 {
			o.inForce = r.Index
		}
	case journal.Removed:
		o.removed = r.Time.Time
	case journal.FirstAnswer:
		if o.answered.IsZero() {
			o.answered = r.Time.Time
		}
	case journal.Hits:
		// The record follows the hour that it counts.
		o.hits = append(o.hits, hit{r.Time.Truncate(time.Hour).Add(-time.Hour), r.Count})
	case journal.TargetHeld, journal.TargetFreed:
		o.holds = append(o.holds, hold{r.Time.Time, r.Target, r.Why, r.Event == journal.TargetHeld})
	case journal.SelfTest, journal.Probe:
		o.tests = append(o.tests, *r)
	}
	if slices.Contains(stateEvents, r.Event) {
		o.states = append(o.states, change{r.Time.Time, r.Event, r.By})
	}
}

func (n *Node) versions(o *nodeOrder) (out []journal.Version) {
	list := n.loads[o.file]
	if !o.removed.IsZero() {
		end, _ := slices.BinarySearchFunc(list, o.removed, func(l load, t time.Time) int {
			if l.at.After(t) {
				return 1
			}
			return -1
		})
		list = list[:end]
	}
	add := func(v journal.Version) {
		if v.SHA256 != "" && !slices.ContainsFunc(out, func(w journal.Version) bool { return w.SHA256 == v.SHA256 }) {
			out = append(out, v)
		}
	}
	for i := len(list) - 1; i >= 0 && len(out) < 2; i-- {
		add(list[i].version)
	}
	add(n.bySum[o.sha256])
	return out
}

func (o *nodeOrder) stateAt(t time.Time) (last change) {
	for _, c := range o.states {
		if !c.at.After(t) { // the times go back if the clock was set back
			last = c
		}
	}
	if last.state == journal.InForce && !o.enforcedAt(t) {
		last.state, last.by = stopped, ""
	}
	return last
}

func (o *nodeOrder) heldAt(t time.Time) map[string]string {
	out := map[string]string{}
	for _, h := range o.holds {
		switch {
		case h.at.After(t):
		case h.held:
			out[h.target] = h.why
		default:
			delete(out, h.target)
		}
	}
	return out
}

func (o *nodeOrder) enforcedAt(t time.Time) bool {
	return slices.ContainsFunc(o.intervals, func(x evidence.Interval) bool {
		return !x.From.After(t) && (x.Until.IsZero() || x.Until.After(t))
	})
}

func (o *nodeOrder) enforcedIn(from, to time.Time) bool {
	return slices.ContainsFunc(o.intervals, func(x evidence.Interval) bool {
		return x.From.Before(to) && (x.Until.IsZero() || x.Until.After(from))
	})
}

func nameNodes(nodes []*Node) error {
	dirs := map[string]string{}
	names := map[string]int{}
	for _, n := range nodes {
		if first, ok := dirs[n.Key]; ok && n.Key != "" {
			return fmt.Errorf("the journal %s is given twice: %s and %s", n.Name, first, cmp.Or(n.Dir, "(not collected)"))
		}
		dirs[n.Key] = cmp.Or(n.Dir, "(not collected)")
		names[n.Name]++
	}
	for _, n := range nodes {
		if names[n.Name] > 1 {
			if parts := strings.SplitN(n.Key, "+", 3); len(parts) == 3 {
				n.Name += "+" + parts[1]
			}
		}
	}
	return nil
}
