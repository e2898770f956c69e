package order

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

func lookup(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && !isNull(n.Content[i+1]) {
			return n.Content[i+1]
		}
	}
	return nil
}

func (p *parser) readOrder(n *yaml.Node) {
	before := len(p.problems)
	p.pairs = p.pairs[:0]
	p.out.Count++
	if n.Kind != yaml.MappingNode {
		p.bad(n, "orders", "must be an order, with keys such as id and authority")
		p.seal(before, &draft{Order: emptyOrder(), doubt: true})
		return
	}
	if id := lookup(n, "id"); id != nil && id.Kind == yaml.ScalarNode {
		if p.order = id.Value; !isID(p.order) {
			p.order = Clip(p.order) // an invalid id may be very long
		}
	}
	defer func() { p.order = "" }()

	o := p.startOrder(n)
	o.Line, o.Column, o.Index = n.Line, n.Column, p.out.Count-1
	twice := p.checkID(n, o)
	checked := len(p.problems)
	pairs := p.mapping(n, "")
	if hasNulls(n) {
		p.nullKeys(n, "", slices.Values(orderShape.keys), isField)
	}
	o.doubt = o.doubt || len(p.problems) > checked // the dropped key may be the disclosure
	for _, kv := range pairs {
		switch spec := fieldByKey[kv.key.Value]; {
		case spec == nil:
			p.unknownKey(n, kv.key, kv.key.Value, slices.Values(orderShape.keys))
			o.doubt = true
		case o.Action == Lift && spec.use&onLift == 0:
			p.fault(kv.key, kv.key.Value, "says how to block, and a lift does not block; remove the key")
		default:
			if spec.use&term != 0 && !o.ownTerms && !(spec.key == "authority" && kv.value.Kind == yaml.ScalarNode) {
				terms := *o.Terms
				o.Terms, o.ownTerms = &terms, true
			}
			spec.decode(p, kv.value, kv.key.Value, o)
		}
	}
	p.finish(n, o)
	o.doubt = o.doubt && !saysPublic(n) || twice.sealed
	p.seal(before, o)
	p.noteID(o)
	if !o.Lifting() {
		p.out.Targets += o.NumTargets()
	}
	if !p.failed {
		p.emit(o)
	}
}

// emit passes a good order on.
func (p *parser) emit(o *draft) {
	if p.opt.Emit != nil {
		p.opt.Emit(&o.Order)
		return
	}
	result := o.Order
	p.out.Orders = append(p.out.Orders, &result)
}

func saysPublic(n *yaml.Node) bool {
	said, public := 0, false
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "disclosure" {
			said++
			v := n.Content[i+1]
			public = isPlain(v) && (v.Value == "full" || v.Value == "schedule")
		}
	}
	return said == 1 && public
}

// A lift inherits only the authority.
func (p *parser) startOrder(n *yaml.Node) *draft {
	base := p.base
	handle := lookup(n, "authority")
	own := handle != nil
	if !own {
		handle = p.defaultHandle
	}
	doubt, noAuthority := base.doubt, !own && base.noAuthority
	if handle != nil && !isPlain(handle) {
		noAuthority = true // a problem is reported later
	} else if handle != nil && handle.Kind == yaml.ScalarNode {
		if s := p.text(handle, "authority"); p.handles[s] != nil {
			base = p.handles[s]
			noAuthority = base.noAuthority
		} else {
			if s != "" {
				p.bad(handle, "authority", "is no handle of authorities%s", p.handleAdvice(s))
			}
			doubt, noAuthority = true, true
		}
	}
	action := Block
	if a := lookup(n, "action"); a != nil && isPlain(a) {
		action = choice(&p.decoder, a, "action", actionWords)
	}
	o := &p.draft
	if action == Lift {
		*o = draft{Order: emptyOrder(), ownTerms: true}
		o.Authority = base.Authority
		// A lift without a disclosure may refer to sealed orders.
		o.liftDoubt = lookup(n, "disclosure") == nil
	} else {
		*o = *base
	}
	o.Action = action
	o.doubt = doubt || base.doubt
	o.noAuthority = noAuthority
	return o
}

// Lifting reports whether o is a lift.
func (o *Order) Lifting() bool { return o.Action == Lift }

func (p *parser) checkID(n *yaml.Node, o *draft) (twice firstUse) {
	id := lookup(n, "id")
	if id == nil {
		p.fault(n, "id", "is required; write an id that no other order has, such as court/2026-17")
		return twice
	}
	if !isPlain(id) {
		return twice // a problem is reported later
	}
	s := p.text(id, "id")
	switch twice = p.ids.find(s); {
	case s == "":
	case !isID(s):
		p.bad(id, "id", "must have at most 128 characters, all of A-Z a-z 0-9 . _ : / -%s", idAdvice(s))
	case twice.line > 0:
		p.bad(id, "id", "is also the id of the order on line %d; write another id", twice.line)
	default:
		o.ID = s
	}
	return twice
}

func (p *parser) noteID(o *draft) {
	if o.ID != "" {
		p.ids.add(firstUse{o.ID, int32(o.Line), o.doubt || o.liftDoubt || o.Disclosure.Sealed()})
	}
}
