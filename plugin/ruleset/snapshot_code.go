package ruleset

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A coder writes or reads the fields of a part. A writer must not change the part, because queries
// may use the part.
//
// A reader converts all texts to one string, which saves a million allocations.
type coder struct {
	reading    bool
	data, text sink   // the two streams of a writer
	in         []byte // the rest of the numbers of a reader
	chars      string // the rest of the texts of a reader
	err        error

	words  words
	scopes shared[order.Scope]
	terms  shared[order.Terms]
	common shared[Common]
	path   *string // the path of the part
}

var errSnapshot = errors.New("snapshot: damaged")

func newWriter(data, text io.Writer) *coder {
	return &coder{data: sink{to: data}, text: sink{to: text}}
}

func (c *coder) flush() error {
	c.data.flush()
	c.text.flush()
	return errors.Join(c.data.err, c.text.err)
}

type sink struct {
	to  io.Writer
	buf []byte
	err error
}

func (s *sink) full() {
	if len(s.buf) > 32<<10 {
		s.flush()
	}
}

func (s *sink) flush() {
	coop.Yield()
	if s.err == nil {
		_, s.err = s.to.Write(s.buf)
	}
	s.buf = s.buf[:0]
}

func (c *coder) refuse() {
	if c.reading && c.err == nil {
		c.err, c.in, c.chars = errSnapshot, nil, ""
	}
}

func (c *coder) uint(v *uint64) {
	if !c.reading {
		c.data.buf = binary.AppendUvarint(c.data.buf, *v)
		c.data.full()
		return
	}
	x, n := binary.Uvarint(c.in)
	if n <= 0 {
		c.refuse()
		x, n = 0, 0
	}
	*v, c.in = x, c.in[n:]
}

func num[T ~int | ~int32 | ~int64 | ~uint32](c *coder, v *T) {
	x := uint64(int64(*v)<<1) ^ uint64(int64(*v)>>63)
	c.uint(&x)
	if c.reading {
		n := int64(x>>1) ^ -int64(x&1)
		if *v = T(n); int64(*v) != n {
			c.refuse()
		}
	}
}

func (c *coder) time(t *order.Time) {
	special := []order.Time{order.NoTime, Forever}
	code := uint64(slices.Index(special, *t) + 1)
	c.uint(&code)
	switch {
	case code == 0:
		num(c, t)
	case code > uint64(len(special)):
		c.refuse()
	case c.reading:
		*t = special[code-1]
	}
}

func enum[T ~uint8](c *coder, v *T, last T) {
	x := uint64(*v)
	if c.uint(&x); x > uint64(last) {
		c.refuse()
	} else if c.reading {
		*v = T(x)
	}
}

func (c *coder) flag(v *bool) {
	x := b2u(*v)
	if enum(c, &x, 1); c.reading {
		*v = x == 1
	}
}

func (c *coder) str(s *string) {
	n := len(*s)
	num(c, &n)
	switch {
	case !c.reading:
		c.text.buf = append(c.text.buf, *s...)
		c.text.full()
	case n < 0 || n > len(c.chars):
		c.refuse()
		*s = ""
	default:
		*s, c.chars = c.chars[:n], c.chars[n:]
	}
}

const maxShared = 1 << 14

type words struct {
	ids map[string]uint64
	all []string
}

func word[T ~string](c *coder, s *T) {
	w := &c.words
	id, known := w.ids[string(*s)]
	if !c.reading && !known {
		id = uint64(len(w.all))
	}
	c.uint(&id)
	text := string(*s)
	switch {
	case id > uint64(len(w.all)):
		c.refuse()
		return
	case id < uint64(len(w.all)):
		text = w.all[id]
	default:
		c.str(&text)
	}
	if c.reading {
		*s = T(text)
	}
	if id < uint64(len(w.all)) || len(w.all) == maxShared {
		return
	}
	w.all = append(w.all, text)
	if !c.reading {
		if w.ids == nil {
			w.ids = map[string]uint64{}
		}
		w.ids[text] = uint64(len(w.all) - 1)
	}
}

type shared[T any] struct {
	ids map[*T]uint64
	all []*T
}

func share[T any](c *coder, s *shared[T], p **T, each func(*T)) {
	const null, fresh = 0, 1
	id := uint64(null)
	if !c.reading && *p != nil {
		known, ok := s.ids[*p]
		if id = known + 2; !ok {
			id = fresh
		}
	}
	c.uint(&id)
	switch {
	case id != fresh && id != null && id-2 >= uint64(len(s.all)):
		c.refuse()
		return
	case id != fresh:
		if c.reading && id != null {
			*p = s.all[id-2]
		}
		return
	case c.reading:
		*p = new(T)
	}
	each(*p)
	if len(s.all) < maxShared {
		s.all = append(s.all, *p)
	} else {
		delete(s.ids, s.all[maxShared-1])
		s.all[maxShared-1] = *p
	}
	if !c.reading {
		if s.ids == nil {
			s.ids = map[*T]uint64{}
		}
		s.ids[*p] = uint64(len(s.all) - 1)
	}
}

// Each element must take at least one byte. A reader turns an empty slice into nil.
func list[T any](c *coder, s *[]T, each func(*T)) {
	n := len(*s)
	num(c, &n)
	if c.reading {
		*s = nil
		if n < 0 || n > len(c.in) {
			c.refuse()
			return
		}
		if n > 0 {
			*s = make([]T, n)
		}
	}
	for i := range *s {
		coop.Tick(i)
		if each(&(*s)[i]); c.err != nil {
			*s = nil
			return
		}
	}
}

func (c *coder) addr(a *netip.Addr) {
	text := string(a.AsSlice())
	word(c, &text)
	if c.reading {
		var ok bool
		if *a, ok = netip.AddrFromSlice([]byte(text)); !ok && text != "" {
			c.refuse()
		}
	}
}

func (c *coder) prefix(p *netip.Prefix) {
	a, bits := p.Addr(), p.Bits()
	c.addr(&a)
	num(c, &bits)
	if !c.reading {
		return
	}
	if *p = (netip.Prefix{}); !a.IsValid() && bits == p.Bits() {
		return
	}
	if *p = netip.PrefixFrom(a, bits); !p.IsValid() || p.Masked() != *p {
		c.refuse()
	}
}

// network is prefix without the zero Prefix.
func (c *coder) network(p *netip.Prefix) {
	if c.prefix(p); !p.IsValid() {
		c.refuse()
	}
}

func (c *coder) name(n *dname.Name) {
	wire := n.Wire()
	c.str(&wire)
	if c.reading {
		if wire != "" && !isWire(wire) {
			c.refuse()
			return
		}
		*n = dname.FromWire(wire)
	}
}

func isWire(w string) bool {
	if len(w) > dname.MaxWire {
		return false
	}
	for i := range len(w) {
		if 'A' <= w[i] && w[i] <= 'Z' {
			return false
		}
	}
	for len(w) > 0 && w[0] != 0 {
		if int(w[0]) > min(dname.MaxLabel, len(w)-1) {
			return false
		}
		w = w[1+w[0]:]
	}
	return len(w) == 1
}

type discard uint64

func (d *discard) Write(b []byte) (int, error) {
	*d += discard(len(b))
	return len(b), nil
}

const maxSize = math.MaxInt64 / 8
