package ruleset

import (
	"math"
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Forever is a time after all other times.
const Forever order.Time = math.MaxInt64

// A Client is the client of a query.
type Client struct {
	// Addr is the client's address, unmapped and without a zone.
	Addr    netip.Addr
	Country order.Country
}

// A SubtreeOutcome is the common outcome of all names below a blocked name. NXDOMAIN also denies
// these names (RFC 8020).
type SubtreeOutcome uint8

// The outcomes for the names below a blocked name:
const (
	// SubtreeNXDOMAIN means that all names below get NXDOMAIN too.
	SubtreeNXDOMAIN SubtreeOutcome = iota
	// SubtreeBlocked means that all names below are blocked. Some have a response other
	// than NXDOMAIN.
	SubtreeBlocked
	// SubtreePasses means that some name below may pass. It is also the outcome when there are too
	// many names below to check.
	SubtreePasses
)

// A Verdict is the decision about one name for one client at one time. For a name without orders,
// only Until is set.
type Verdict struct {
	Order *Order
	// Response is never ResponseUnset for a blocked name.
	Response order.Response
	// TargetLabels is the number of labels of the target that matched. For the target
	// "*.example.com" it is 2.
	TargetLabels int
	Match        order.Match
	// Subtree has no meaning for a name that passes.
	Subtree SubtreeOutcome
	// The fields above are valid before this time.
	Until            order.Time
	CountryDependent bool
	// PassedForQName is set if the name passes only because of Query.QName. Do not use the
	// verdict for another QName.
	PassedForQName bool
}

// Blocked reports whether the name is blocked.
func (v Verdict) Blocked() bool { return v.Order != nil }

// An Order contains the fields of an order that queries need.
type Order struct {
	ID        string
	Reference string // the first reference, may be empty
	*Common
}

// A Common contains the fields that many orders share. It is immutable.
type Common struct {
	Terms              *order.Terms
	FilteringDatabases []order.FilteringDatabase

	action   order.Action
	status   order.Status
	public   bool    // the order is a lift whose disclosure is public
	excepts  bool    // the order has exceptions that apply to all its targets
	file     *string // the path of the file; equal pointers mean equal files
	lifts    []string
	scope    *scope // nil means all clients
	exempt   *exempt
	response order.Response
	force    forced
}

// File returns the path of the order file.
func (c *Common) File() string { return *c.file }

// Status returns the status of the order.
func (c *Common) Status() order.Status { return c.status }
