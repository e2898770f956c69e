package ruleset

import (
	"math"
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Forever is the Until of a verdict that nothing known will change.
const Forever order.Time = math.MaxInt64

// Client is whom a query is judged for.
type Client struct {
	// Addr is the client's address, unmapped and without a zone. The zero Addr
	// is in no network.
	Addr netip.Addr
	// Country is where the client is; empty when unknown, and then outside
	// every country scope.
	Country order.Country
}

// Below says what the names below a blocked name get, for the same client at
// the same time. It decides between NXDOMAIN, which denies all of them too (RFC
// 8020), and NODATA.
type Below uint8

// What names below a blocked one get.
const (
	// BelowNXDOMAIN: every one of them would get NXDOMAIN as well.
	BelowNXDOMAIN Below = iota
	// BelowBlocked: all are blocked, some with another answer than NXDOMAIN.
	BelowBlocked
	// BelowPasses: some name below is not blocked; or there are more than can be
	// looked at, since to deny less is the safe side. The name itself counts as
	// below when queries of another type for it pass (see Asked.Service).
	BelowPasses
)

// Verdict is what the order set says about one name, for one client, at one
// second. The zero Verdict with Until Forever is that of a name nobody ordered.
type Verdict struct {
	// Order is the order that decides; nil when the name passes.
	Order *Order
	// Response is the answer to give: the order's own, else the default of the
	// set. Never ResponseUnset on a blocked name.
	Response order.Response
	// TargetLabels and Match are the target that matched: the name's last
	// TargetLabels labels, without the "*." of a Below match.
	TargetLabels int
	Match        order.Match
	// Below is meaningful on a blocked name.
	Below Below
	// Until is the first second at which any of the above may differ, Below
	// included: it is never after such a change, and always after now.
	Until order.Time
	// Scoped: for a client in another country it may be another verdict.
	Scoped bool
	// Spared: it passes for the sake of the name that was asked (see Query.Asked),
	// and may be blocked for another.
	Spared bool
}

// Blocked reports whether the name is blocked.
func (v Verdict) Blocked() bool { return v.Order != nil }

// Order is the part of an order that stays in memory to answer queries.
type Order struct {
	ID        string
	Reference string // the first reference, may be empty
	*Common
}

// Common is what the orders of a register share that differ in their ids,
// references, dates and targets alone. Nobody changes it.
type Common struct {
	Terms              *order.Terms
	FilteringDatabases []order.FilteringDatabase

	action  order.Action
	status  order.Status
	public  bool    // a lift that says so itself
	excepts bool    // it has exceptions of its own, beside its targets'
	file    *string // the file it came from; the pointer tells files apart
	lifts   []string
	scope   *scope // nil: everyone
	exempt  *exempt
	// exemptsAll: a block order whose exemptions without an end cover every client.
	exemptsAll bool
	response   order.Response
	force      *forced // nil: nothing is
}
