package ruleset

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math/bits"
	"reflect"
)

// Contents returns a function that computes a digest of an order. The digest is empty for an order
// of an unchanged part. Pass a secret number, so that nobody can forge a digest.
func (s *Set) Contents(old *Set, key uint64) func(OrderState) string {
	known := map[*Part]bool{}
	if old != nil {
		known = old.partSet()
	}
	of := map[*entry]uint32{}
	var sums []uint64
	shared := map[*Common][]byte{}
	first := uint32(0)
	for _, p := range s.parts {
		if known[p] {
			continue
		}
		sums = append(sums, p.targetSums(key)...)
		for i, e := range p.entries.all() {
			of[e] = first + i
		}
		first += uint32(p.entries.n)
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
		fmt.Fprintf(h, "%x %x %q %d %d %d %d %d %v %x", key, terms, e.Reference, e.issued(), e.rank.decided, e.names, e.addrs, e.others, o.part.ivs(e.sched), sums[i])
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

// Skip zero fields, so a new field does not change old digests.
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

func (p *Part) targetSums(key uint64) []uint64 {
	sums := make([]uint64, p.entries.n)
	hashText := func(format string, args ...any) uint64 {
		d := sha256.Sum256(fmt.Appendf(binary.BigEndian.AppendUint64(nil, key), format, args...))
		return binary.BigEndian.Uint64(d[:])
	}
	dates := make([]uint64, len(p.schedules))
	for i := range dates {
		dates[i] = hashText("%v", p.ivs(uint32(i)))
	}
	type group struct{ entry, number uint32 }
	groups := map[group]uint64{}
	rules := func(where uint64, list []rule) {
		for _, r := range list {
			hash := mix(where, dates[r.sched]+uint64(r.kind)<<1+uint64(b2u(r.shadow)))
			if r.group == 0 {
				sums[r.entry] += hash
			} else {
				groups[group{r.entry, r.group}] += hash
			}
		}
	}
	for hash, ref := range p.names.Hashes(key) {
		rules(hash, p.list(ref))
	}
	for x, list := range p.networks() {
		rules(hashText("%s", x), list)
	}
	for g, sum := range groups {
		sums[g.entry] += hashText("group %x", sum)
	}
	return sums
}

func mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, y^0xd6e8feb86659fd93)
	return hi ^ lo
}
