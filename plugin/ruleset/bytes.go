package ruleset

import "unsafe"

// mapSlot and netSlot are the approximate sizes in bytes of an entry of a map and of an entry
// of an addressTable, without the data that the entry points to.
const mapSlot, netSlot = 64, 64

func sizeOf[T any](s []T) int {
	var x T
	return int(unsafe.Sizeof(x)) * cap(s)
}

// Bytes returns the size of the part's tables in bytes, without the texts of the orders.
func (p *Part) Bytes() int { return p.bytes }

// measure computes the size of the part. It must be called when the tables are complete.
func (b *Builder) measure() {
	p := b.part
	n := p.names.Bytes() + sizeOf(p.rules) + sizeOf(p.intervals) + sizeOf(p.schedules) + sizeOf(p.whole) + sizeOf(p.lifts) +
		sizeOf(p.deadlines) + sizeOf(p.reviews) + sizeOf(p.dutyTargets)
	for _, block := range p.entries.blocks {
		n += sizeOf(block)
	}
	n += b.commonsMade*int(unsafe.Sizeof(Common{})) + len(b.interned.scopes)*int(unsafe.Sizeof(scope{})) + len(b.interned.exempts)*int(unsafe.Sizeof(exempt{}))
	for _, name := range p.lookouts {
		n += int(unsafe.Sizeof(name)) + len(name.Wire())
	}
	for _, c := range p.crowds {
		n += mapSlot + c.size()
	}
	if p.addrs != nil {
		for _, at := range p.addrs.All() {
			n += netSlot + sizeOf(at.rules)
			if at.crowd != nil {
				n += at.crowd.size()
			}
		}
	}
	p.bytes = n
}

func (c *crowd) size() int {
	n := int(unsafe.Sizeof(*c)) + groupsSize(c.groups)
	for _, at := range c.byID {
		n += mapSlot + sizeOf(at)
	}
	for _, l := range c.others {
		n += mapSlot + l.size()
	}
	return n
}

func groupsSize(groups []*group) (n int) {
	for _, g := range groups {
		n += int(unsafe.Sizeof(*g)) + g.everyone.tables() + g.asking.tables()
		for _, l := range g.countries {
			n += mapSlot + l.size()
		}
		if g.networks != nil {
			n += int(unsafe.Sizeof(*g.networks))
			for _, l := range g.networks.All() {
				n += netSlot + l.size()
			}
		}
	}
	return n
}

func (l *line) size() int { return int(unsafe.Sizeof(*l)) + l.tables() }

func (l *line) tables() int { return sizeOf(l.at) + sizeOf(l.gone.until) + sizeOf(l.gone.exempt) }

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
	for _, view := range s.views {
		n += mapSlot
		for _, c := range view {
			n += mapSlot + int(unsafe.Sizeof(*c)) + groupsSize(c.groups)
		}
	}
	return n
}
