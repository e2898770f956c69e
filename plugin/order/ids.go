package order

import "hash/maphash"

// For a million ids, a Go map would take a fifth of the parse time.
type idTable struct {
	seed  maphash.Seed
	slots []idSlot // a hash table with open addressing, at most three quarters full
	uses  [][]firstUse
	n     int
}

type idSlot struct {
	hash uint32
	use  uint32 // the number of the first use, from 1; 0 means a free slot
}

type firstUse struct {
	id     string
	line   int32
	sealed bool
}

const idBlock = 1 << 12

func newIDTable() *idTable { return &idTable{seed: maphash.MakeSeed(), slots: make([]idSlot, 64)} }

func (t *idTable) hash(id string) uint32 { return uint32(maphash.String(t.seed, id)) }

func (t *idTable) find(id string) firstUse {
	h := t.hash(id)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; t.slots[i].use != 0; i = (i + 1) & mask {
		if s := t.slots[i]; s.hash == h {
			if u := &t.uses[(s.use-1)/idBlock][(s.use-1)%idBlock]; u.id == id {
				return *u
			}
		}
	}
	return firstUse{}
}

func (t *idTable) add(u firstUse) {
	if t.n%idBlock == 0 {
		t.uses = append(t.uses, nil)
	}
	last := &t.uses[len(t.uses)-1]
	if len(t.uses) > 1 && *last == nil {
		*last = make([]firstUse, 0, idBlock)
	}
	*last = append(*last, u)
	t.n++
	if 4*t.n > 3*len(t.slots) {
		old := t.slots
		t.slots = make([]idSlot, 2*len(old))
		for _, s := range old {
			if s.use != 0 {
				t.place(s)
			}
		}
	}
	t.place(idSlot{t.hash(u.id), uint32(t.n)})
}

func (t *idTable) place(s idSlot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].use != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}
