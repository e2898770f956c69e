package order

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

// force decodes the reasons for held targets. Like every field it is taken
// whole: the order's own replaces what was filled in.
func (p *parser) force(n *yaml.Node, f string, o *draft) {
	o.Force, o.forceAt = nil, map[string]*yaml.Node{}
	for _, kv := range p.mapping(n, f) {
		o.forceAt[kv.key.Value] = kv.key
		if reason := p.text(kv.value, f); reason != "" {
			o.Force = append(o.Force, Force{kv.key.Value, reason})
		}
	}
}

// checkExcept refuses targets that the order's own exceptions take away again.
func (p *parser) checkExcept(o *draft) {
	except := nameSet(o.Except)
	for i := range o.Targets {
		t := &o.Targets[i]
		if t.Kind != TargetName {
			continue
		}
		e, hit := except.covering(t.Name)
		if !hit && t.Attr != nil {
			e, hit = nameSet(t.Attr.Except).covering(t.Name)
		}
		if hit {
			p.add(Problem{Line: t.Line, Column: t.Column, Field: "targets",
				Msg: "is at or under the order's own exception " + e.String(), Got: t.written(), HasGot: true})
		}
	}
}

// names is a set of names. An exception list may be as long as the list of
// targets, so neither is searched for each entry of the other.
type names map[dname.Name]struct{}

func nameSet(list []dname.Name) names {
	if len(list) == 0 {
		return nil
	}
	s := make(names, len(list))
	for _, n := range list {
		s[n] = struct{}{}
	}
	return s
}

// covering returns the nearest name of s that is n or above it.
func (s names) covering(n dname.Name) (dname.Name, bool) {
	for ; len(s) > 0 && !n.IsZero(); n = n.Parent() {
		if _, ok := s[n]; ok {
			return n, true
		}
	}
	return dname.Name{}, false
}

// checkForce refuses reasons for targets that the order does not have, and
// leaves out those that were filled in: they are for whichever orders have the
// target. Names of a side list are not searched.
func (p *parser) checkForce(o *draft) {
	if o.Side != nil {
		return
	}
	o.Force = slices.DeleteFunc(slices.Clone(o.Force), func(fc Force) bool {
		if o.hasTarget(fc.Target) {
			return false
		}
		if at := o.forceAt[fc.Target]; at != nil {
			p.bad(at, "force", "names no target of this order")
		}
		return true
	})
}

func (o *Order) hasTarget(s string) bool {
	prefix, why := ParsePrefix(s)
	name, match, err := ParseTarget(s)
	for _, t := range o.Targets {
		switch {
		case t.Kind == TargetAddress && why == "" && t.Attr.Address == prefix,
			t.Kind == TargetName && err == nil && t.Name == name && (match == Below) == (t.Match == Below):
			return true
		}
	}
	return false
}
