package order

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

// An order with the key "force" inherits no reasons.
func (p *parser) force(n *yaml.Node, f string, o *draft) {
	o.Force, o.forceAt = nil, map[string]*yaml.Node{}
	for _, kv := range p.mapping(n, f) {
		o.forceAt[kv.key.Value] = kv.key
		if reason := p.text(kv.value, f); reason != "" {
			o.Force = append(o.Force, Force{kv.key.Value, reason})
		}
	}
}

func (p *parser) checkExcept(o *draft) {
	except := nameSet(o.Except)
	report := func(t *Target, e dname.Name) {
		p.add(Problem{Line: t.Line, Column: t.Column, Field: "targets",
			Msg: "is at or below the order's own exception " + e.String() + "; remove the target or the exception", Got: t.Pattern(), HasGot: true})
	}
	p.eachTarget(o, func(t *Target) {
		if t.Kind != TargetName {
			return
		}
		e, hit := except.covering(t.Name)
		if !hit && t.Attr != nil {
			e, hit = nameSet(t.Attr.Except).covering(t.Name)
		}
		if hit {
			report(t, e)
		}
	}, func(w *dname.Wire, at spot) {
		if len(except) == 0 {
			return
		}
		if e, hit := except.covering(w.Name()); hit {
			report(&Target{Match: Subtree, Name: w.Name(), Line: at.line, Column: at.col}, e)
		}
	})
}

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

func (s names) covering(n dname.Name) (dname.Name, bool) {
	for ; len(s) > 0 && !n.IsZero(); n = n.Parent() {
		if _, ok := s[n]; ok {
			return n, true
		}
	}
	return dname.Name{}, false
}

// Inherited reasons are ignored, because they may be for other orders.
func (p *parser) checkForce(o *draft) {
	if o.Side != nil {
		return
	}
	if len(o.Force) == 0 {
		return
	}
	has := make(map[sameTarget]bool, len(o.Force))
	for _, fc := range o.Force {
		if k, ok := forcedTarget(fc.Target); ok {
			has[k] = false
		}
	}
	note := func(k sameTarget) {
		if k.match == Exact {
			k.match = Subtree // a reason applies to Exact and to Subtree targets
		}
		if _, ok := has[k]; ok {
			has[k] = true
		}
	}
	p.eachTarget(o, func(t *Target) { note(sameAs(t)) }, func(w *dname.Wire, _ spot) {
		if len(has) > 0 {
			note(sameTarget{match: Subtree, name: w.Name()})
		}
	})
	o.Force = slices.DeleteFunc(slices.Clone(o.Force), func(fc Force) bool {
		if k, ok := forcedTarget(fc.Target); ok && has[k] {
			return false
		}
		if at := o.forceAt[fc.Target]; at != nil {
			p.bad(at, "force", "is no target of this order; remove the reason")
		}
		return true
	})
}

// forcedTarget parses a key of the mapping force.
func forcedTarget(s string) (sameTarget, bool) {
	if prefix, why := ParsePrefix(s); why == "" {
		return sameTarget{kind: TargetAddress, match: Subtree, address: prefix}, true
	}
	name, match, err := ParseTarget(s)
	return sameTarget{kind: TargetName, match: match, name: name}, err == nil
}
