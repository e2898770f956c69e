// Package export writes the names in force as the configuration of another DNS resolver.
//
//	ruleset.Set --Maker--> rpz.Tree --fit--> rpz.Tree --form--> text
//
// A [Maker] makes a [rpz.Tree] for the clients of one country at one time.
//
// Most forms cannot express all answers. The type capability describes the limits of a form. The
// function fit replaces the answers that the form cannot express, and reports problems.
package export

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// An Approximation says what to do with answers that the form cannot express.
type Approximation string

// The approximations.
const (
	Exact    Approximation = ""          // answers that the form cannot say are problems
	Wider    Approximation = "wider"     // block more names than the orders
	Narrower Approximation = "narrower"  // block fewer names than the orders
	LeaveOut Approximation = "leave-out" // leave out the names whose answer the form cannot say
)

// Options are the settings of an export.
type Options struct {
	Form        string
	Approximate Approximation
	Country     order.Country
	// Refused is the response that replaces REFUSED, or ResponseUnset.
	Refused order.ResponseKind
	// Sealed includes sealed (secret) orders.
	Sealed bool
	TTL    time.Duration // the TTL of orders without a TTL
	// Origin is the wire length of the zone's name in octets. Only the form rpz uses Origin.
	Origin int
}

func (o *Options) dropsExempting() bool {
	return o.Approximate == Narrower || o.Approximate == LeaveOut
}

// Comment returns the characters that begin a comment, for example "#".
func Comment(form string) string { return forms[form].comment }

// Forms returns the names of the forms.
func Forms() []string { return slices.Sorted(maps.Keys(forms)) }

// A Problem describes a name or an order that an export cannot express exactly.
type Problem struct {
	// Name is empty for a problem of an order.
	Name string
	Why  string
}

// An Export is the result of a Maker.
type Export struct {
	Body     []byte
	Lines    int    // the number of lines of the body
	Names    int    // the number of names in the body
	Digest   string // the SHA-256 of the body
	Problems []Problem
	Counts   Counts
	// Until is the time at which the export of the same orders may change. ruleset.Forever means
	// never.
	Until order.Time
}

// A Maker makes exports. All its sets must come from one Store. A Maker is not safe for concurrent
// use.
type Maker struct {
	opt  Options
	sets ruleset.Excerpts
	tree *rpz.Tree
}

// NewMaker returns a Maker with the given options. The form must be one of the names that Forms
// returns. NewMaker returns an error for a form that does not support Wider.
func NewMaker(opt Options) (*Maker, error) {
	if !forms[opt.Form].subtree && opt.Approximate == Wider {
		return nil, errors.New(opt.Form + " cannot block the names below a name, so it cannot block more names than the orders")
	}
	m := &Maker{opt: opt}
	m.sets.Drop = func(o *ruleset.Order) bool {
		if o.Terms.ExemptsAll(ruleset.Forever) || o.Terms.Disclosure.Sealed() && !opt.Sealed {
			return true
		}
		return len(o.Terms.Exempt) > 0 && opt.dropsExempting()
	}
	return m, nil
}

// Make returns the export of a set at a given time.
func (m *Maker) Make(set *ruleset.Set, now order.Time) *Export {
	part := m.sets.Of(set)
	if m.tree == nil {
		cfg := rpz.Config{Countries: []order.Country{m.opt.Country}, TTL: m.opt.TTL, Refused: m.opt.Refused}
		if m.opt.Form == "rpz" {
			cfg.Origin = m.opt.Origin
		}
		m.tree = rpz.Build(part, now, cfg, &rpz.Table{})
	} else {
		m.tree = m.tree.Update(part, now)
	}
	x := &Export{Until: m.tree.Until}
	x.Counts = count(set, now, &m.opt)
	x.Problems = x.Counts.problems(m.opt.Approximate)
	for _, n := range m.tree.Omitted {
		x.Problems = append(x.Problems, Problem{n.String(), rpz.WhyOmitted(n)})
	}
	f := forms[m.opt.Form]
	tree, problems := fit(m.tree, f.capability, m.opt.Approximate)
	x.Problems = append(x.Problems, problems...)
	if m.opt.Approximate == Exact && len(x.Problems) > 0 || m.opt.Approximate == Narrower && x.Counts.LiftsOfNetworks > 0 {
		return x
	}
	w := &writer{body: []byte{}}
	w.write(tree, f.line)
	sum := sha256.Sum256(w.body)
	x.Body, x.Lines, x.Names, x.Digest = w.body, w.lines, w.names, hex.EncodeToString(sum[:])
	return x
}
