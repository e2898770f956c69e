package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Certificate is a page for a lawyer about one order. docs/blocklistctl-report.md describes the
// JSON form.
type Certificate struct {
	At           string            `json:"at"`
	Timezone     string            `json:"timezone"`
	Order        string            `json:"order"`
	Action       string            `json:"action"`
	Authority    string            `json:"authority,omitempty"`
	References   []string          `json:"references,omitempty"`
	Document     string            `json:"document,omitempty"` // the SHA-256 of the document
	Issued       string            `json:"issued,omitempty"`
	Served       string            `json:"served,omitempty"`
	Deadline     string            `json:"deadline,omitempty"`
	Acknowledged string            `json:"acknowledged,omitempty"`
	Reported     string            `json:"reported,omitempty"`
	TargetCount  int               `json:"target_count"`
	Targets      []string          `json:"targets,omitempty"`
	InForce      int               `json:"nodes_in_force"`
	Known        int               `json:"nodes_known"`
	First        string            `json:"in_force_first,omitempty"`
	Median       string            `json:"in_force_median,omitempty"`
	Last         string            `json:"in_force_last,omitempty"`
	AtLatest     bool              `json:"at_latest,omitempty"`
	Corrected    string            `json:"corrected,omitempty"`
	Hours        *float64          `json:"hours,omitempty"`
	OnTime       string            `json:"on_time,omitempty"`
	State        string            `json:"state"`
	Ended        string            `json:"ended,omitempty"`
	By           string            `json:"by,omitempty"`
	Nodes        []CertificateNode `json:"nodes"`
	Held         []Held            `json:"held,omitempty"`
	Tests        []Test            `json:"tests"`
	Silent       []string          `json:"silent"`
	Faults       []string          `json:"faults"`
	Notes        []string          `json:"notes"`

	r *Report
	x *Row
	d *Data
}

// A CertificateNode describes one order on one node.
type CertificateNode struct {
	RowNode
	Version      string        `json:"sha256,omitempty"` // the version of the order file
	Key          string        `json:"key"`
	Records      int           `json:"records"` // of the order
	Signed       int64         `json:"signed"`  // the size of the newest checkpoint
	Root         string        `json:"root,omitempty"`
	Complete     bool          `json:"complete"`
	Stamp        int64         `json:"stamp,omitempty"`
	Cosignatures []Cosignature `json:"cosignatures,omitempty"`
}

// A Cosignature is the signature of a witness. The report does not check the signature.
type Cosignature struct {
	Witness string `json:"witness"`
	Size    int64  `json:"size"` // of the checkpoint
}

// A Test is a self-test of a node, or a probe from outside.
type Test struct {
	Node   string   `json:"node"`
	Time   string   `json:"time"`
	Kind   string   `json:"event"` // self_test or probe
	Target string   `json:"target,omitempty"`
	Server string   `json:"server,omitempty"`
	Name   string   `json:"name,omitempty"`
	Type   string   `json:"type,omitempty"`
	Rcode  string   `json:"rcode,omitempty"`
	EDE    []uint16 `json:"ede,omitempty"`
	Why    string   `json:"why,omitempty"` // empty if the answer is right
	Result string   `json:"result"`        // right, wrong or unknown

	at time.Time
}

func result(why string) string {
	for _, s := range []string{"not tested", "unclear", "no answer"} {
		if strings.HasPrefix(why, s) {
			return "unknown"
		}
	}
	if why != "" {
		return "wrong"
	}
	return "right"
}

// A SealedError means that the order is sealed and must not be shown.
type SealedError struct{ Order string }

func (e *SealedError) Error() string {
	return fmt.Sprintf("the order %s is sealed; --sealed shows the order", e.Order)
}

func one(d *Data, id string, opt Options) (*Report, *Row, error) {
	opt.From, opt.To = time.Unix(0, 0).UTC(), opt.Now.Add(time.Second)
	r := &Report{zone: d.Zone, from: opt.From, to: opt.To, end: opt.Now, now: opt.Now, Timezone: d.Zone.String(), Silent: []string{}, Faults: []string{}, Notes: []string{}}
	if d.fields[id] == nil && !d.recorded(id) {
		return nil, nil, fmt.Errorf("no order file and no journal has the order %q", id)
	}
	x := r.row(d, id)
	if x.Sealed = d.sealed(id, opt.Disclosure); x.Sealed && !opt.Sealed {
		return nil, nil, &SealedError{id}
	}
	x.asOf = opt.Now
	for _, n := range d.Nodes {
		r.addNode(n)
		if o := n.orders[id]; o != nil && n.Last.Before(x.asOf) && o.stateAt(opt.Now).state == journal.InForce {
			x.asOf = n.Last // the journal does not say more
		}
	}
	return r, x, nil
}

func (d *Data) recorded(id string) bool {
	return slices.ContainsFunc(d.Nodes, func(n *Node) bool { return n.orders[id] != nil })
}

// NewCertificate makes the certificate of an order.
func NewCertificate(d *Data, id string, opt Options) (*Certificate, error) {
	r, x, err := one(d, id, opt)
	if err != nil {
		return nil, err
	}
	c := &Certificate{At: utc(opt.Now), Timezone: d.Zone.String(), Order: id, Action: x.Action, Authority: x.authority(), References: x.References,
		Issued: x.Issued, Served: x.Served, Deadline: x.Deadline, Acknowledged: x.Acknowledged, Reported: x.Reported, TargetCount: x.Targets,
		InForce: x.InForce, Known: x.Known, First: x.First, Last: x.Last, AtLatest: x.AtLatest, Corrected: x.Corrected, Hours: x.Hours, OnTime: x.OnTime, State: x.State, Ended: x.Ended, By: x.By,
		Nodes: []CertificateNode{}, Tests: []Test{}, Silent: r.Silent, Faults: r.Faults, Notes: []string{}, r: r, x: x, d: d}
	// Without the option Sealed, an order with unknown disclosure must not show its targets.
	secret := (x.f == nil || x.f.Disclosure != order.Full) && !opt.Sealed
	if f := x.f; f != nil {
		if f.Document != nil {
			c.Document = f.Document.SHA256
		}
		if !secret {
			c.Targets = f.targetTexts()
		}
	}
	c.Held = x.shown(opt.Sealed).Held
	c.Median = utc(x.medianTime())
	for _, n := range d.Nodes {
		if o := n.orders[id]; o != nil {
			c.addTests(n, o, secret)
			c.addNode(n, o)
		}
	}
	sort.SliceStable(c.Tests, func(i, j int) bool { return c.Tests[i].at.Before(c.Tests[j].at) })
	c.notes()
	return c, nil
}

// authority returns the authority with its country and kind.
func (x *Row) authority() string {
	y := *x
	y.References = nil
	return y.About()
}

// targetTexts returns the targets of an order.
func (f *fields) targetTexts() (out []string) {
	for i := range f.Targets {
		out = append(out, f.Targets[i].String())
	}
	if f.Side != nil {
		for n := range f.Side.Names.All() {
			out = append(out, n.String())
		}
	}
	return out
}

func (x *Row) medianTime() time.Time {
	var list []time.Time
	for _, y := range x.Nodes {
		if !y.inForce.IsZero() && y.AtLatest == x.AtLatest {
			list = append(list, y.inForce)
		}
	}
	if len(list) == 0 {
		return time.Time{}
	}
	slices.SortFunc(list, time.Time.Compare)
	m := list[len(list)/2]
	if len(list)%2 == 0 {
		before := list[len(list)/2-1]
		m = before.Add(m.Sub(before) / 2)
	}
	return m
}

func (c *Certificate) addTests(n *Node, o *nodeOrder, secret bool) {
	for _, t := range o.tests {
		if t.Time.After(c.r.end) {
			continue
		}
		x := Test{Node: n.Name, Time: utc(t.Time.Time), Kind: string(t.Event), Target: t.Target, Server: t.Server, Name: t.Name, Type: t.Type, Rcode: t.Rcode, EDE: t.EDE,
			Why: t.Why, Result: result(t.Why), at: t.Time.Time}
		if secret {
			x.Target, x.Name = "", ""
			if x.Why != "" { // the reason may contain the name
				x.Why = "the reason is not disclosed"
			}
		}
		c.Tests = append(c.Tests, x)
	}
}

// addNode adds what a node says.
func (c *Certificate) addNode(n *Node, o *nodeOrder) {
	i := slices.IndexFunc(c.x.Nodes, func(y RowNode) bool { return y.Node == n.Name })
	if i < 0 {
		return
	}
	y := CertificateNode{RowNode: c.x.Nodes[i], Key: n.Key, Records: o.records}
	if len(o.intervals) > 0 {
		y.Version = o.intervals[0].SHA256
	}
	if v, err := note.NewVerifier(n.Key); err == nil {
		if p, err := journal.ReadCheckpoint(filepath.Join(n.Dir, "checkpoint"), v); err == nil {
			y.Signed, y.Root, y.Complete = p.Size, p.Root.String(), o.last < p.Size
			y.Cosignatures = cosignatures(n.Dir, v, o.inForce)
		}
	}
	if o.inForce >= 0 {
		y.Stamp = firstStamp(n.Dir, o.inForce)
	}
	c.Nodes = append(c.Nodes, y)
}

func cosignatures(dir string, v note.Verifier, index int64) (out []Cosignature) {
	paths, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
	for _, path := range append(paths, filepath.Join(dir, "checkpoint")) {
		text, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, ".tsr") {
			continue
		}
		p, err := journal.OpenCheckpoint(text, v)
		if err != nil || p.Size <= index {
			continue
		}
		s, err := note.Open(text, note.VerifierList(v))
		if err != nil {
			continue
		}
		for _, sig := range s.UnverifiedSigs {
			i := slices.IndexFunc(out, func(c Cosignature) bool { return c.Witness == sig.Name })
			if i < 0 {
				out = append(out, Cosignature{sig.Name, p.Size})
			} else {
				out[i].Size = min(out[i].Size, p.Size)
			}
		}
	}
	slices.SortFunc(out, func(a, b Cosignature) int { return strings.Compare(a.Witness, b.Witness) })
	return out
}

func firstStamp(dir string, index int64) (size int64) {
	paths, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*.tsr"))
	for _, path := range paths {
		n, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), ".tsr"), 10, 64)
		if err != nil || n <= index || size > 0 && n >= size {
			continue
		}
		if _, err := os.Stat(strings.TrimSuffix(path, ".tsr")); err == nil {
			size = n
		}
	}
	return size
}

// notes says what the certificate does not know.
func (c *Certificate) notes() {
	add := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	add("Each time in force is what a node says in its journal, by its own clock.")
	if c.x.f == nil {
		add("The fields of the order are unknown: no present file has the order, and the journals have not kept the version.")
	} else if !c.x.f.present {
		add("The fields of the order come from a version of its file in a journal.")
	}
	var own []string
	for _, n := range c.d.Nodes {
		if n.OwnKey {
			own = append(own, n.Name)
		}
		if n.Silent != "" {
			add("The journal of %s could not be collected: %s.", n.Name, n.Silent)
		}
	}
	if len(own) > 0 {
		add("The check used the public key in the journal itself: %s. Compare the key with a copy from another source.", strings.Join(own, ", "))
	}
	if len(c.x.Without) > 0 {
		add("Nodes without a record of the order: %s.", strings.Join(c.x.Without, ", "))
	}
}
