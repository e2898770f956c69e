// Package order parses order files. It returns valid blocking orders, or all problems with
// their lines and columns. The format is described in docs/order-format.md. YAML, JSON and
// JSON Lines files have the same schema.
//
// An [Order] is one decision of one authority. The parser returns complete orders: the values
// from the file's defaults are filled in, names are canonical, and times are Unix times. Other
// packages therefore have nothing to parse.
package order

import (
	"net/netip"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// Action is the effect of an order on its targets.
type Action uint8

// These are the actions of an order.
const (
	Block Action = iota // the targets are blocked
	Lift                // for its targets, a lift ends earlier orders
)

// Status is the state of an order or of a target, which the operator sets.
type Status uint8

// These are the statuses of an order or target. Only a target whose status is Active is
// enforced.
const (
	Active    Status = iota
	Shadow           // the server decides and counts, but does not change the answer
	Draft            // not to be enforced yet
	Suspended        // stopped by the operator, without a date
)

// AuthorityKind is the kind of authority that issued an order. The zero value means that the
// order does not state the kind.
type AuthorityKind uint8

// These are the kinds of authority. KindOperator marks the operator's own decisions, whose
// answers have the extended error Blocked. Answers to all other orders have the extended error
// Censored (RFC 8914, sections 4.16 and 4.17).
const (
	KindUnstated AuthorityKind = iota
	KindCourt
	KindRegulator
	KindLaw
	KindOperator
)

// Disclosure says how much of an order the server may reveal to users.
type Disclosure uint8

// These are the disclosures. An order with Code or None is sealed (secret): DNS answers,
// metrics and the ordinary log contain only a digest of the order.
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

// These are the forms of the answer for a blocked name. For an order with ResponseUnset, the
// Corefile decides the form.
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
	Addresses []netip.Addr // set only for Redirect: at least one address, no duplicates
}

// Match is the set of names that a target covers: the name of the target, the names below it,
// or all of them.
type Match uint8

// These are the matches of a target. If targets with the same name have different matches, the
// first match in this list takes precedence (docs/order-format.md, "When several orders cover
// a name").
const (
	Exact     Match = iota // only the name
	Subtree                // the name and all names below it
	BelowOnly              // all names below the name, written as "*.example.com"
)

// A Country is an ISO 3166-1 alpha-2 code in upper case, or "EU" for all members of the
// European Union. It is empty if the country is unknown.
type Country string

// An Authority is the court or other body that issued an order.
type Authority struct {
	Name    string
	Country Country // may be empty
	Kind    AuthorityKind
}

// A Scope is the set of clients to which an order applies. An order with Global set applies to
// all clients. Otherwise it applies to the clients in the countries and in the networks of the
// Scope.
type Scope struct {
	Global    bool
	Countries []Country // "EU" means all members of the European Union
	// WithTerritories are the countries that the order file writes with a "+", such as "FR+".
	// Countries also contains the territories of these countries.
	WithTerritories []Country
	Clients         []netip.Prefix
}

// An Exempt lists networks. An order does not apply to clients in the networks of its Exempts.
type Exempt struct {
	Clients   []netip.Prefix
	Until     Time // NoTime means until the order ends
	Reference string
}

// A Window is an interval in which an order or target is in force. The interval includes the
// second From and excludes the second Until. NoTime means that the interval has no start or no
// end.
type Window struct{ From, Until Time }

// A FilteringDatabase identifies the public record of an order in a database
// (draft-ietf-dnsop-filtering-transparency-00).
type FilteringDatabase struct{ DB, ID string }

// A Document records how the paper document of the order was verified.
type Document struct {
	SHA256                       string // lower-case hex
	VerifiedBy, ApprovedBy, Note string
}

// Terms are fields that the orders of one authority usually have in common. The values usually
// come from the file's authorities and defaults. All orders without a field of this kind of
// their own share one Terms, which must not be changed. A register of a million orders
// therefore has only a few Terms.
type Terms struct {
	Authority     Authority
	Scope         *Scope // nil only for a lift (an order that ends others), which then applies to all clients
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
	Redress       string // how, and to whom, a user can object to the order
	ReportTo      string
}

// An Order is one decision of one authority.
type Order struct {
	ID     string
	Action Action
	// Lifts are the ids of the orders that this lift ends. A lift with empty Lifts ends the
	// earlier orders of the lift's authority.
	Lifts []string
	// Public is set on a lift whose own disclosure is full or schedule. Any other lift is as
	// secret as the orders that it ends.
	Public bool
	*Terms

	References []string
	Subject    string
	Note       string
	Claimant   string // the party that asked the authority for the order

	Issued, Served, From, Until, Review, Deadline Time
	// Acknowledged is the time at which the operator confirmed to the authority that the order
	// was received. Reported is the time at which the operator reported that the block works.
	Acknowledged, Reported Time
	// DeadlineAfter is the deadline if the file has it as a duration, and otherwise 0. The
	// duration starts at Served of the order, or at Served of a target that has its own.
	DeadlineAfter time.Duration

	Windows []Window
	Status  Status
	Targets []Target
	// Plain is the number of targets that were passed to Options.Targets. Targets does not
	// contain these targets.
	Plain              int
	Side               *SideList
	Except             []dname.Name
	Force              []Force
	FilteringDatabases []FilteringDatabase
	Document           *Document
	Line, Column       int // the position of the order in its file, from 1
	Index              int // the index of the order in its file, from 0
}

// A Source describes the register of an authority from which an import has made the file.
type Source struct {
	Register string // the name of the register
	AsOf     Time   // the time at which the register had this content; NoTime if not given
	SHA256   string // the digest of the register's file, in lower-case hex; empty if not given
}

// A Force is the operator's reason to enforce a target that the guard protects from a block by
// mistake.
type Force struct{ Target, Reason string }

// A SideList is a list of targets in a file of its own. Each target covers its name and all
// names below it.
type SideList struct {
	File   string // the path as written, relative to the order file
	SHA256 string // the digest of the list in lower-case hex; empty if not given
	Names  dname.List
	// Taken is the number of names that were passed to Options.Side. Names does not contain
	// these names.
	Taken int
}

// Len returns the number of names in the list.
func (s *SideList) Len() int { return s.Names.Len() + s.Taken }

// TargetKind is the kind of a target.
type TargetKind uint8

// These are the kinds of targets.
const (
	TargetName    TargetKind = iota
	TargetAddress            // an address or network; enforced in DNS answers, or only recorded
	TargetURL                // a URL; only recorded, because DNS cannot block one page
)

// EnforcedBy says who or what enforces an address target.
type EnforcedBy uint8

// These values say who or what enforces an address target.
const (
	ByNetwork EnforcedBy = iota // routers block the address
	ByNobody
	ByDNS // the server blocks answers that contain the address
)

// A Target is a name, an address or a URL to which an order applies. Name and Match are set
// only for a name. A URL whose whole host is blocked is stored as a name, with the kind
// TargetName.
type Target struct {
	Kind  TargetKind
	Match Match
	Name  dname.Name
	// Attr contains attributes that few targets have. It is nil if the target has none.
	// Several targets of one order may share one Attr.
	Attr         *Attr
	Line, Column int // the position in the order file, from 1
}

// Attr contains the attributes of a target other than its name. An attribute narrows the
// attribute of the order: for example, the target is in force only if its own times and the
// order's times allow it. The exceptions in Except are added to the exceptions of the order.
type Attr struct {
	Address    netip.Prefix
	EnforcedBy EnforcedBy
	URL        string // as written; for a whole_host URL, Target.Name is set too

	From, Until      Time
	Windows          []Window
	Except           []dname.Name
	Status           Status
	Served, Deadline Time
	// Acknowledged and Reported apply only to this target. Order has two fields with these
	// names for the whole order.
	Acknowledged, Reported Time
	References             []string
	Note                   string
}

// DecidedAt returns the time of the decision, which shows which of two orders of an authority
// is earlier. This time is Issued. If Issued is missing, the time is From, or else Served, or
// else NoTime.
func (o *Order) DecidedAt() Time {
	for _, t := range []Time{o.Issued, o.From, o.Served} {
		if t != NoTime {
			return t
		}
	}
	return NoTime
}

// NumTargets returns the number of targets, including the names of the side list.
func (o *Order) NumTargets() int {
	n := len(o.Targets) + o.Plain
	if o.Side != nil {
		n += o.Side.Len()
	}
	return n
}
