// Package order parses order files. It returns validated blocking orders, or all problems with
// their lines and columns. The format is described in docs/order-format.md. YAML, JSON and
// JSON Lines have the same schema.
//
// An [Order] is one decision of one authority. The parser returns complete orders: defaults
// are filled in, names are canonical and times are resolved, so that other packages need not
// parse anything.
package order

import (
	"net/netip"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// Action is the effect of an order on its targets.
type Action uint8

// The actions of an order.
const (
	Block Action = iota // the targets are blocked
	Lift                // earlier orders end for the targets
)

// Status is set by the operator for an order or a target.
type Status uint8

// The statuses of an order or target. Only Active ones are enforced.
const (
	Active    Status = iota
	Shadow           // decided and counted, but not answered
	Draft            // not to be enforced yet
	Suspended        // stopped by the operator, without a date
)

// AuthorityKind is the kind of authority that issued an order. The zero value is an unstated
// kind.
type AuthorityKind uint8

// The kinds of authority. Only KindOperator changes an answer: the operator's own decisions
// have the extended error Blocked, all others Censored (RFC 8914, sections 4.16 and 4.17).
const (
	KindUnstated AuthorityKind = iota
	KindCourt
	KindRegulator
	KindLaw
	KindOperator
)

// Disclosure is how much of an order may be revealed to users.
type Disclosure uint8

// The disclosures. Orders with Code or None are sealed: DNS answers, metrics and the ordinary
// log contain nothing about them but a digest.
const (
	Full     Disclosure = iota
	Schedule            // the order is public, but its list of targets is not
	Code                // the answer contains only the EDE code
	None                // the answer contains no extended error
)

// Sealed reports whether orders with this disclosure are secret.
func (d Disclosure) Sealed() bool { return d == Code || d == None }

// ResponseKind is the form of a blocking answer.
type ResponseKind uint8

// The forms of a blocking answer. With ResponseUnset, the Corefile decides.
const (
	ResponseUnset ResponseKind = iota
	NXDOMAIN
	NODATA
	Refused
	Redirect
)

// A Response is the answer that an order prescribes.
type Response struct {
	Kind      ResponseKind
	Addresses []netip.Addr // only for Redirect; at least one, without duplicates
}

// Match is the set of names that a target covers: its name, the names below, or both.
type Match uint8

// The matches, in the order of precedence between targets of the same name
// (docs/order-format.md, "When several orders cover a name").
const (
	Exact     Match = iota // only the name
	Subtree                // the name and all names below it
	BelowOnly              // all names below the name, written as "*.example.com"
)

// A Country is an ISO 3166-1 alpha-2 code in upper case, "EU" for the group, or empty if
// unknown.
type Country string

// An Authority is the court or other body that decided.
type Authority struct {
	Name    string
	Country Country // may be empty
	Kind    AuthorityKind
}

// A Scope is the set of clients to which an order applies: all clients, or the clients that
// are in one of the countries or in one of the networks.
type Scope struct {
	Global    bool
	Countries []Country // "EU" means all its members
	// WithTerritories are the countries that were written with a "+". Their territories are in
	// Countries too.
	WithTerritories []Country
	Clients         []netip.Prefix
}

// An Exempt is a list of networks to whose clients an order does not apply.
type Exempt struct {
	Clients   []netip.Prefix
	Until     Time // NoTime: as long as the order lasts
	Reference string
}

// A Window is an interval in which an order or target is in force. It includes From and
// excludes Until. NoTime means no limit.
type Window struct{ From, Until Time }

// A FilteringDatabase names the public record of an order
// (draft-ietf-dnsop-filtering-transparency-00).
type FilteringDatabase struct{ DB, ID string }

// A Document is the record of how the paper that was served was verified.
type Document struct {
	SHA256                       string // lower-case hex
	VerifiedBy, ApprovedBy, Note string
}

// Terms are the fields that the orders of one authority usually have in common, and that
// usually come from the file's authorities and defaults. Orders without such fields of their
// own share one Terms, which is immutable. A register of a million orders has only a few
// Terms.
type Terms struct {
	Authority     Authority
	Scope         *Scope // nil only on a lift, which then applies to all clients
	Exempt        []Exempt
	Response      Response
	TTL           time.Duration // negative if unset
	Disclosure    Disclosure
	Justification string
	Language      string // the BCP 47 tag of Justification
	Organization  string
	Contact       []string // mailto: and tel: URIs
	URL           string
	Basis         string
	Category      string
	Redress       string // how, and to whom, to object to the order
	ReportTo      string
}

// An Order is one decision of one authority.
type Order struct {
	ID     string
	Action Action
	// Lifts are the ids of the orders that a lift reaches. If Lifts is empty, the lift reaches
	// the earlier orders of the same authority.
	Lifts []string
	// Public is set on a lift that itself has disclosure full or schedule. Other lifts are as
	// secret as the orders they reach.
	Public bool
	*Terms

	References []string
	Subject    string
	Note       string
	Claimant   string // the party that asked the authority for the order

	Issued, Served, From, Until, Review, Deadline Time
	// Acknowledged is the time at which the receipt of the order was confirmed to the
	// authority. Reported is the time at which the effect was reported.
	Acknowledged, Reported Time
	// DeadlineAfter is the deadline if it was written as a duration after Served, else 0. For
	// a target with a Served of its own, it counts from the target's Served.
	DeadlineAfter time.Duration

	Windows []Window
	Status  Status
	Targets []Target
	// the number of targets that went to Options.Targets; they are not in Targets
	Plain              int
	Side               *SideList
	Except             []dname.Name
	Force              []Force
	FilteringDatabases []FilteringDatabase
	Document           *Document
	Line, Column       int // the position of the order in its file, from 1
	Index              int // the index of the order in its file, from 0
}

// A Source is the register from which an import made the file.
type Source struct {
	Register string // the name of the register
	AsOf     Time   // when the register had this content; NoTime if not given
	SHA256   string // of the register's file, in lower-case hex; empty if not given
}

// A Force is a reason to enforce a target that the guard would hold.
type Force struct{ Target, Reason string }

// A SideList is a list of targets in a file of its own. All are subtree targets.
type SideList struct {
	File   string // as written, relative to the order file
	SHA256 string // lower-case hex, empty if not given
	Names  dname.List
	// Taken is the number of names that went to Options.Side; they are not in Names.
	Taken int
}

// Len returns the number of names in the list.
func (s *SideList) Len() int { return s.Names.Len() + s.Taken }

// TargetKind is the kind of a target.
type TargetKind uint8

// The kinds of targets.
const (
	TargetName    TargetKind = iota
	TargetAddress            // an address or network; only recorded, or enforced in answers
	TargetURL                // a page; only recorded, because DNS cannot enforce it
)

// EnforcedBy is the means by which an address target is enforced.
type EnforcedBy uint8

// The means of enforcement of an address target.
const (
	ByNetwork EnforcedBy = iota // by routers
	ByNobody
	ByDNS // answers that contain the address are blocked
)

// A Target is a name, an address or a URL that an order names. Name and Match are set for
// names. A URL that stands for its whole host is stored as a name too, as TargetName.
type Target struct {
	Kind  TargetKind
	Match Match
	Name  dname.Name
	// Attr are the attributes that few targets have, nil if there are none. Targets of one
	// order may share an Attr.
	Attr         *Attr
	Line, Column int // in the order file, from 1
}

// Attr are the attributes of a target other than its name. They restrict the attributes of the
// order. Except is added to the order's exceptions.
type Attr struct {
	Address    netip.Prefix
	EnforcedBy EnforcedBy
	URL        string // as written; also set on a name target that was a whole_host URL

	From, Until      Time
	Windows          []Window
	Except           []dname.Name
	Status           Status
	Served, Deadline Time
	// Acknowledged and Reported are about this target only.
	Acknowledged, Reported Time
	References             []string
	Note                   string
}

// DecidedAt returns the time that orders the decisions of an authority: Issued, else
// From, else Served, else NoTime.
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
