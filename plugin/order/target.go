package order

import (
	"net/url"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

// ParseTarget reads a name as a target is written: "example.com" with all below
// it, or "*.example.com", all below it without itself.
func ParseTarget(s string) (dname.Name, Match, error) {
	if base, ok := strings.CutPrefix(s, "*."); ok {
		n, err := dname.Parse(base)
		return n, Below, err
	}
	n, err := dname.Parse(s)
	return n, Subtree, err
}

func (p *parser) name(n *yaml.Node, f string) (dname.Name, bool) {
	s := p.text(n, f)
	if s == "" {
		return dname.Name{}, false
	}
	name, err := dname.Parse(s)
	if err != nil {
		p.bad(n, f, "%v", err)
	}
	return name, err == nil
}

func (p *parser) names(n *yaml.Node, f string) (out []dname.Name) {
	for i, item := range p.list(n, f) {
		if name, ok := p.name(item, index(f, i)); ok {
			out = append(out, name)
		}
	}
	return out
}

func (p *parser) targets(n *yaml.Node, f string, o *draft) {
	items := p.list(n, f)
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		if o.Action == Lift {
			p.fault(n, f, "is empty; leave it out to lift the orders as a whole")
		} else {
			p.fault(n, f, "is empty")
		}
	}
	o.Targets = make([]Target, 0, len(items))
	for i, item := range items {
		t := Target{Match: Subtree, Line: item.Line, Column: item.Column}
		if item.Kind == yaml.MappingNode {
			p.targetMapping(item, index(f, i), o, &t)
		} else if s := p.text(item, index(f, i)); s != "" {
			var err error
			if t.Name, t.Match, err = ParseTarget(s); err != nil {
				p.bad(item, index(f, i), "%v", err)
			}
		}
		if t.Kind == TargetName && t.Name.IsZero() {
			continue // reported
		}
		o.Targets = append(o.Targets, t)
	}
}

func (p *parser) targetMapping(n *yaml.Node, f string, o *draft, t *Target) {
	a := &Attr{From: NoTime, Until: NoTime, Served: NoTime, Deadline: NoTime}
	var given []string // of name, address, url
	var nameAt, matchAt, urlAt, enforcedAt, wholeAt, deadlineAt *yaml.Node
	var servedDate bool
	var after time.Duration
	match := Subtree
	p.object(n, f, map[string]func(*yaml.Node, string){
		"name": func(n *yaml.Node, f string) { given, nameAt = append(given, "name"), n },
		"url":  func(n *yaml.Node, f string) { given, urlAt = append(given, "url"), n },
		"address": func(n *yaml.Node, f string) {
			given = append(given, "address")
			t.Kind = TargetAddress
			a.Address, _ = p.prefix(n, f)
		},
		"match": func(n *yaml.Node, f string) {
			matchAt = n
			match = choice(&p.decoder, n, f, []string{"subtree", "exact"}, Subtree, Exact)
		},
		"enforced_by": func(n *yaml.Node, f string) {
			enforcedAt = n
			a.EnforcedBy = choice(&p.decoder, n, f, []string{"network", "none", "dns"}, ByNetwork, ByNobody, ByDNS)
		},
		"whole_host": func(n *yaml.Node, f string) {
			if p.boolean(n, f) {
				wholeAt = n
			}
		},
		"from":       func(n *yaml.Node, f string) { a.From = p.time(n, f, startOfDay) },
		"until":      func(n *yaml.Node, f string) { a.Until = p.time(n, f, endOfDay) },
		"windows":    func(n *yaml.Node, f string) { a.Windows = p.windows(n, f) },
		"except":     func(n *yaml.Node, f string) { a.Except = p.names(n, f) },
		"status":     func(n *yaml.Node, f string) { a.Status = p.status(n, f) },
		"served":     func(n *yaml.Node, f string) { a.Served, servedDate = p.timeOrDate(n, f, startOfDay) },
		"deadline":   func(n *yaml.Node, f string) { a.Deadline, after = p.deadline(n, f); deadlineAt = n },
		"references": func(n *yaml.Node, f string) { a.References = p.texts(n, f) },
		"note":       func(n *yaml.Node, f string) { a.Note = p.text(n, f) },
	})
	p.interval(n, f, a.From, a.Until)
	if after > 0 {
		p.deadlineAfter(deadlineAt, join(f, "deadline"), &a.Deadline, a.Served, servedDate, after)
	}
	if len(given) != 1 {
		p.fault(n, f, "needs exactly one of name, address and url, has %s", orNone(given))
	}

	if nameAt != nil {
		if s := p.text(nameAt, join(f, "name")); s != "" {
			var err error
			if t.Name, t.Match, err = ParseTarget(s); err != nil {
				p.bad(nameAt, join(f, "name"), "%v", err)
			}
		}
	}
	if urlAt != nil {
		t.Kind = TargetURL
		a.URL = urlAt.Value
		if host, ok := p.pageURL(urlAt, join(f, "url")); ok && wholeAt != nil {
			// A URL names one host, so that host alone is meant unless
			// "match: subtree" says that those below it are, too.
			t.Kind, t.Name, t.Match = TargetName, host, Exact
		}
	}
	switch {
	case matchAt == nil:
	case t.Kind != TargetName:
		p.fault(matchAt, join(f, "match"), "goes with names only")
	case t.Match == Below:
		p.fault(matchAt, join(f, "match"), `does not go with "*."`)
	default:
		t.Match = match
	}
	if enforcedAt != nil && t.Kind != TargetAddress {
		p.fault(enforcedAt, join(f, "enforced_by"), "goes with address only")
	}
	if wholeAt != nil && urlAt == nil {
		p.fault(wholeAt, join(f, "whole_host"), "goes with url only")
	}
	t.Attr = a
	if t.Kind == TargetName && a.plain() {
		t.Attr = nil
	}
}

// plain reports whether a says nothing.
func (a *Attr) plain() bool {
	return a.URL == "" && a.From == NoTime && a.Until == NoTime && a.Windows == nil && a.Except == nil &&
		a.Status == Active && a.Served == NoTime && a.Deadline == NoTime && a.References == nil && a.Note == ""
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, " and ")
}

// pageURL checks the URL of a page and returns its host when that is a name.
func (p *parser) pageURL(n *yaml.Node, f string) (dname.Name, bool) {
	u, err := url.Parse(p.text(n, f))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		p.bad(n, f, "must be an http or https URL")
		return dname.Name{}, false
	case (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "":
		p.bad(n, f, `has no path; write the host as "name: ..."`)
		return dname.Name{}, false
	}
	host, err := dname.Parse(u.Hostname())
	if err != nil {
		p.bad(n, f, "host %v", err)
	}
	return host, err == nil
}

func (p *parser) force(n *yaml.Node, f string, o *draft) {
	o.forceAt = map[string]*yaml.Node{}
	for _, kv := range p.mapping(n, f) {
		reason := p.text(kv.value, f)
		o.Force = append(o.Force, Force{kv.key.Value, reason})
		o.forceAt[kv.key.Value] = kv.key
	}
}

// checkExcept refuses targets that the order's own exceptions take away again.
func (p *parser) checkExcept(o *draft) {
	for i := range o.Targets {
		t := &o.Targets[i]
		if t.Kind != TargetName {
			continue
		}
		e, hit := covering(o.Except, t.Name)
		if !hit && t.Attr != nil {
			e, hit = covering(t.Attr.Except, t.Name)
		}
		if hit {
			p.add(Problem{Line: t.Line, Column: t.Column, Field: index("targets", i),
				Msg: "is at or under the order's own exception " + e.String(), Got: t.Name.String(), HasGot: true})
		}
	}
}

// covering returns the first of names that is n or above it.
func covering(names []dname.Name, n dname.Name) (dname.Name, bool) {
	for _, e := range names {
		if e.Covers(n) {
			return e, true
		}
	}
	return dname.Name{}, false
}

// checkForce refuses reasons for targets that the order does not have. Names
// of a side list are not searched.
func (p *parser) checkForce(o *draft) {
	if o.Side != nil {
		return
	}
	for _, fc := range o.Force {
		if n := o.forceAt[fc.Target]; n != nil && !o.hasTarget(fc.Target) {
			p.bad(n, "force", "names no target of this order")
		}
	}
}

func (o *Order) hasTarget(s string) bool {
	prefix, why := ParsePrefix(s)
	name, match, err := ParseTarget(s)
	for _, t := range o.Targets {
		switch {
		case t.Kind == TargetAddress && why == "" && t.Attr.Address == prefix,
			t.Kind == TargetName && err == nil && t.Name == name && (match != Below || t.Match == Below):
			return true
		}
	}
	return false
}
