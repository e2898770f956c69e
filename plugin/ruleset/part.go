// Package ruleset compiles orders into an immutable set that answers one
// question: what does this name get, for this client, at this second?
//
// A [Part] is one order file, compiled. A [Set] is several parts that are in
// force together; [Merge] makes it, and it is what a server holds and swaps.
// Time is an argument of every question, so that orders start and end to the
// second without a timer: each rule carries the intervals in which it holds.
//
// How a verdict is found: the index yields the targets, exceptions and lifts at
// the name and above it. Targets are tried in their order of precedence until
// one is in force, reaches the client, and is neither excepted nor lifted.
package ruleset

import (
	"iter"
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// Options are the operator's settings that the verdicts depend on. What Merge
// needs of them must be what its parts were built with.
type Options struct {
	// Response is given for orders that prescribe none; the zero value is
	// NXDOMAIN.
	Response order.Response
	// Guard holds targets back; nil holds none.
	Guard Guard
	// NoCountry: nothing tells the country of clients. Orders for countries only
	// are held.
	NoCountry bool
	// Addresses: addresses in answers are judged too. Without it targets that are
	// addresses are recorded and not enforced.
	Addresses bool
	// NAT64 are the operator's own prefixes of IPv6 addresses with an IPv4 address inside
	// (RFC 6052): 32, 40, 48, 56, 64 or 96 bits long. Addresses below them, and below the
	// prefixes that are the same everywhere, are judged by that IPv4 address as well.
	NAT64 []netip.Prefix
}

// kind is what a rule does at its name. Those that cancel stand first, so that
// a list of rules begins with them.
type kind uint8

const (
	except kind = iota // the order does not touch the name and what is below
	liftExact
	liftSubtree
	liftBelow
	blockExact
	blockSubtree
	blockBelow
)

// match returns which names the rule covers.
func (k kind) match() order.Match {
	switch k {
	case liftExact, blockExact:
		return order.Exact
	case liftBelow, blockBelow:
		return order.Below
	}
	return order.Subtree
}

func (k kind) isLift() bool { return liftExact <= k && k <= liftBelow }

// rule is what one order says at one name.
type rule struct {
	entry uint32 // of the part's entries
	sched uint32 // of the part's schedules
	// group ties a target to exceptions of its own: an exception of group 0 is
	// the whole order's, another only that of the targets with its group.
	group  uint32
	kind   kind
	shadow bool // judged only as if the orders in shadow were in force
	last   bool // ends the list
	crowd  bool // begins a list that has a crowd
}

// entry is an order as the set keeps it.
type entry struct {
	Order
	// place orders the history that lifts reach back in.
	place, from  order.Time
	index        int32 // its place in the file
	line, column int32
	sched        uint32 // of the order as a whole, for states and whole lifts
	// names is the number of name targets, addrs that of addresses to be found in
	// answers, others that of targets which DNS does not enforce.
	names, addrs, others int32
	isIssued             bool // place is when it was issued
}

// issued ranks blocks.
func (e *entry) issued() order.Time {
	if e.isIssued {
		return e.place
	}
	return order.NoTime
}

// Part is one compiled order file. It is immutable.
type Part struct {
	path      *string
	names     *index.Index
	blocked   int // names that are targets of block orders, in whatever state
	rules     []rule
	entries   entries
	crowds    map[uint32]*crowd // by where their rules start
	lookouts  []dname.Name      // see findLookouts
	intervals []interval
	schedules []schedule
	addrs     *addressTable
	whole     []uint32 // entries of lifts without targets
	lifts     []uint32 // entries of all lifts
	bytes     int
	countries bool // some order depends on the client's country
	shadows   bool // some order or target is in shadow
	held      held // of its targets, by the guard that it was built with
	// embeddings are the networks of IPv6 addresses with IPv4 addresses inside.
	embeddings []embedding
	guard      Guard
	response   order.Response // for orders that prescribe none
	redirects  []netip.Addr
	// deadlines and reviews are in the order of the entries.
	deadlines, reviews []duty
	dutyTargets        []dutyTarget
}

// Path returns the file's path.
func (p *Part) Path() string { return *p.path }

// Orders returns the number of orders in the file, whatever their state.
func (p *Part) Orders() int { return p.entries.n }

// IDs yields the ids of the file's orders.
func (p *Part) IDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for e := range p.entries.all() {
			if !yield(e.ID) {
				return
			}
		}
	}
}

// Taken returns a problem for each order of p whose id is a key of by, the parts that
// have orders of those ids.
func (p *Part) Taken(by map[string]*Part) order.Problems {
	if len(by) == 0 {
		return nil
	}
	return p.taken(func(id string) (file string, ok bool) {
		q, ok := by[id]
		if ok {
			file = *q.path
		}
		return file, ok
	})
}

// taken is Taken; by returns the file that has an order of that id.
func (p *Part) taken(by func(id string) (file string, ok bool)) (out order.Problems) {
	for e := range p.entries.all() {
		if file, ok := by(e.ID); ok {
			out = append(out, order.Problem{
				File: *e.file, Line: int(e.line), Column: int(e.column), Order: e.ID, Field: "id",
				Msg: "is used by an order of another file, " + file, Got: e.ID, HasGot: true,
				Sealed: e.Terms.Disclosure.Sealed(),
			})
		}
	}
	return out
}

// Targets returns the number of targets of the file's block orders.
func (p *Part) Targets() (n int) {
	for e := range p.entries.all() {
		if e.action == order.Block {
			n += int(e.names + e.addrs + e.others)
		}
	}
	return n
}

// rulesAt returns the rules at the name itself.
func (p *Part) rulesAt(w *dname.Wire) []rule {
	var room [pathRoom]index.Hit
	hits, _ := p.names.Walk(w, room[:0])
	if len(hits) == 0 || hits[len(hits)-1].Labels != w.NumLabels() {
		return nil
	}
	return p.list(hits[len(hits)-1].Ref)
}
