package index

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
)

// Check returns an error if a look-up could panic, not end, or miss a name. Check takes as long as
// building the index. The caller must check the refs.
func (x *Index) Check() (err error) {
	defer runtime.KeepAlive(x)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	if what := x.fault(); what != "" {
		return fmt.Errorf("%w: %s", errDamaged, what)
	}
	return nil
}

func (x *Index) fault() string {
	if len(x.nodes) == 0 || len(x.buckets) == 0 {
		return "no root"
	}
	// A parent must have a smaller number than its children. No node is then its own ancestor.
	hashes, lengths := make([]uint64, len(x.nodes)), make([]uint8, len(x.nodes))
	hashes[0] = x.key
	for i, off := range x.nodes[1:] {
		coop.Tick(i)
		r, _ := x.at(off)
		length := int(lengths[r.parent]) + 1 + len(r.label)
		if r.flags&interior == 0 || r.number>>1 != uint64(i+1) || r.parent > uint64(i) || length >= dname.MaxWire {
			return "a wrong interior node"
		}
		hashes[i+1], lengths[i+1] = r.hash(hashes[r.parent]), uint8(length)
	}
	ends, used := false, 0
	for i := range x.buckets {
		coop.Tick(i)
		b := &x.buckets[i]
		for _, tag := range b.tags {
			if tag != 0 {
				used++
			}
		}
		ends = ends || b.over == 0
	}
	if !ends {
		return "all buckets are full"
	}
	records, names, topLevel := 0, 0, false
	above := make([]bool, len(x.nodes)) // whether a marked name is below the node with this number
	for i, off := range x.marked {
		coop.Tick(i)
		r, _ := x.at(off)
		if r.flags&hasRef == 0 {
			return "a marked record without a name"
		}
		for n := r.parent; n != 0 && !above[n]; {
			above[n] = true
			p, _ := x.at(x.nodes[n])
			n = p.parent
		}
	}
	for off, r := range x.records() {
		records++
		if len(r.label) == 0 || int(lengths[r.parent])+1+len(r.label) >= dname.MaxWire {
			return "a wrong label"
		}
		if r.flags&interior != 0 && (x.nodes[r.number>>1] != off || above[r.number>>1] != (r.number&1 != 0)) {
			return "a wrong interior record"
		}
		if r.flags&hasRef != 0 {
			names++
			topLevel = topLevel || r.parent == 0
		}
		if slot, _ := x.find(r.hash(hashes[r.parent]), r.parent, r.label); slot == nil || *slot != off {
			return "a record that no look-up finds"
		}
	}
	if records != used || names != x.names || topLevel != x.topLevel {
		return "wrong counts"
	}
	var last, next dname.Wire
	for i := range x.marked {
		coop.Tick(i)
		if x.Marked(i, &next); i > 0 && last.Compare(&next) >= 0 {
			return "marked names out of sequence"
		}
		last = next
	}
	return ""
}

// Same reports whether x and y have the same records in the same sequence. Call Check for both
// first.
func (x *Index) Same(y *Index) bool {
	same := x.names == y.names && x.topLevel == y.topLevel && bytes.Equal(x.arena, y.arena) && slices.Equal(x.nodes, y.nodes) && slices.Equal(x.marked, y.marked)
	runtime.KeepAlive(x)
	runtime.KeepAlive(y)
	return same
}
