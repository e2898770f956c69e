package order

import (
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

// ParseTarget parses a name target. "example.com" means the name and all names below.
// "*.example.com" means only the names below.
func ParseTarget(s string) (dname.Name, Match, error) {
	if base, ok := strings.CutPrefix(s, "*."); ok {
		n, err := dname.Parse(base)
		return n, BelowOnly, err
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
			p.countLabels(name.NumLabels(), spot{line: item.Line, col: item.Column}, f)
			out = append(out, name)
		}
	}
	return out
}

func (p *parser) targets(n *yaml.Node, f string, o *draft) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		if o.Action == Lift {
			p.fault(n, f, "is empty; leave it out to lift the orders as a whole")
		} else {
			p.fault(n, f, "is empty; write at least one target")
		}
	}
	if n.Kind == yaml.SequenceNode {
		o.Targets = p.roomForTargets(p.countTargets(n))
	}
	for i, item := range p.list(n, f) {
		if item.Kind == runNode {
			p.plainNames(item, o)
			continue
		}
		t, rows := Target{Match: Subtree, Line: item.Line, Column: item.Column}, len(o.rowClocks)
		if item.Kind == yaml.MappingNode {
			p.targetMapping(item, index(f, i), o, &t)
		} else {
			var err error
			if t.Name, t.Match, err = ParseTarget(item.Value); err != nil || item.Tag != "!!str" {
				t.Name = dname.Name{}
				p.oddTarget(item, index(f, i), &t)
			}
		}
		if t.Kind == TargetName && t.Name.IsZero() {
			o.rowClocks = o.rowClocks[:rows]
			continue // already reported
		}
		if t.Kind == TargetName {
			p.countLabels(t.Name.NumLabels(), spot{line: t.Line, col: t.Column}, f)
		}
		o.Targets = append(o.Targets, t)
	}
	p.warnTwice(o)
}

func (p *parser) roomForTargets(n int) []Target {
	if p.opt.Emit == nil {
		return make([]Target, 0, n)
	}
	if cap(p.room) < n {
		p.room = make([]Target, 0, n)
	}
	return p.room[:0]
}

func (p *parser) oddTarget(n *yaml.Node, f string, t *Target) {
	if s := p.text(n, f); s != "" {
		var err error
		if t.Name, t.Match, err = ParseTarget(s); err != nil {
			p.bad(n, f, "%s", targetAdvice(s, err))
		}
	}
}

type targetDraft struct {
	Attr
	match                                 Match
	given                                 []string // the target's keys among name, address and url
	name, matchAt, url, enforcedAt, whole *yaml.Node
	deadlineAt                            *yaml.Node
	servedDate                            bool
	after                                 time.Duration
}

var targetTable = table[targetDraft]{
	{"name", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.given, t.name = append(t.given, "name"), n }},
	{"match", func(p *parser, n *yaml.Node, f string, t *targetDraft) {
		t.matchAt = n
		t.match = oneOf(&p.decoder, n, f, matchWords, []string{Subtree.String(), Exact.String()})
	}},
	{"address", func(p *parser, n *yaml.Node, f string, t *targetDraft) {
		t.given = append(t.given, "address")
		t.Address, _ = p.prefix(n, f)
	}},
	{"enforced_by", func(p *parser, n *yaml.Node, f string, t *targetDraft) {
		t.enforcedAt = n
		t.EnforcedBy = choice(&p.decoder, n, f, enforcedByWords)
	}},
	{"url", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.given, t.url = append(t.given, "url"), n }},
	{"whole_host", func(p *parser, n *yaml.Node, f string, t *targetDraft) {
		if p.boolean(n, f) {
			t.whole = n
		}
	}},
	{"from", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.From = p.time(n, f, startOfDay) }},
	{"until", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.Until = p.time(n, f, endOfDay) }},
	{"windows", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.Windows = p.windows(n, f) }},
	{"except", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.Except = p.names(n, f) }},
	{"status", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.Status = p.status(n, f) }},
	{"served", func(p *parser, n *yaml.Node, f string, t *targetDraft) {
		t.Served, t.servedDate = p.timeOrDate(n, f, startOfDay)
	}},
	{"acknowledged", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.Acknowledged = p.time(n, f, startOfDay) }},
	{"reported", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.Reported = p.time(n, f, startOfDay) }},
	{"deadline", func(p *parser, n *yaml.Node, f string, t *targetDraft) {
		t.deadlineAt = n
		t.Deadline, t.after = p.deadline(n, f)
	}},
	{"references", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.References = p.texts(n, f) }},
	{"note", func(p *parser, n *yaml.Node, f string, t *targetDraft) { t.Note = p.text(n, f) }},
}

func (p *parser) targetMapping(n *yaml.Node, f string, o *draft, t *Target) {
	d := targetDraft{match: Subtree, Attr: *NewAttr()}
	before := len(p.problems)
	object(p, n, f, targetTable, &d)
	p.interval(n, f, d.From, d.Until)
	servedBad := d.Served == NoTime && lookup(n, "served") != nil
	o.servedBad = o.servedBad || servedBad
	if d.after > 0 && !servedBad {
		p.deadlineAfter(d.deadlineAt, join(f, "deadline"), &d.Deadline, d.Served, d.servedDate, d.after)
	}
	if len(d.given) > 1 || len(d.given) == 0 && len(p.problems) == before {
		p.fault(n, f, "a target has exactly one of name, address and url, and this target has %s", orNone(d.given))
	}
	switch {
	case d.url != nil:
		t.Kind = TargetURL
		d.URL = strings.TrimSpace(d.url.Value)
		if host, ok := p.targetURL(d.url, join(f, "url"), d.whole); ok && d.whole != nil {
			// The names below the host stay unblocked.
			t.Kind, t.Name, t.Match = TargetName, host, Exact
		}
	case d.Address.IsValid() || d.name == nil:
		t.Kind = TargetAddress
	default:
		if s := p.text(d.name, join(f, "name")); s != "" {
			var err error
			if t.Name, t.Match, err = ParseTarget(s); err != nil {
				p.bad(d.name, join(f, "name"), "%s", targetAdvice(s, err))
			}
		}
	}
	switch {
	case d.matchAt == nil:
	case t.Kind != TargetName:
		p.fault(d.matchAt, join(f, "match"), "only a target with a name has this key; remove the key")
	case t.Match == BelowOnly:
		p.fault(d.matchAt, join(f, "match"), `a name that begins with "*." has no match; remove the key`)
	default:
		t.Match = d.match
	}
	if d.enforcedAt != nil && t.Kind != TargetAddress {
		p.fault(d.enforcedAt, join(f, "enforced_by"), "only a target with an address has this key; remove the key")
	}
	if d.whole != nil && d.url == nil {
		p.fault(d.whole, join(f, "whole_host"), "only a target with a url has this key; remove the key")
	}
	if d.Served != NoTime && d.Deadline == NoTime && d.deadlineAt == nil {
		o.rowClocks = append(o.rowClocks, rowClock{len(o.Targets), lookup(n, "served"), f, d.servedDate})
	}
	if a := &d.Attr; t.Kind != TargetName || !a.plain() {
		attr := *a // a copy, so that the much larger d can be freed
		t.Attr = &attr
	}
}

// plain reports whether all attributes have their default values.
func (a *Attr) plain() bool {
	return a.URL == "" && a.From == NoTime && a.Until == NoTime && a.Windows == nil && a.Except == nil &&
		a.Status == Active && a.Served == NoTime && a.Deadline == NoTime && a.Acknowledged == NoTime && a.Reported == NoTime && a.References == nil && a.Note == ""
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, " and ")
}
