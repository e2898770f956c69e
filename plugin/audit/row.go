package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Class is the result for one target.
type Class string

// The classes.
const (
	Gone        Class = "gone"         // the registrable domain does not exist
	Seized      Class = "seized"       // an authority has the domain
	Parked      Class = "parked"       // a service for unused domains has the domain
	NoAddresses Class = "no_addresses" // the name has no address
	Moved       Class = "moved"        // servers or addresses changed since the earlier audit
	InUse       Class = "in_use"       // the name has addresses
	Unchanged   Class = "unchanged"    // the facts of the earlier audit are still true
	Unknown     Class = "unknown"      // the answers prove nothing
)

// Classes returns all classes, findings first.
func Classes() []Class {
	return []Class{Gone, Seized, Parked, NoAddresses, Moved, Unknown, InUse, Unchanged}
}

// Finding reports whether a person must look at targets of the class.
func (c Class) Finding() bool {
	return slices.Contains([]Class{Gone, Seized, Parked, NoAddresses, Moved}, c)
}

func (c Class) plain() Class {
	if c == Moved || c == Unchanged {
		return InUse
	}
	return c
}

// A Row is the result for one target.
type Row struct {
	Class  Class  `json:"class"`
	Target string `json:"target"`
	Why    string `json:"why,omitempty"`
	// Changes lists the changes since the earlier audit.
	Changes    []string `json:"changes,omitempty"`
	Order      string   `json:"order"`
	Authority  string   `json:"authority,omitempty"`
	References []string `json:"references,omitempty"`
	Facts
	File string `json:"file"`
	Line int    `json:"line"`
}

func newRow(t *Target, f *Facts, opt *Options) Row {
	r := Row{Target: t.Text, Order: t.Order, Authority: t.Authority, References: t.References, Facts: *f, File: t.File, Line: t.Line}
	r.Class, r.Why = classify(f, opt.Known)
	old, ok := opt.Before.find(t.Text)
	if !ok || r.Class == Unknown {
		return r
	}
	r.Changes = changes(old, f)
	switch {
	case r.Class != InUse:
	case len(r.Changes) > 0:
		r.Class, r.Why = Moved, strings.Join(r.Changes, "; ")
	case old.Class != Unknown:
		r.Class = Unchanged
	}
	if old.Class != Unknown && old.Class.plain() != r.Class.plain() {
		r.Changes = append(r.Changes, fmt.Sprintf("the class was %s", old.Class))
	}
	return r
}

func classify(f *Facts, known *Known) (Class, string) {
	switch {
	case f.blocked != "":
		return Unknown, "the resolver may block the name: " + f.blocked
	case f.gone:
		return Gone, "NXDOMAIN for " + f.Domain
	}
	if c, why := known.find(f); c != "" {
		return c, why
	}
	switch {
	case f.problem != "":
		return Unknown, f.problem
	case len(f.Addresses) > 0 && f.www:
		return InUse, "only www below the name has an address"
	case len(f.Addresses) > 0:
		return InUse, ""
	case f.noName:
		return NoAddresses, fmt.Sprintf("the name does not exist, and its domain %s exists", f.Domain)
	}
	return NoAddresses, "the name has no A and no AAAA record"
}

// Addresses often change within a network. New addresses count only if no old address is left.
func changes(old *Row, f *Facts) (out []string) {
	if old.Class == Unknown || old.Class == Gone || f.gone {
		if old.Class == Gone && !f.gone {
			out = append(out, "the domain exists again")
		}
		return out
	}
	differ := func(what, a, b string) {
		if a != b {
			out = append(out, fmt.Sprintf("%s: from %s to %s", what, cmp.Or(a, "none"), cmp.Or(b, "none")))
		}
	}
	differ("name servers", strings.Join(old.NameServers, " "), strings.Join(f.NameServers, " "))
	differ("SOA", old.SOA, f.SOA)
	differ("alias", old.Alias, f.Alias)
	same := slices.ContainsFunc(old.Addresses, func(a string) bool { return slices.Contains(f.Addresses, a) })
	if !same && len(old.Addresses)+len(f.Addresses) > 0 {
		differ("addresses", strings.Join(old.Addresses, " "), strings.Join(f.Addresses, " "))
	}
	return out
}
