package rpz

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"
	"iter"
	"strings"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// MaxParts is the maximum number of parts. BIND 9.18 has at most 64 policy zones.
const MaxParts = 64

func partOf(k key, parts int) uint8 {
	first := strings.IndexByte(string(k), 0) + 1
	second := strings.IndexByte(string(k[first:]), 0) + 1
	if second == 0 {
		return uint8(parts - 1)
	}
	h := fnv.New32a()
	h.Write([]byte(k[:first+second]))
	return uint8(h.Sum32() % uint32(parts))
}

// A Part contains the entries of one part of a Zone.
type Part struct {
	zone *Zone
	n    uint8
}

// Part returns part n of the zone, from 0.
func (z *Zone) Part(n int) Part { return Part{z, uint8(n)} }

// Entries returns the entries in canonical order.
func (p Part) Entries() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := range p.zone.Entries {
			if p.zone.parts != nil && p.zone.parts[i] != p.n {
				continue
			}
			if !yield(&p.zone.Entries[i]) {
				return
			}
		}
	}
}

// Records returns the number of records, without SOA and NS.
func (p Part) Records() int { return p.zone.records[p.n] }

// Digest returns the SHA-256 of the records.
func (p Part) Digest() [sha256.Size]byte {
	h := sha256.New()
	var b []byte
	add := func(a *Answer) {
		b = append(b, '|')
		if a == nil {
			return
		}
		b = append(b, byte(a.Kind)+1)
		b = binary.BigEndian.AppendUint64(b, uint64(a.TTL))
		for _, x := range a.Addresses {
			b = append(b, x.AsSlice()...)
			b = append(b, ',')
		}
	}
	i := 0
	for e := range p.Entries() {
		coop.Tick(i)
		i++
		b = append(b[:0], e.key...)
		add(e.Own)
		add(e.Wildcard)
		b = append(b, '\n')
		h.Write(b)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Split returns the difference of each part.
func (d *Difference) Split(parts int) []Difference {
	if parts == 1 {
		return []Difference{*d}
	}
	out := make([]Difference, parts)
	for _, e := range d.Deleted {
		p := &out[partOf(e.key, parts)]
		p.Deleted = append(p.Deleted, e)
	}
	for _, e := range d.Added {
		p := &out[partOf(e.key, parts)]
		p.Added = append(p.Added, e)
	}
	return out
}
