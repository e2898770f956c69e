package ruleset

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"reflect"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// Contents returns a function that computes a digest of the content of an order. The content is the
// terms, the dates and the targets. Two versions of an order have equal digests if Compare finds no
// difference. The digest is in hexadecimal digits.
//
// The function returns "" for an order in a file that has not changed since the set old. old may be
// nil.
//
// Digests are stored, and are compared after a restart or an update of the program. A new field of
// Terms must therefore not change the digest of an order without the field.
func (s *Set) Contents(old *Set) func(OrderState) string {
	known := map[*Part]bool{}
	if old != nil {
		for _, p := range old.parts {
			known[p] = true
		}
	}
	of := map[*entry]uint32{}
	var sums [][2]uint64
	shared := map[*Common][]byte{}
	n := 0
	for _, p := range s.parts {
		if known[p] {
			continue
		}
		sums = append(sums, p.targetSums()...)
		for e := range p.entries.all() {
			coop.Tick(n)
			of[e] = uint32(n)
			n++
		}
	}
	return func(o OrderState) string {
		i, ok := of[o.entry]
		if !ok {
			return ""
		}
		e := o.entry
		terms := shared[e.Common]
		if terms == nil {
			terms = e.Common.digest()
			shared[e.Common] = terms
		}
		h := sha256.New()
		fmt.Fprintf(h, "%x %q %d %d %d %d %d %v %x", terms, e.Reference, e.issued(), e.rank.decided, e.names, e.addrs, e.others, o.part.ivs(e.sched), sums[i])
		return hex.EncodeToString(h.Sum(nil)[:16])
	}
}

func (c *Common) digest() []byte {
	h := sha256.New()
	hashValue(h, reflect.ValueOf(c.Terms))
	hashValue(h, reflect.ValueOf(c.FilteringDatabases))
	fmt.Fprintf(h, "%d %d %t %q", c.action, c.status, c.public, c.lifts)
	for _, t := range (&Order{Common: c}).Forced() {
		fmt.Fprintf(h, "%q", t)
	}
	return h.Sum(nil)
}

// hashValue writes a value into a hash. It leaves out the fields with a zero value.
func hashValue(h hash.Hash, v reflect.Value) {
	if t, ok := v.Interface().(encoding.TextMarshaler); ok && v.Kind() != reflect.Pointer {
		text, _ := t.MarshalText()
		fmt.Fprintf(h, "%q", text)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			hashValue(h, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() && (f.Kind() != reflect.Slice || f.Len() > 0) {
				fmt.Fprintf(h, "{%s ", v.Type().Field(i).Name)
				hashValue(h, f)
				fmt.Fprint(h, "}")
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			fmt.Fprint(h, "[")
			hashValue(h, v.Index(i))
			fmt.Fprint(h, "]")
		}
	case reflect.String:
		fmt.Fprintf(h, "%q", v.String())
	default: // bool and numbers
		fmt.Fprintf(h, "%#v", v.Interface())
	}
}

// targetSums returns a sum of hashes for each order of the part. Each hash is of a target or an
// exception with its dates. The index has no fixed sequence, and the sequence has no effect on a
// sum.
func (p *Part) targetSums() [][2]uint64 {
	sums := make([][2]uint64, p.entries.n)
	dates := make([][]byte, len(p.schedules))
	for i := range dates {
		d := sha256.Sum256(fmt.Append(nil, p.ivs(uint32(i))))
		dates[i] = d[:16]
	}
	// A group is a target with its own exceptions. Their rules have the same number.
	type group struct{ entry, number uint32 }
	groups := map[group][2]uint64{}
	add := func(to [2]uint64, text []byte) [2]uint64 {
		d := sha256.Sum256(text)
		return [2]uint64{to[0] + binary.BigEndian.Uint64(d[:8]), to[1] + binary.BigEndian.Uint64(d[8:16])}
	}
	var buf []byte
	rules := func(where []byte, list []rule) {
		for _, r := range list {
			buf = append(append(buf[:0], byte(r.kind), b2u(r.shadow)), dates[r.sched]...)
			buf = append(buf, where...)
			if r.group == 0 {
				sums[r.entry] = add(sums[r.entry], buf)
			} else {
				g := group{r.entry, r.group}
				groups[g] = add(groups[g], buf)
			}
		}
	}
	i := 0
	for w, ref := range p.names.Wires() {
		coop.Tick(i)
		i++
		rules(w.Suffix(w.NumLabels()), p.list(ref))
	}
	for x, list := range p.networks() {
		rules([]byte(x.String()), list)
	}
	for g, sum := range groups {
		sums[g.entry] = add(sums[g.entry], fmt.Append(nil, "group ", sum))
	}
	return sums
}
