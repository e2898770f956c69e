package order

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// Order files, the Corefile, the tool and the metrics share the words in this file.

type words[T ~uint8] []string

// of returns the word for the value v.
func (w words[T]) of(v T) string {
	if int(v) >= len(w) {
		return fmt.Sprintf("%T(%d)", v, uint8(v))
	}
	return w[v]
}

func (w words[T]) parse(s string) (T, bool) {
	for v, word := range w {
		if word == s && s != "" {
			return T(v), true
		}
	}
	return 0, false
}

var (
	actionWords        = words[Action]{Block: "block", Lift: "lift"}
	statusWords        = words[Status]{Active: "active", Shadow: "shadow", Draft: "draft", Suspended: "suspended"}
	authorityKindWords = words[AuthorityKind]{KindUnstated: "", KindCourt: "court", KindRegulator: "regulator", KindLaw: "law", KindOperator: "operator"}
	disclosureWords    = words[Disclosure]{Full: "full", Schedule: "schedule", Code: "code", None: "none"}
	responseWords      = words[ResponseKind]{ResponseUnset: "", NXDOMAIN: "nxdomain", NODATA: "nodata", Refused: "refused", Redirect: "redirect"}
	matchWords         = words[Match]{Exact: "exact", Subtree: "subtree", BelowOnly: "below"}
	enforcedByWords    = words[EnforcedBy]{ByNetwork: "network", ByNobody: "none", ByDNS: "dns"}
)

var synonyms = map[string]string{
	"enabled": "active", "enforced": "active", "on": "active", "true": "active", "yes": "active", "live": "active", "in force": "active",
	"disabled": "suspended", "off": "suspended", "false": "suspended", "no": "suspended", "inactive": "suspended", "paused": "suspended",
	"test": "shadow", "dry-run": "shadow", "dryrun": "shadow", "monitor": "shadow", "pending": "draft",
	"unblock": "lift", "allow": "lift", "remove": "lift", "lifted": "lift", "ban": "block", "deny": "block", "blocked": "block",
	"tribunal": "court", "judge": "court", "agency": "regulator", "ministry": "regulator", "statute": "law", "act": "law", "isp": "operator", "self": "operator",
	"public": "full", "secret": "none", "sealed": "none", "confidential": "none", "hidden": "none",
	"router": "network", "routers": "network", "firewall": "network", "nobody": "none",
	"all": "subtree", "below": "subtree", "domain": "subtree", "host": "exact", "noerror": "nodata", "empty": "nodata", "nx": "nxdomain",
}

func (a Action) String() string { return actionWords.of(a) }

func (s Status) String() string { return statusWords.of(s) }

func (k AuthorityKind) String() string { return authorityKindWords.of(k) }

func (d Disclosure) String() string { return disclosureWords.of(d) }

func (k ResponseKind) String() string { return responseWords.of(k) }

// String returns "exact", "subtree" or "below".
func (m Match) String() string { return matchWords.of(m) }

func (e EnforcedBy) String() string { return enforcedByWords.of(e) }

// ParseEnforcedBy parses the result of EnforcedBy.String.
func ParseEnforcedBy(s string) (EnforcedBy, bool) { return enforcedByWords.parse(s) }

// ParseResponseKind parses the result of ResponseKind.String.
func ParseResponseKind(s string) (ResponseKind, bool) { return responseWords.parse(s) }

// ResponseForms returns a list of all responses for error messages. The list ends with the given
// example of a redirect.
func ResponseForms(redirect string) string {
	return strings.Join(responsesWithoutAddresses(), ", ") + " or " + redirect
}

func responsesWithoutAddresses() (out []string) {
	for k, word := range responseWords {
		if word != "" && ResponseKind(k) != Redirect {
			out = append(out, word)
		}
	}
	return out
}

// ParseRedirect parses the address of a redirect. It refuses zones, IPv4-mapped IPv6 addresses and
// multicast addresses.
func ParseRedirect(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == "" && !a.Is4In6() && !a.IsMulticast()
}

func (r Response) String() string {
	out := r.Kind.String()
	for i, a := range r.Addresses {
		if i > 0 {
			out += ","
		}
		out += " " + a.String()
	}
	return out
}

// Pattern returns n in the notation of order files. For BelowOnly, the text begins with "*.".
func (m Match) Pattern(n dname.Name) string {
	if m == BelowOnly {
		return "*." + n.String()
	}
	return n.String()
}

// Describe returns a readable text for a name and its kind of match. For example, the text for an
// exact match is "example.com (exact)".
func (m Match) Describe(n dname.Name) string {
	if m == Exact {
		return n.String() + " (exact)"
	}
	return m.Pattern(n)
}

// Pattern returns the target in the notation of order files. Exact and Subtree have the same text.
func (t *Target) Pattern() string {
	switch t.Kind {
	case TargetAddress:
		return writtenPrefix(t.Attr.Address)
	case TargetURL:
		return t.Attr.URL
	}
	return t.Match.Pattern(t.Name)
}

// String returns the target for people. An exact name has the suffix "(exact)".
func (t *Target) String() string {
	if t.Kind == TargetName {
		return t.Match.Describe(t.Name)
	}
	return t.Pattern()
}
