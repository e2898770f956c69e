// Package order parses order files in YAML, JSON and JSON Lines (docs/order-format.md). It
// returns valid orders, or all problems with their positions.
//
// The orders are complete. They have their defaults, canonical names, and times in Unix
// seconds.
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

// Status is the state of an order or of a target. The operator sets it.
type Status uint8

// The statuses. Only an Active target is enforced.
const (
	Active    Status = iota
	Shadow           // the server counts blocked queries, but does not change answers
	Draft            // not to be enforced yet
	Suspended        // stopped by the operator, without a date
)

// AuthorityKind is the kind of authority that issued an order. The zero value means unknown.
type AuthorityKind uint8

// The kinds of authority. The extended DNS error of a blocking answer is Blocked for KindOperator,
// and Censored for all other kinds (RFC 8914, sections 4.16 and 4.17).
const (
	KindUnstated AuthorityKind = iota
	KindCourt
	KindRegulator
	KindLaw
	KindOperator
)

// Disclosure limits how much of an order the server may reveal to users.
type Disclosure uint8

// The disclosures. An order with Code or None is secret. DNS answers, metrics and the
// ordinary log then contain only a digest of the order.
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

// The forms of the answer for a blocked name. With ResponseUnset, the server uses the form from the
// Corefile.
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

// Match selects the names that a target covers: its name, the names below it, or both.
type Match uint8

// The kinds of match, in the sequence of their precedence. If several targets have the same name,
// the first kind in this list wins (docs/order-format.md, "When several orders cover a name").
const (
	Exact     Match = iota // only the name
	Subtree                // the name and all names below it
	BelowOnly              // all names below the name, written as "*.example.com"
)

// A Country is an ISO 3166-1 alpha-2 code in upper case. "EU" is all members of the
// European Union. An unknown country is empty.
type Country string

// An Authority is the court or other body that issued an order.
type Authority struct {
	Name    string
	Country Country // may be empty
	Kind    AuthorityKind
}

// A Scope is the set of clients to which an order applies. With Global, these are all
// clients. Otherwise they are the clients in the countries and networks.
type Scope struct {
	Global    bool
	Countries []Country // "EU" means all members of the European Union
	// WithTerritories lists the countries that have a "+" in the file, like "FR+".
	// Countries also contains the territories of these countries.
	WithTerritories []Country
	Clients         []netip.Prefix
}

// An Exempt lists networks of clients to which an order does not apply.
type Exempt struct {
	Clients   []netip.Prefix
	Until     Time // NoTime means until the order ends
	Reference string
}

// A Window is a time interval in which an order or target is enforced. The interval includes the
// time From, but not the time Until. NoTime means no limit.
type Window struct{ From, Until Time }

// A FilteringDatabase refers to the public record of an order in a database
// (draft-ietf-dnsop-filtering-transparency-00).
type FilteringDatabase struct{ DB, ID string }

// A Document records how the operator verified the paper document of an order.
type Document struct {
	SHA256                       string // lower-case hex
	VerifiedBy, ApprovedBy, Note string
}

// Terms are fields that orders of one authority usually share. Do not change a shared
// Terms.
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
	// Lifts contains the ids of the orders that this lift ends. If Lifts is empty, the lift ends
	// the earlier orders of its authority.
	Lifts []string
	// Public is set on a lift if the lift has its own disclosure, and this disclosure is full or
	// schedule. Otherwise the lift is as secret as the orders that it ends.
	Public bool
	*Terms

	References []string
	Subject    string
	Note       string
	Claimant   string // the party that asked the authority for the order

	Issued, Served, From, Until, Review, Deadline Time
	// Acknowledged is when the operator confirmed the order to the authority. Reported is
	// when the operator reported a working block.
	Acknowledged, Reported Time
	// DeadlineAfter is the deadline as a duration after the time Served, or 0.
	DeadlineAfter time.Duration

	Windows []Window
	Status  Status
	// StatedCount is the number of different names that the decision states. StatedCount is 0 if
	// the file does not contain the number.
	StatedCount int
	Targets     []Target
	// Plain is the number of targets that were passed to Options.Targets. These targets are not in
	// the field Targets.
	Plain              int
	Side               *SideList
	Except             []dname.Name
	Force              []Force
	FilteringDatabases []FilteringDatabase
	Document           *Document
	Line, Column       int // the position in the file, from 1
	Index              int // the index in the file, from 0
}

// A Source describes the official register from which the file was imported.
type Source struct {
	Register string // the name of the register
	AsOf     Time   // the date of the register's content; NoTime if not given
	SHA256   string // the digest of the register's file in lower-case hex; may be empty
}

// A Force is the operator's reason to enforce a target in spite of package guard.
type Force struct{ Target, Reason string }

// A SideList is a list of target names in a file of its own. Each target covers its name
// and all names below.
type SideList struct {
	File   string // as written, relative to the order file
	SHA256 string // in lower-case hex; may be empty
	Names  dname.List
	// Taken is the number of names that were passed to Options.Side. These names are not in the
	// field Names.
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

// A Target is a name, an address or a URL to which an order applies. Name and Match are set only
// for a name. A URL becomes a name if its whole host is blocked.
type Target struct {
	Kind  TargetKind
	Match Match
	Name  dname.Name
	// Attr contains attributes that few targets have. It can be nil. Several targets of
	// one order may share one Attr.
	Attr         *Attr
	Line, Column int // the position in the order file, from 1
}

// Attr contains the attributes of a target. The times and the exceptions of the order also apply to
// the target.
type Attr struct {
	Address    netip.Prefix
	EnforcedBy EnforcedBy
	URL        string // as written; a whole_host URL also sets Target.Name

	From, Until      Time
	Windows          []Window
	Except           []dname.Name
	Status           Status
	Served, Deadline Time
	// DeadlineAfter is the target's own deadline as a duration after Served, or 0.
	DeadlineAfter time.Duration
	// Acknowledged and Reported apply only to this target. Order has the same fields for the
	// whole order.
	Acknowledged, Reported Time
	References             []string
	Note                   string
}

// DecidedAt returns the time for sorting the orders of an authority. It returns Issued, or From if
// Issued is unknown, or Served if From is unknown. If all three are unknown, it returns NoTime.
func (o *Order) DecidedAt() Time {
	for _, t := range []Time{o.Issued, o.From, o.Served} {
		if t != NoTime {
			return t
		}
	}
	return NoTime
}

// Begin returns the time from which an order is in force. NoTime means that the order is in force
// at once. A lift without the field From is in force from DecidedAt on.
func (o *Order) Begin() Time {
	if o.Action == Lift && o.From == NoTime {
		return o.DecidedAt()
	}
	return o.From
}

// Due returns the deadline, the time at which an order must be in force, or NoTime. If the deadline
// is a duration after the time Served, Due never returns a time before Begin.
func (o *Order) Due() Time {
	if o.Deadline != NoTime && o.DeadlineAfter > 0 {
		return max(o.Deadline, o.Begin())
	}
	return o.Deadline
}

// TargetDue returns the time at which a target with its own deadline must be blocked, or NoTime. If
// the deadline is a duration after the time Served, TargetDue never returns a time before the order
// or the target begins.
func (o *Order) TargetDue(a *Attr) Time {
	counted := a.DeadlineAfter > 0 ||
		o.DeadlineAfter > 0 && a.Served != NoTime && a.Deadline == a.Served+Time(o.DeadlineAfter/time.Second)
	if a.Deadline != NoTime && counted {
		return max(a.Deadline, o.Begin(), a.From)
	}
	return a.Deadline
}

// NumTargets returns the number of targets, including the names of the side list.
func (o *Order) NumTargets() int {
	n := len(o.Targets) + o.Plain
	if o.Side != nil {
		n += o.Side.Len()
	}
	return n
}
