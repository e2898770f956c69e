package journal

import (
	"cmp"
	"iter"
	"path/filepath"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// A MissingOrder is a recorded order that is no longer in any file.
type MissingOrder struct {
	Order  string
	Sealed bool // the order is sealed, or it is not known whether it is
}

// Missing returns the recorded orders that are no longer in any file, sorted by id. The first
// sequence has the ids of all orders in the files. The second sequence has the ids of earlier
// orders, and says whether each order is sealed.
func (b *Batch) Missing(present iter.Seq[string], former iter.Seq2[string, bool]) (out []MissingOrder, err error) {
	t := &b.j.table
	i := 0
	for id := range present {
		coop.Tick(i)
		i++
		k := t.key(id)
		if e, ok := t.orders[k]; ok {
			e.seen = true
			t.orders[k] = e
		}
	}
	missing := map[uint64]MissingOrder{}
	for k, e := range t.orders {
		coop.Tick(i)
		i++
		if e.present && !e.seen {
			missing[k] = MissingOrder{}
		}
		if e.seen {
			e.seen = false
			t.orders[k] = e
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	unknown := len(missing)
	found := func(id string, sealed bool) {
		k := t.key(id)
		was, ok := missing[k]
		if !ok {
			return
		}
		if was.Order == "" {
			unknown--
		}
		missing[k] = MissingOrder{id, sealed}
	}
	for id, sealed := range former {
		coop.Tick(i)
		i++
		found(id, sealed)
	}
	if unknown > 0 {
		if b.flush(); b.j.dead {
			return nil, nil
		}
		if err := b.j.everyRecord(func(r *Record) {
			for _, h := range r.Heads {
				found(h.Order, true)
			}
			if r.Order != "" {
				found(r.Order, r.Sealed)
			}
		}); err != nil {
			return nil, err
		}
	}
	for _, m := range missing {
		if m.Order != "" {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(x, y MissingOrder) int { return cmp.Compare(x.Order, y.Order) })
	return out, nil
}

func (j *Journal) everyRecord(f func(*Record)) error {
	all, err := segments(j.dir)
	if err != nil {
		return err
	}
	for _, s := range all {
		if _, err := readLines(filepath.Join(j.dir, filepath.FromSlash(s.name)), func(l line) bool {
			coop.Yield()
			if r, err := ParseRecord(l.text); err == nil {
				f(&r)
			}
			return true
		}); err != nil {
			return err
		}
	}
	return nil
}
