// Package order parses order files in YAML, JSON and JSON Lines (docs/order-format.md). It returns
// valid orders, or all problems with their positions. The orders include inherited values.
package order

import (
	"net/netip"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// An Action is the effect of an order on its targets.
type Action uint8

// These are the actions of an order.
const (
	Block Action = iota // the targets are blocked
	Lift                // a lift ends earlier orders for its targets
)

// Status is the state that the operator gives to an order or a target.
type Status uint8

// The statuses. Only an Active target is enforced.
const (
	Active    Status = iota
	Shadow           // the server counts blocked queries, but does not change answers
	Draft            // not to be enforced yet
	Suspended        // stopped by the operator, without a date
)

// AuthorityKind is the kind of an authority.
type AuthorityKind uint8

// The extended DNS error of a blocking answer is Blocked for KindOperator, and Censored for all
// other kinds (RFC 8914, sections 4.16 and 4.17).
const (
	KindUnstated AuthorityKind = iota
	KindCourt
	KindRegulator
	KindLaw
	KindOperator
)

// Disclosure limits what the server reveals about an order.
type Disclosure uint8

// An order with Code or None is sealed (secret). DNS answers, metrics and the ordinary log contain
// only a digest of a sealed order.
const (
	Full     Disclosure = iota
	Schedule            // the order is public, but the list of its targets is secret
	Code                // an answer contains only the code of the extended DNS error
	None                // an answer contains no extended DNS error
)

// Sealed reports whether orders with this disclosure are secret.
func (d Disclosure) Sealed() bool { return d == Code || d == None }

// ResponseKind is the form of the answer for a blocked name.
type ResponseKind uint8

// ResponseUnset means the form in the Corefile.
const (
	ResponseUnset ResponseKind = iota
	NXDOMAIN
	NODATA
	Refused
	Redirect
)

// A Response is the answer that an order prescribes for its targets.
type Response struct {
	Kind      ResponseKind
	Addresses []netip.Addr // only for Redirect: at least one address, no duplicates
}

// Match selects the names that a target covers.
type Match uint8

// If two targets have the same name, the first Match in this list wins.
const (
	Exact     Match = iota // only the name
	Subtree                // the name and all names below it
	BelowOnly              // all names below the name, written as "*.example.com"
)

// A Country is an ISO 3166-1 alpha-2 code in upper case, or EU. An unknown country is empty.
type Country string

// An Authority is the court or other body that issued an order.
type Authority struct {
	Name    string
	Country Country // may be empty
	Kind    AuthorityKind
}

// A Scope is the set of clients to which an order applies.
type Scope struct {
	Global    bool
	Countries []Country // "EU" means all members of the European Union
	// WithTerritories lists the countries with a "+" in the file, like "FR+". The field Countries
	// also contains their territories.
	WithTerritories []Country
	Clients         []netip.Prefix
}

// An Exempt lists networks of clients to which an order does not apply.
type Exempt struct {
	Clients   []netip.Prefix
	Until     Time // NoTime means until the order ends
	Reference string
}

// A Window is a time interval. It begins at From and ends before Until. NoTime means no limit.
type Window struct{ From, Until Time }

// A FilteringDatabase identifies the public record of an order
// (draft-ietf-dnsop-filtering-transparency-00).
type FilteringDatabase struct{ DB, ID string }

// A Document records who verified the paper document of an order.
type Document struct {
	SHA256                       string // lower-case hex
	VerifiedBy, ApprovedBy, Note string
}

// Terms contains fields that orders of an authority usually share. Do not change a shared Terms.
type Terms struct {
	Authority     Authority
	Scope         *Scope // nil only for a lift, which then applies to all clients
	Exempt        []Exempt
	Response      Response
	TTL           time.Duration // negative if unset
	Disclosure    Disclosure
	Justification string
	Language      string // the BCP 47 tag of the language of Justification
	Organization  string
	Contact       []string // mailto: and tel: URIs
	URL           string
	Basis         string
	Category      string
	Redress       string // how a user can object to the order
	ReportTo      string
}

// An Order is one decision of one authority.
type Order struct {
	ID     string
	Action Action
	// Lifts contains the ids of the lifted orders. If Lifts is empty, the order lifts the earlier
	// orders of the authority.
	Lifts  []string
	Public bool
	*Terms

	References []string
	Subject    string
	Note       string
	Claimant   string // the party that asked the authority for the order

	Issued, Served, From, Until, Review, Deadline Time
	// Acknowledged is the time when the operator confirmed the order to the authority. Reported is
	// the time when the operator reported a working block.
	Acknowledged, Reported Time
	// DeadlineAfter is the deadline as a duration after Served. 0 means no such duration.
	DeadlineAfter time.Duration

	Windows []Window
	Status  Status
	// StatedCount is the number of names that the decision states. 0 means unknown.
	StatedCount        int
	Targets            []Target
	Plain              int
	Side               *SideList
	Except             []dname.Name
	Force              []Force
	FilteringDatabases []FilteringDatabase
	Document           *Document
	Line, Column       int // the position in the file, from 1
	Index              int // the index in the file, from 0
}

// A Source describes the register from which a file was imported.
type Source struct {
	Register string // the name of the register
	AsOf     Time   // the date of the register's content; NoTime if not given
	SHA256   string // the digest of the register's file in lower-case hex; may be empty
}

// A Force is the operator's reason to enforce a target that package guard would refuse.
type Force struct{ Target, Reason string }

// A SideList is a list of target names in a separate file. Each target covers its name and all
// names below.
type SideList struct {
	File   string // as written, relative to the order file
	SHA256 string // in lower-case hex; may be empty
	Names  dname.List
	// Taken is the number of names that Options.Side received. Names does not contain them.
	Taken int
}

// Len returns the number of names in the list.
func (s *SideList) Len() int { return s.Names.Len() + s.Taken }

// TargetKind is the kind of a target.
type TargetKind uint8

// These are the kinds of targets.
const (
	TargetName    TargetKind = iota
	TargetAddress            // an address or network, in DNS answers or only recorded
	TargetURL                // only recorded, because DNS cannot block one page
)

// EnforcedBy says who enforces an address target.
type EnforcedBy uint8

// These are the values of EnforcedBy.
const (
	ByNetwork EnforcedBy = iota // routers block the address
	ByNobody
	ByDNS // the server blocks answers that contain the address
)

// A Target is a name, an address or a URL. Only a name has Name and Match. A URL with whole_host
// counts as a name.
type Target struct {
	Kind  TargetKind
	Match Match
	Name  dname.Name
	// Attr is nil for most targets. Targets of an order may share an Attr.
	Attr         *Attr
	Line, Column int // the position in the order file, from 1
}

// Attr contains the attributes of a target. The times and exceptions of the order also apply.
type Attr struct {
	Address    netip.Prefix
	EnforcedBy EnforcedBy
	URL        string // as written; a whole_host URL also sets Target.Name

	From, Until            Time
	Windows                []Window
	Except                 []dname.Name
	Status                 Status
	Served, Deadline       Time
	Acknowledged, Reported Time
	References             []string
	Note                   string
}

// DecidedAt returns the decision time of an order. It is the first known time of Issued, From and
// Served. If no time is known, the result is NoTime.
func (o *Order) DecidedAt() Time {
	for _, t := range []Time{o.Issued, o.From, o.Served} {
		if t != NoTime {
			return t
		}
	}
	return NoTime
}

// Begin returns the time from which an order is in force. NoTime means at once. A lift without From
// begins at DecidedAt.
func (o *Order) Begin() Time {
	if o.Action == Lift && o.From == NoTime {
		return o.DecidedAt()
	}
	return o.From
}

// NumTargets returns the number of targets, including the side list.
func (o *Order) NumTargets() int {
	n := len(o.Targets) + o.Plain
	if o.Side != nil {
		n += o.Side.Len()
	}
	return n
}
