package ruleset

import "unsafe"

const mapSlot, netSlot = 64, 64

func sizeOf[T any](s []T) int {
	var x T
	return int(unsafe.Sizeof(x)) * cap(s)
}

// Bytes returns the size of the part's tables in bytes, without the texts of the orders.
func (p *Part) Bytes() int { return p.bytes }

func (b *Builder) measure() {
	p := b.part
	n := p.names.Bytes() + sizeOf(p.rules) + sizeOf(p.intervals) + sizeOf(p.schedules) + sizeOf(p.whole) + sizeOf(p.lifts) +
		sizeOf(p.deadlines) + sizeOf(p.reviews) + sizeOf(p.dutyTargets)
	for _, block := range p.entries.blocks {
		n += sizeOf(block)
	}
	n += b.commonsMade*int(unsafe.Sizeof(Common{})) + len(b.interned.scopes)*int(unsafe.Sizeof(scope{})) + len(b.interned.exempts)*int(unsafe.Sizeof(exempt{}))
	for _, x := range p.longLists {
		n += mapSlot + x.size()
	}
	if p.addrs != nil {
		for _, at := range p.addrs.All() {
			n += netSlot + sizeOf(at.rules)
			if at.long != nil {
				n += at.long.size()
			}
		}
	}
	p.bytes = n
}

func (x *longList) size() int {
	n := int(unsafe.Sizeof(*x)) + sizeOf(x.blocks)
	for _, named := range x.lifts.named {
		n += mapSlot + sizeOf(named)
	}
	for _, later := range x.lifts.later {
		n += mapSlot + sizeOf(later)
	}
	return n
}

// Bytes returns the size of the set's tables in bytes, without the texts of the orders.
func (s *Set) Bytes() (n int) {
	seen := map[*Part]bool{}
	for _, parts := range [...][]*Part{s.parts, s.segments} {
		for _, p := range parts {
			if !seen[p] {
				seen[p] = true
				n += p.Bytes()
			}
		}
	}
	for _, x := range s.relisted {
		n += mapSlot + sizeOf(x.blocks)
	}
	return n
}
