package index

import "github.com/dns-orders/blocklist/plugin/dname"

// Cursor goes through the names of an index that carry a ref, as Wires does, a step
// at a time, so that two indexes can be gone through side by side. Names come in
// the order in which they, or names below them, were first added: versions of one
// list nearly agree in it.
type Cursor struct {
	Wire dname.Wire // good until Next
	Ref  uint32
	x    *Index
	off  uint32
}

// Cursor returns a Cursor before the first name.
func (x *Index) Cursor() *Cursor { return &Cursor{x: x} }

// Next goes to the next name and reports whether there is one.
func (c *Cursor) Next() bool {
	var buf [dname.MaxWire]byte
	for c.x != nil && int(c.off) < len(c.x.arena) {
		r, next := c.x.at(c.off)
		c.off = next
		if r.flags&hasRef != 0 {
			c.Wire.SetWire(c.x.appendName(buf[:0], r))
			c.Ref = r.ref
			return true
		}
	}
	return false
}
