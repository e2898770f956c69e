package ruleset

import (
	"iter"
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
	"github.com/gaissmai/bart"
)

// Options contains the operator's settings that can change verdicts. Merge and all Builders of its
// parts must get equal Options.
type Options struct {
	// Response is the response for orders without a response of their own. The zero value
	// means NXDOMAIN.
	Response order.Response
	// Guard may be nil.
	Guard Guard
	// NoCountry is set if the server does not know the countries of clients. Orders for only some
	// countries are then not enforced.
	NoCountry bool
	// Addresses is set if the server checks addresses in answers. Otherwise address
	// targets are not enforced.
	Addresses bool
	// NAT64 contains the operator's NAT64 prefixes (RFC 6052), with 32, 40, 48, 56, 64 or 96 bits.
	// A rule for an IPv4 address also applies to its IPv6 addresses in these prefixes.
	NAT64 []netip.Prefix
}

// A list of rules is sorted by kind. Exceptions and lifts must come before blocks.
type kind uint8

const (
	except kind = iota // the order does not apply to the name and the names below
	liftExact
	liftSubtree
	liftBelow
	blockExact
	blockSubtree
	blockBelow
)

func (k kind) match() order.Match {
	switch k {
	case liftExact, blockExact:
		return order.Exact
	case liftBelow, blockBelow:
		return order.BelowOnly
	}
	return order.Subtree
}

func (k kind) isLift() bool { return liftExact <= k && k <= liftBelow }

type rule struct {
	entry uint32 // an index of the part's entries
	sched uint32 // an index of the part's schedules
	// An exception of group 0 applies to all targets.
	group  uint32
	kind   kind
	shadow bool // the rule is ignored unless Query.Shadow is set
	last   bool // the last rule of its list
	long   bool // the first rule of a list that has an index (longList)
}

type entry struct {
	Order
	rank                 Rank
	index                int32 // the position of the order in its file
	line, column         int32
	sched                uint32 // the schedule of the whole order
	names, addrs, others int32
	isIssued             bool // rank.decided is the time at which the order was issued
}

func (e *entry) problem(field, msg string) order.Problem {
	return order.Problem{
		File: *e.file, Line: int(e.line), Column: int(e.column), Order: e.ID, Field: field, Msg: msg,
		Sealed: e.Terms.Disclosure.Sealed(),
	}
}

func (e *entry) warning(field, msg string) order.Problem {
	p := e.problem(field, msg)
	p.Warning = true
	return p
}

func (e *entry) issued() order.Time {
	if e.isIssued {
		return e.rank.decided
	}
	return order.NoTime
}

type addressTable = bart.Table[netRules]

type netRules struct {
	rules []rule
	long  *longList // the index of a long list of rules, else nil
}

// A Part is one compiled order file. It is immutable.
type Part struct {
	path               *string
	names              *index.Index
	blocked            int // the number of names with block targets, in any state
	rules              []rule
	entries            entries
	longLists          map[uint32]*longList // the key is the index of the list's first rule
	intervals          []interval
	schedules          []schedule
	addrs              *addressTable
	whole              []uint32 // the entries of lifts without targets, which end whole orders
	lifts              []uint32 // the entries of all lifts
	bytes              int
	countries          bool // some order depends on the client's country
	shadows            bool // some order or target is in shadow
	ownDates           bool // some target has dates or a status of its own
	held               held // the targets that the guard refuses to enforce
	embeddings         []embedding
	guard              Guard
	recompiled         bool           // the part was compiled from another part, not from a file
	response           order.Response // the response of orders that do not prescribe one
	redirects          []netip.Addr
	deadlines, reviews []duty
	dutyTargets        []dutyTarget
}

// Path returns the path of the file.
func (p *Part) Path() string { return *p.path }

// FromFile reports whether the part was compiled from its file, and not from another part.
func (p *Part) FromFile() bool { return !p.recompiled }

// Orders returns the number of orders in the file, in any state.
func (p *Part) Orders() int { return p.entries.n }

// IDs yields the ids of the orders of the file.
func (p *Part) IDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range p.entries.all() {
			if !yield(e.ID) {
				return
			}
		}
	}
}

// Taken returns a problem for each order of p with a used id. The keys of the map are the used ids.
func (p *Part) Taken(by map[string]*Part) (out order.Problems) {
	if len(by) == 0 {
		return nil
	}
	for _, e := range p.entries.all() {
		if q := by[e.ID]; q != nil {
			problem := e.problem("id", "is used by an order of another file, "+*q.path)
			problem.Got, problem.HasGot = e.ID, true
			out = append(out, problem)
		}
	}
	return out
}

// Duplicates compares the ids of p with the ids of other parts. It returns a problem for each order
// of p with an equal id.
func Duplicates(p *Part, others []*Part) order.Problems {
	n := 0
	for _, q := range others {
		n += q.entries.n
	}
	var own map[string]bool
	if p.entries.n <= n {
		own = make(map[string]bool, p.entries.n)
		for id := range p.IDs() {
			own[id] = true
		}
	}
	by := map[string]*Part{}
	for _, q := range others {
		for id := range q.IDs() {
			if own == nil || own[id] {
				by[id] = q
			}
		}
	}
	return p.Taken(by)
}

// Targets returns the number of targets of the file's block orders.
func (p *Part) Targets() (n int) {
	for _, e := range p.entries.all() {
		if e.action == order.Block {
			n += int(e.names + e.addrs + e.others)
		}
	}
	return n
}

func (p *Part) rulesAt(w *dname.Wire) []rule {
	var room [pathRoom]index.Hit
	hits, _ := p.names.Walk(w, room[:0])
	if len(hits) == 0 || hits[len(hits)-1].Labels != w.NumLabels() {
		return nil
	}
	return p.list(hits[len(hits)-1].Ref)
}

func (p *Part) networks() iter.Seq2[netip.Prefix, []rule] {
	return func(yield func(netip.Prefix, []rule) bool) {
		if p.addrs == nil {
			return
		}
		for x, at := range p.addrs.All() {
			if !yield(x, at.rules) {
				return
			}
		}
	}
}

func (p *Part) rulesAtNet(x netip.Prefix) []rule {
	if p.addrs == nil {
		return nil
	}
	at, _ := p.addrs.Get(x)
	return at.rules
}

// slices.Clip would not free the spare memory.
func fit[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }

func b2u(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func blocks(rules []rule) bool {
	return len(rules) > 0 && rules[len(rules)-1].kind >= blockExact
}

func (p *Part) ivs(sched uint32) []interval {
	s := p.schedules[sched]
	return p.intervals[s.off : s.off+s.n]
}

func (p *Part) over(sched uint32) order.Time {
	if ivs := p.ivs(sched); len(ivs) > 0 {
		return ivs[len(ivs)-1].until
	}
	return order.NoTime
}
