package blocklist

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

type sampler struct {
	seed  string
	most  int // the largest number of targets that are chosen
	total int // the number of targets so far

	chosen []sampled
	limit  [sha256.Size]byte // larger hashes are not chosen, if cut is true
	cut    bool
	buf    []byte
}

// A sampled target is a target with its hash.
type sampled struct {
	hash [sha256.Size]byte
	ruleset.Target
}

func (s *sampler) hash(id string, wire []byte, m order.Match) [sha256.Size]byte {
	s.buf = append(append(s.buf[:0], s.seed...), byte(m))
	s.buf = append(append(s.buf, wire...), id...)
	return sha256.Sum256(s.buf)
}

// add adds a target.
func (s *sampler) add(o *ruleset.Order, w *dname.Wire, m order.Match) {
	s.total++
	h := s.hash(o.ID, w.Suffix(w.NumLabels()), m)
	if s.cut && bytes.Compare(h[:], s.limit[:]) >= 0 {
		return
	}
	s.chosen = append(s.chosen, sampled{h, ruleset.Target{Order: o, Name: w.Name(), Match: m}})
	if len(s.chosen) >= 2*s.most {
		s.shorten()
	}
}

// shorten drops all but the smallest hashes.
func (s *sampler) shorten() {
	slices.SortFunc(s.chosen, func(a, b sampled) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	if len(s.chosen) > s.most {
		clear(s.chosen[s.most:])
		s.chosen = s.chosen[:s.most]
		s.limit, s.cut = s.chosen[s.most-1].hash, true
	}
}

// has reports whether a target is in the sample.
func (s *sampler) has(t ruleset.Target) bool {
	return slices.ContainsFunc(s.chosen, func(x sampled) bool {
		return x.Order.ID == t.Order.ID && x.Name == t.Name && x.Match == t.Match
	})
}

// targets returns the sample.
func (s *sampler) targets() (out []ruleset.Target) {
	s.shorten()
	for _, x := range s.chosen {
		out = append(out, x.Target)
	}
	return out
}
