package ruleset

import (
	"math"
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Forever is the Until of a verdict that no known event will change.
const Forever order.Time = math.MaxInt64

// A Client is the client of a query.
type Client struct {
	// Addr is the client's address, unmapped and without a zone. The zero Addr is in no
	// network.
	Addr netip.Addr
	// Country is the client's country. It is empty if unknown, and is then in no scope of
	// countries.
	Country order.Country
}

// A SubtreeOutcome is the outcome for the names below a blocked name, for the same client at
// the same time. It decides between NXDOMAIN, which also denies all names below (RFC 8020), and
// NODATA.
type SubtreeOutcome uint8

// The outcomes for the names below a blocked name.
const (
	// SubtreeNXDOMAIN is used if all names below would get NXDOMAIN too.
	SubtreeNXDOMAIN SubtreeOutcome = iota
	// SubtreeBlocked is used if all names below are blocked, and some get another answer than
	// NXDOMAIN.
	SubtreeBlocked
	// SubtreePasses is used if some name below is not blocked, or if there are too many names to
	// check, because denying too little is safer. The name itself counts as below if queries
	// of another type for it pass (see QName.Service).
	SubtreePasses
)

// A Verdict is the decision about one name, for one client, at one second. A name without
// orders has the zero Verdict with Until Forever.
type Verdict struct {
	// Order is the order that decides, nil if the name passes.
	Order *Order
	// Response is the response to give: the response that the order prescribes, or the default
	// of the set. It is never ResponseUnset if the name is blocked.
	Response order.Response
	// TargetLabels and Match describe the target that matched. The target is the last
	// TargetLabels labels of the name, without the "*." of a BelowOnly match.
	TargetLabels int
	Match        order.Match
	// Subtree is meaningful only if the name is blocked.
	Subtree SubtreeOutcome
	// Until is the first second at which the fields above may change. It is never later than
	// the change, and always after now.
	Until order.Time
	// CountryDependent is set if the verdict may differ for a client in another country.
	CountryDependent bool
	// PassedForQName is set if the name passes because of the asked name (see Query.QName), and
	// may be blocked for another asked name.
	PassedForQName bool
}

// Blocked reports whether the name is blocked.
func (v Verdict) Blocked() bool { return v.Order != nil }

// An Order is the part of an order that stays in memory for queries.
type Order struct {
	ID        string
	Reference string // the first reference, may be empty
	*Common
}

// A Common contains the fields that many orders of a register share. These orders differ only
// in their ids, references, dates and targets. A Common is immutable.
type Common struct {
	Terms              *order.Terms
	FilteringDatabases []order.FilteringDatabase

	action  order.Action
	status  order.Status
	public  bool    // a lift that says that it is public
	excepts bool    // the order has exceptions of its own, apart from the exceptions of targets
	file    *string // the path of the file; equal pointers mean the same file
	lifts   []string
	scope   *scope // nil: all clients
	exempt  *exempt
	// exemptsAll is set for a block order whose exemptions without an end cover every client.
	exemptsAll bool
	response   order.Response
	force      *forced // nil: no target is forced
}
