package order

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

type orderRun struct {
	*run
	before int // the number of Order.Targets before the list
}

func (p *parser) countTargets(n *yaml.Node) int {
	count := len(n.Content)
	if p.opt.Targets == nil {
		for _, item := range n.Content {
			if item.Kind == runNode {
				count += item.Line
			}
		}
	}
	return count
}

func (p *parser) plainNames(n *yaml.Node, o *draft) {
	r := &p.runs[n.Column]
	if p.opt.Targets != nil {
		o.runs = append(o.runs, orderRun{r, len(o.Targets)})
		return
	}
	var w dname.Wire
	p.eachName(r, &w, func(at spot) {
		o.Targets = append(o.Targets, Target{Match: Subtree, Name: w.Name(), Line: at.line, Column: at.col})
	})
}

func (p *parser) eachName(r *run, w *dname.Wire, f func(at spot)) {
	i := 0
	r.each(p.data, func(name []byte, at spot) {
		if i++; p.step(i) && w.SetHost(name) { // SetHost accepts every name of a run
			f(at)
		}
	})
}

func (p *parser) eachTarget(o *draft, own func(*Target), plain func(*dname.Wire, spot)) {
	var w dname.Wire
	i := 0
	for _, r := range o.runs {
		for ; i < r.before; i++ {
			own(&o.Targets[i])
		}
		p.eachName(r.run, &w, func(at spot) { plain(&w, at) })
	}
	for ; i < len(o.Targets); i++ {
		own(&o.Targets[i])
	}
}

func (p *parser) countLabels(labels int, at spot, field string) {
	if p.deep.Add(labels) && !p.tooDeep {
		p.tooDeep = true
		p.add(Problem{Line: at.line, Column: at.col, Field: field, Msg: TooManyLabels, public: TooManyLabels})
	}
}

// All other fields of the order must already be decoded.
func (p *parser) handOn(o *draft) {
	for _, r := range o.runs {
		o.Plain += r.n
	}
	if o.Plain == 0 || p.failed {
		return
	}
	names := p.opt.Targets(&o.Order)
	names.Grow(o.Plain)
	for _, r := range o.runs {
		var w dname.Wire
		p.eachName(r.run, &w, func(spot) { names.AddWire(&w) })
	}
}

type sameTarget struct {
	kind    TargetKind
	match   Match
	name    dname.Name
	address netip.Prefix
	url     string
}

func sameAs(t *Target) sameTarget {
	k := sameTarget{kind: t.Kind, match: t.Match, name: t.Name}
	switch t.Kind {
	case TargetAddress:
		k.address = t.Attr.Address
	case TargetURL:
		k.url = t.Attr.URL
	}
	return k
}

type firsts struct {
	seed  maphash.Seed
	slots []firstSlot // a hash table with open addressing, at most two thirds full
}

type firstSlot struct {
	hash uint32
	at   uint32
}

func (f *firsts) find(hash uint32, equal func(at uint32) bool) *firstSlot {
	for i := int(uint64(hash) * uint64(len(f.slots)) >> 32); ; i++ {
		if i == len(f.slots) {
			i = 0
		}
		if s := &f.slots[i]; s.at == 0 || s.hash == hash && equal(s.at) {
			return s
		}
	}
}

// Duplicate targets stay, because their attributes may differ.
func (p *parser) warnTwice(o *draft) {
	n := len(o.Targets)
	for _, r := range o.runs {
		n += r.n
	}
	if n < 2 {
		return
	}
	first := firsts{maphash.MakeSeed(), make([]firstSlot, n+n/2+1)}
	own := uint32(len(o.Targets))
	look := func(hash, at uint32, equal func(at uint32) bool, warn func() *Target) {
		s := first.find(hash, equal)
		if s.at == 0 {
			*s = firstSlot{hash, at}
			return
		}
		if len(p.problems) >= maxProblems {
			return
		}
		line := 0
		if s.at <= own {
			line = o.Targets[s.at-1].Line
		} else {
			line = p.lineOf(o, int(s.at-own-1))
		}
		t := warn()
		p.add(Problem{Line: t.Line, Column: t.Column, Field: "targets", Warning: true,
			Msg: fmt.Sprintf("is in this order twice, first on line %d", line), Got: t.Pattern(), HasGot: true})
	}
	var other dname.Wire
	plainAt := func(at uint32) *dname.Wire {
		name, _ := nameAt(p.data[at-own-1:])
		other.SetHost(name)
		return &other
	}
	at := uint32(0)
	p.eachTarget(o, func(t *Target) {
		at++
		if t.Kind == TargetAddress && !t.Attr.Address.IsValid() {
			return // already reported
		}
		k := sameAs(t)
		hash := maphash.Comparable(first.seed, k)
		if t.Kind == TargetName && t.Match == Subtree {
			hash = maphash.String(first.seed, t.Name.Wire())
		}
		look(uint32(hash), at, func(at uint32) bool {
			if at <= own {
				return sameAs(&o.Targets[at-1]) == k
			}
			return k.kind == TargetName && k.match == Subtree && string(plainAt(at).Suffix(other.NumLabels())) == k.name.Wire()
		}, func() *Target { return t })
	}, func(w *dname.Wire, s spot) {
		p.countLabels(w.NumLabels(), s, "targets")
		wire := w.Suffix(w.NumLabels())
		look(uint32(maphash.Bytes(first.seed, wire)), own+1+uint32(s.off), func(at uint32) bool {
			if at <= own {
				t := &o.Targets[at-1]
				return t.Kind == TargetName && t.Match == Subtree && t.Name.Wire() == string(wire)
			}
			return plainAt(at).Equal(w)
		}, func() *Target { return &Target{Match: Subtree, Name: w.Name(), Line: s.line, Column: s.col} })
	})
}

func (p *parser) lineOf(o *draft, off int) int {
	for _, r := range o.runs {
		if r.from.off <= off && off < r.last.off {
			return r.from.line + bytes.Count(p.data[r.from.off:off], []byte{'\n'})
		}
	}
	return 0
}

type distinct[T comparable] map[T]struct{}

func (d distinct[T]) add(v T) bool {
	before := len(d)
	d[v] = struct{}{}
	return len(d) > before
}
