package order

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

type header struct {
	count                         int64
	countAt, sourceAt, expiresAt  *yaml.Node
	defaults, authorities, orders *yaml.Node
}

var headerTable = table[header]{
	{"version", func(p *parser, n *yaml.Node, f string, h *header) {
		if v, ok := p.natural(n, f); ok && v != 1 {
			p.bad(n, f, "the only version of the format is 1; write version: 1")
		}
	}},
	{"serial", func(p *parser, n *yaml.Node, f string, h *header) { p.out.Serial = p.given(n, f) }},
	{"count", func(p *parser, n *yaml.Node, f string, h *header) { h.count, h.countAt = p.given(n, f), n }},
	{"source", func(p *parser, n *yaml.Node, f string, h *header) { h.sourceAt = n }},
	{"expires", func(p *parser, n *yaml.Node, f string, h *header) { h.expiresAt = n }},
	{"shrink_ok", func(p *parser, n *yaml.Node, f string, h *header) { p.out.ShrinkOK = p.given(n, f) }},
	{"timezone", func(p *parser, n *yaml.Node, f string, h *header) {
		s := p.text(n, f)
		loc, err := time.LoadLocation(s)
		switch {
		case s == "":
		// The meaning of "Local" and "localtime" depends on the machine.
		case err != nil || s == "Local" || s[0] > 'Z':
			p.bad(n, f, "must be an IANA time zone such as Europe/Rome")
		default:
			p.loc, p.out.Timezone = loc, s
		}
	}},
	{"defaults", func(p *parser, n *yaml.Node, f string, h *header) { h.defaults = n }},
	{"authorities", func(p *parser, n *yaml.Node, f string, h *header) { h.authorities = n }},
	{"orders", func(p *parser, n *yaml.Node, f string, h *header) { h.orders = n }},
}

var sourceTable = table[Source]{
	{"register", func(p *parser, n *yaml.Node, f string, s *Source) { s.Register = p.text(n, f) }},
	{"as_of", func(p *parser, n *yaml.Node, f string, s *Source) { s.AsOf = p.time(n, f, startOfDay) }},
	{"sha256", func(p *parser, n *yaml.Node, f string, s *Source) { s.SHA256 = p.sha256(n, f) }},
}

// The key timezone must already be decoded.
func (p *parser) headerTimes() {
	if n := p.head.expiresAt; n != nil {
		p.out.Expires = p.time(n, "expires", endOfDay)
	}
	n := p.head.sourceAt
	if n == nil {
		return
	}
	p.out.Source = &Source{AsOf: NoTime}
	object(p, n, "source", sourceTable, p.out.Source)
	if n.Kind == yaml.MappingNode && lookup(n, "register") == nil {
		p.fault(n, "source.register", "is required; write the name of the register that the file was made from")
	}
}

const authorityMissing = "is required; write authority: {name: NAME, country: CODE, kind: court}"

func (p *parser) given(n *yaml.Node, f string) int64 {
	if v, ok := p.natural(n, f); ok {
		return v
	}
	return -1
}

func (p *parser) header(root *yaml.Node) bool {
	if !p.plain(root, "") {
		return false
	}
	if root.Kind != yaml.MappingNode {
		p.bad(root, "", "must be an order file, with the keys version and orders")
		return false
	}
	p.base = &draft{Order: emptyOrder()}
	p.handles = map[string]*draft{}
	object(p, root, "", headerTable, &p.head)
	if lookup(root, "version") == nil {
		p.fault(root, "version", "is required; write version: 1")
	}
	p.headerTimes()
	// After an unknown key, the ordinary log must treat all orders as secret.
	p.base.doubt = slices.ContainsFunc(p.problems, func(x Problem) bool { return !harmless(x.Field) })
	if n := p.head.defaults; n != nil {
		p.defaultHandle = p.fill(p.base, n, "defaults")
	}
	if n := p.head.authorities; n != nil {
		before := len(p.problems)
		pairs := p.mapping(n, "authorities")
		p.base.doubt = p.base.doubt || len(p.problems) > before
		p.seal(before, p.base)
		for _, kv := range pairs {
			p.authorityEntry(kv.key.Value, kv.value)
		}
	}
	if n := p.defaultHandle; n != nil {
		before := len(p.problems)
		if s := p.text(n, "defaults.authority"); s == "" || p.handles[s] == nil {
			if s != "" {
				p.bad(n, "defaults.authority", "is no handle of authorities%s", p.handleAdvice(s))
			}
			p.defaultHandle = nil
			p.base.doubt, p.base.noAuthority = true, true
			p.seal(before, p.base)
		}
	}
	return true
}

func harmless(f string) bool {
	f, _, _ = strings.Cut(f, ".")
	return slices.Contains(fileShape.keys, f) && f != "defaults" && f != "authorities"
}

func (p *parser) authorityEntry(handle string, n *yaml.Node) {
	f := join("authorities", handle)
	a := p.base.clone()
	a.Authority, a.noAuthority = Authority{}, false
	p.handles[handle] = a
	before := len(p.problems)
	if own := p.fill(a, n, f); own != nil {
		p.bad(own, join(f, "authority"), "must be a mapping; write authority: {name: %s, country: CODE, kind: court}", flow(own.Value))
		a.noAuthority = true
	} else if n.Kind == yaml.MappingNode && a.Authority.Name == "" && !a.noAuthority {
		p.fault(n, join(f, "authority"), "%s", authorityMissing)
		a.noAuthority = true
	}
	a.noAuthority = a.noAuthority || a.Authority.Name == ""
	p.seal(before, a)
}

func (p *parser) checkCount() {
	h := &p.head
	if h.countAt != nil && h.count >= 0 && h.count != int64(p.out.Count) {
		p.add(Problem{Line: h.countAt.Line, Column: h.countAt.Column, Field: "count",
			Msg: fmt.Sprintf("does not match the number of orders, which is %d; check whether the file was cut off", p.out.Count),
			Got: fmt.Sprint(h.count), HasGot: true})
	}
}

func (p *parser) fill(base *draft, n *yaml.Node, f string) (handle *yaml.Node) {
	before := len(p.problems)
	base.ownTerms = true
	pairs := p.mapping(n, f)
	if hasNulls(n) {
		p.nullKeys(n, f, slices.Values(orderShape.keys), isField)
	}
	base.doubt = base.doubt || len(p.problems) > before
	for _, kv := range pairs {
		key := join(f, kv.key.Value)
		switch spec := fieldByKey[kv.key.Value]; {
		case spec == nil:
			p.unknownKey(n, kv.key, key, slices.Values(orderShape.keys))
			base.doubt = true
		case spec.use&filled == 0:
			p.fault(kv.key, key, "is not inherited; write the key on each order")
		case spec.key == "authority" && kv.value.Kind == yaml.ScalarNode:
			handle = kv.value
		default:
			spec.decode(p, kv.value, key, base)
		}
	}
	base.forceAt = nil // checkForce must not report inherited reasons
	p.seal(before, base)
	base.ownTerms = false
	return handle
}

func aboutDisclosure(p Problem) bool {
	key := p.Field[strings.LastIndexByte(p.Field, '.')+1:]
	return Nearest(key, slices.Values([]string{"disclosure"})) != ""
}

func (p *parser) seal(start int, o *draft) {
	sealed := o.doubt || o.Disclosure.Sealed()
	if !sealed && !o.liftDoubt {
		return
	}
	doubt := o.doubt && !o.Disclosure.Sealed() && !slices.ContainsFunc(p.problems[start:], aboutDisclosure)
	for i := start; i < len(p.problems); i++ {
		p.problems[i].Sealed, p.problems[i].Lift, p.problems[i].Doubt = true, !sealed, doubt
	}
}

func emptyOrder() Order {
	return Order{Terms: &Terms{TTL: -1}, Issued: NoTime, Served: NoTime, From: NoTime, Until: NoTime, Review: NoTime, Deadline: NoTime,
		Acknowledged: NoTime, Reported: NoTime}
}

func (o *draft) clone() *draft {
	c := *o
	terms := *o.Terms
	c.Terms = &terms
	return &c
}
