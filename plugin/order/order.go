// Package order reads order files: bytes in, validated blocking orders out,
// or else every problem with its line and column. The format is described in
// docs/order-format.md; YAML, JSON and JSON Lines carry the same schema.
//
// An [Order] is one decision of one authority. It is complete when it leaves
// this package: defaults are filled in, names are canonical, times are
// resolved, so that nothing downstream parses or guesses.
package order

import (
	"net/netip"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// Action says what an order does to the names it covers.
type Action uint8

// The actions of an order.
const (
	Block Action = iota // the names get a blocking answer
	Lift                // earlier orders end for the names
)

// Status is the operator's switch on an order or a target.
type Status uint8

// The states of an order or target. Only Active ones are enforced.
const (
	Active    Status = iota
	Shadow           // decided and counted, but answered as if absent
	Draft            // not yet to be enforced
	Suspended        // the operator's undated hand brake
)

// AuthorityKind is what sort of authority issued an order. The zero value is
// an unstated kind.
type AuthorityKind uint8

// The kinds of authority. KindOperator is the only one that changes an answer:
// the operator's own decisions are Blocked, everybody else's Censored (RFC
// 8914, sections 4.16 and 4.17).
const (
	KindUnstated AuthorityKind = iota
	KindCourt
	KindRegulator
	KindLaw
	KindOperator
)

// Disclosure is how much of an order users may be told.
type Disclosure uint8

// The disclosures. Code and None make an order sealed: nothing of it leaves
// through DNS, metrics or the ordinary log but a digest.
const (
	Full     Disclosure = iota
	Schedule            // the order is public, its list of targets is not
	Code                // the answer carries the EDE code alone
	None                // the answer carries nothing
)

// Sealed reports whether orders of this disclosure are secret.
func (d Disclosure) Sealed() bool { return d == Code || d == None }

// ResponseKind is the form of a blocking answer.
type ResponseKind uint8

// The forms of a blocking answer; ResponseUnset leaves it to the Corefile.
const (
	ResponseUnset ResponseKind = iota
	NXDOMAIN
	NODATA
	Refused
	Redirect
)

// Response is the answer that an order prescribes.
type Response struct {
	Kind      ResponseKind
	Addresses []netip.Addr // Redirect only; at least one, no duplicates
}

// Match is which names a target covers, of the name it gives and those below.
type Match uint8

// The matches. Their order is the order of precedence between targets of the
// same name (docs/order-format.md, "When several orders cover a name").
const (
	Exact   Match = iota // the name alone
	Subtree              // the name and all below it
	Below                // all below the name, written "*.example.com"
)

// Country is an ISO 3166-1 alpha-2 code in upper case, "EU" as a group, or
// empty for unknown.
type Country string

// Authority is who decided.
type Authority struct {
	Name    string
	Country Country // may be empty
	Kind    AuthorityKind
}

// Scope is whom an order applies to: everyone, or the clients that are in one
// of the countries or in one of the networks; either suffices.
type Scope struct {
	Global    bool
	Countries []Country // "EU" stands for its members
	// WithTerritories are the countries that were written with a "+"; Countries
	// has their territories too.
	WithTerritories []Country
	Clients         []netip.Prefix
}

// Exempt is a network whose clients still get the real answer.
type Exempt struct {
	Clients   []netip.Prefix
	Until     Time // NoTime: for as long as the order
	Reference string
}

// Window is one interval in which an order or target is in force; it includes
// From and excludes Until. NoTime leaves an end open.
type Window struct{ From, Until Time }

// FilteringDatabase names the public record of an order
// (draft-ietf-dnsop-filtering-transparency-00).
type FilteringDatabase struct{ DB, ID string }

// Document is the authenticity record of the served paper.
type Document struct {
	SHA256                       string // lower-case hex
	VerifiedBy, ApprovedBy, Note string
}

// Terms are the fields that orders of one authority have in common and that
// they usually take from the file's authorities and defaults. Orders that add
// nothing of their own share one Terms, which nobody changes: a register of a
// million orders holds a few.
type Terms struct {
	Authority     Authority
	Scope         *Scope // nil only on a lift: it holds for everyone
	Exempt        []Exempt
	Response      Response
	TTL           time.Duration // negative when unset
	Disclosure    Disclosure
	Justification string
	Language      string // BCP 47 tag of Justification
	Organization  string
	Contact       []string // mailto: and tel: URIs
	URL           string
	Basis         string
	Category      string
	Redress       string // how to object to the order, and to whom
	ReportTo      string
}

// Order is one decision of one authority.
type Order struct {
	ID     string
	Action Action
	// Lifts are the ids that a lift reaches. Empty: the earlier orders of the
	// same authority.
	Lifts []string
	// Public: a lift that itself says disclosure full or schedule. Others are as
	// secret as what they reach.
	Public bool
	*Terms

	References []string
	Subject    string
	Note       string
	Claimant   string // who asked the authority for the order

	Issued, Served, From, Until, Review, Deadline Time
	// Acknowledged is when the authority was told that the order arrived, and
	// Reported when it was told of the effect.
	Acknowledged, Reported Time
	// DeadlineAfter is the deadline as it was written when it was a duration
	// after Served, else 0; targets with a Served of their own count from that.
	DeadlineAfter time.Duration

	Windows            []Window
	Status             Status
	Targets            []Target
	Plain              int // targets that Options.Targets took; they are not in Targets
	Side               *SideList
	Except             []dname.Name
	Force              []Force
	FilteringDatabases []FilteringDatabase
	Document           *Document
	Line, Column       int // where the order begins in its file, from 1
	Index              int // the order's place in its file, from 0
}

// Source is the register that an import wrote the file from.
type Source struct {
	Register string // the name of the register
	AsOf     Time   // when the register had this content; NoTime when not given
	SHA256   string // of the register's file; lower-case hex, empty when not given
}

// Force is a reason to enforce a target that the never-block guard would hold.
type Force struct{ Target, Reason string }

// SideList is a list of targets kept in a file of its own, subtree targets all.
type SideList struct {
	File   string // as written, relative to the order file
	SHA256 string // lower-case hex, empty when not given
	Names  dname.List
	// Taken is the number of names that Options.Side took; they are not in Names.
	Taken int
}

// Len returns the number of names in the list.
func (s *SideList) Len() int { return s.Names.Len() + s.Taken }

// TargetKind is what a target is given as.
type TargetKind uint8

// The kinds of target.
const (
	TargetName    TargetKind = iota
	TargetAddress            // an address or network: recorded, or seen in answers
	TargetURL                // a page: recorded, not enforceable by DNS
)

// EnforcedBy says who acts on an address target.
type EnforcedBy uint8

// Who acts on an address target.
const (
	ByNetwork EnforcedBy = iota // routers do
	ByNobody
	ByDNS // answers that carry the address are blocked
)

// Target is one thing that an order names. Name and Match are set for names,
// and for URLs whose whole host is meant, which are TargetName too.
type Target struct {
	Kind  TargetKind
	Match Match
	Name  dname.Name
	// Attr holds what few targets have; nil when there is nothing. Targets of
	// one order may share it.
	Attr         *Attr
	Line, Column int // in the order file, from 1
}

// Attr are the attributes of a target beyond its name, intersected with
// (Except: added to) the order's.
type Attr struct {
	Address    netip.Prefix
	EnforcedBy EnforcedBy
	URL        string // as written; also on a name target that was a whole_host URL

	From, Until      Time
	Windows          []Window
	Except           []dname.Name
	Status           Status
	Served, Deadline Time
	// Acknowledged and Reported are this target's own.
	Acknowledged, Reported Time
	References             []string
	Note                   string
}

// PlaceInHistory is the time that orders an authority's decisions: Issued, else
// From, else Served, else NoTime.
func (o *Order) PlaceInHistory() Time {
	for _, t := range []Time{o.Issued, o.From, o.Served} {
		if t != NoTime {
			return t
		}
	}
	return NoTime
}

// NumTargets returns the number of targets, those of the side list included.
func (o *Order) NumTargets() int {
	n := len(o.Targets) + o.Plain
	if o.Side != nil {
		n += o.Side.Len()
	}
	return n
}
