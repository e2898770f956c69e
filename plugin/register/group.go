package register

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

type entry struct {
	target order.Target
	until  order.Time // the end that the register gives, or NoTime
	state  state
}

// Targets with equal keys are the same target. Their times and notes may differ.
func appendKey(dst []byte, t *order.Target) []byte {
	if t.Kind != order.TargetName {
		return append(dst, t.Pattern()...)
	}
	if t.Match == order.BelowOnly {
		dst = append(dst, "*."...)
	}
	if dst = dname.AppendPresentation(dst, t.Name.Wire()); t.Name.NumLabels() > 0 {
		dst = dst[:len(dst)-1]
	}
	if t.Match == order.Exact {
		dst = append(dst, "\x00exact"...)
	}
	if t.Attr != nil && t.Attr.URL != "" {
		dst = append(append(dst, 0), t.Attr.URL...)
	}
	return dst
}

type keyed struct {
	key   string
	index int32
}

func sortedByKey(n int, target func(int) *order.Target) []keyed {
	size := 0
	for i := range n {
		size += len(target(i).Name.Wire())
	}
	var text strings.Builder
	text.Grow(size)
	out := make([]keyed, n)
	var key []byte
	for i := range n {
		key = appendKey(key[:0], target(i))
		out[i].index = int32(i)
		if text.Cap()-text.Len() < len(key) { // the key of an earlier target stays in the old text
			text = strings.Builder{}
			text.Grow(max(len(key), 1<<12))
		}
		text.Write(key)
		out[i].key = text.String()[text.Len()-len(key):]
	}
	slices.SortFunc(out, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.index, b.index)) })
	return out
}

func (r *run) entry(at int, t order.Target, until order.Time, s state) error {
	if s == except {
		if t.Kind != order.TargetName || t.Match != order.Subtree {
			r.refuse(at, "", t.String(), "is an exception that an order cannot have, because an exception is a name and all names below the name")
			return nil
		}
		r.excepts = append(r.excepts, t.Name)
		return nil
	}
	g, err := r.group(at)
	if g == nil || err != nil {
		return err
	}
	r.addEntry(g, entry{t, until, s})
	return nil
}

func (r *run) group(at int) (*group, error) {
	r.key = r.key[:0]
	for _, c := range r.p.Group {
		v := r.value(c)
		r.key = append(binary.AppendUvarint(r.key, uint64(len(v))), v...)
	}
	if r.last != nil && string(r.key) == r.last.key() {
		return r.last, nil
	}
	hash := r.byKey.hash(r.key)
	g := r.byKey.find(hash, func(g *group) bool { return g.key() == string(r.key) })
	if g == nil {
		if r.noDecision() {
			r.refuse(at, strings.Join(r.p.Group, ", "), "", "is empty, and the order needs the value")
			return nil, nil
		}
		base, err := r.base()
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", r.p.Unit(), at, err)
		}
		id := r.p.orderID(r.value)
		if r.groupOf(id) != nil {
			return nil, fmt.Errorf("%s %d: two orders have the id %q", r.p.Unit(), at, id)
		}
		g = r.groups.add(group{text: string(r.key) + id, idAt: int32(len(r.key)), base: base, issued: r.issued, first: -1, last: -1})
		r.byKey.add(hash, g)
		r.byID.add(r.byID.hash([]byte(id)), g)
	}
	r.last = g
	return g, nil
}

// Columns in the preset's key "by" may be empty.
func (r *run) noDecision() bool {
	empty := len(r.p.Group) > 0
	for _, c := range r.p.Group {
		if c == "issued" && r.issued == order.NoTime {
			return true
		}
		_, by := r.p.By[c]
		empty = empty && r.value(c) == "" && !by
	}
	return empty
}

func (r *run) base() (*base, error) {
	r.choice = r.choice[:0]
	for _, c := range r.byColumns {
		v := r.value(c)
		if _, ok := r.p.By[c][v]; !ok {
			if v = others; r.p.By[c][v] == nil {
				return nil, fmt.Errorf("the preset has no order for the value %q of the column %s", clip(r.value(c)), c)
			}
		}
		r.choice = append(append(r.choice, v...), 0)
	}
	p := r.plans[string(r.choice)]
	if p == nil {
		p = r.newPlan()
		r.plans[string(r.choice)] = p
	}
	return r.baseOf(p)
}

type plan struct {
	fields     map[string]any // without the references
	columns    []string       // the columns in fields
	references []pattern
	shared     bool
	bases      map[string]*base
}

// A base is an order without its id, its date, its references and its targets. Orders with the same
// fields share a base, so their fields are parsed only once.
type base struct {
	order      *order.Order
	references []pattern
	set        []int // see setFields
}

// newPlan returns the plan for the current row.
func (r *run) newPlan() *plan {
	fields := maps.Clone(r.p.Order)
	if fields == nil {
		fields = map[string]any{}
	}
	for _, c := range r.byColumns {
		by, ok := r.p.By[c][r.value(c)]
		if !ok {
			by = r.p.By[c][others]
		}
		maps.Copy(fields, by)
	}
	p := &plan{fields: fields, bases: map[string]*base{}, shared: true}
	for _, ref := range texts(fields["references"]) {
		p.references = append(p.references, parsePattern(ref))
		for _, c := range placeholders(ref) {
			p.shared = p.shared && (slices.Contains(r.p.Group, c) || r.at(c) < 0 && (r.capture == nil || !slices.Contains(r.capture.SubexpNames(), c)))
		}
	}
	if len(p.references) > 0 {
		delete(p.fields, "references")
	}
	walk(map[string]any(p.fields), func(s string) { p.columns = append(p.columns, placeholders(s)...) })
	slices.Sort(p.columns)
	p.columns = slices.Compact(p.columns)
	return p
}

func (r *run) baseOf(p *plan) (*base, error) {
	r.used = r.used[:0]
	for _, c := range p.columns {
		v := r.value(c)
		r.used = append(binary.AppendUvarint(r.used, uint64(len(v))), v...)
	}
	b := p.bases[string(r.used)]
	if b == nil {
		values := map[string]string{}
		for _, c := range p.columns {
			values[c] = r.value(c)
		}
		o, err := r.p.template(p.fields, values)
		if err != nil {
			return nil, err
		}
		b = &base{o, p.references, setFields(o)}
		p.bases[string(r.used)] = b
	}
	if p.shared {
		return b, nil
	}
	o := *b.order
	for _, ref := range p.references {
		o.References = append(o.References, ref.fill(r.value))
	}
	return &base{&o, nil, b.set}, nil
}

// orderOf returns the order of a group without targets.
func (r *run) orderOf(g *group) order.Order {
	o := *g.base.order
	o.ID, o.Issued = g.id(), g.issued
	for _, ref := range g.base.references {
		o.References = append(o.References, ref.fill(func(column string) string { return r.groupValue(g, column) }))
	}
	if t := r.p.term; t != (term{}) {
		end := g.issued.Time().In(r.p.loc).AddDate(t.years, t.months, t.days)
		o.Until = order.FromTime(end)
	}
	return o
}

// groupValue returns the value of a column for all rows of a group.
func (r *run) groupValue(g *group, column string) string {
	key := g.key()
	for _, c := range r.p.Group {
		n, size := uvarint(key)
		if c == column {
			return key[size:][:n]
		}
		key = key[size+n:]
	}
	return r.file[column]
}

func uvarint(s string) (n, size int) {
	for shift := 0; ; shift += 7 {
		c := s[size]
		n |= int(c&0x7f) << shift
		if size++; c < 0x80 {
			return n, size
		}
	}
}

func texts(v any) (out []string) {
	walk(v, func(s string) { out = append(out, s) })
	return out
}

// The caller must set Served. The caller must also set Deadline or clear DeadlineAfter.
func (p *Preset) template(fields map[string]any, values map[string]string) (*order.Order, error) {
	filled, _ := fillAll(fields, func(c string) string { return values[c] }).(map[string]any)
	if filled == nil {
		filled = map[string]any{}
	}
	filled["id"] = "example"
	if filled["deadline"] != nil {
		filled["served"] = "2000-01-01T00:00:00Z"
	}
	h := importer.Head{Timezone: p.Timezone, Fields: filled}
	o, err := h.Order()
	if err != nil {
		return nil, err
	}
	o.ID, o.Targets, o.Line, o.Column = "", nil, 0, 0
	o.Served = order.NoTime
	if o.DeadlineAfter > 0 {
		o.Deadline = order.NoTime
	}
	return o, nil
}

func fillAll(v any, value func(string) string) any {
	switch v := v.(type) {
	case string:
		return fill(v, value)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = fillAll(x, value)
			// A list of addresses may be in one column.
			if s, ok := out[i].(string); ok && len(v) == 1 && strings.Contains(s, " ") && x == "{address}" {
				out = out[:0]
				for _, a := range strings.Fields(s) {
					out = append(out, a)
				}
				return out
			}
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = fillAll(x, value)
		}
		return out
	}
	return v
}

const maxID = 128

// Two orders must not have the same id. An id that was changed or cut therefore ends in a digest.
func (p *Preset) orderID(value func(string) string) string {
	changed, all := false, ""
	id := p.idPattern.fill(func(column string) string {
		v := value(column)
		_, given := p.Given[column]
		all += v + "\x00"
		return strings.Map(func(c rune) rune {
			if c < 0x80 && (idByte[c] || c == '/' && given) {
				return c
			}
			changed = true
			return '-'
		}, v)
	})
	id = strings.TrimRight(id, "/")
	if changed || len(id) > maxID {
		sum := sha256.Sum256([]byte(all))
		id = id[:min(len(id), maxID-9)] + "-" + hex.EncodeToString(sum[:4])
	}
	return id
}

// idByte has the ASCII characters that an id can have, except the slash.
var idByte = func() (t [0x80]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-" {
		t[c] = true
	}
	return t
}()

func sortEntries(entries []entry) (out []entry, keys []string, repeated int) {
	sorted := sortedByKey(len(entries), func(i int) *order.Target { return &entries[i].target })
	if len(entries) == 1 {
		return entries, []string{sorted[0].key}, 0
	}
	out = make([]entry, 0, len(entries))
	keys = make([]string, 0, len(entries))
	for _, k := range sorted {
		e := entries[k.index]
		if n := len(out); n > 0 && keys[n-1] == k.key {
			repeated++
			was := &out[n-1]
			switch {
			case was.state == ended && e.state == taken:
				*was = e
			case e.state == ended:
			case was.until == order.NoTime || e.until == order.NoTime:
				was.until = order.NoTime
			default:
				was.until = max(was.until, e.until)
			}
			continue
		}
		out, keys = append(out, e), append(keys, k.key)
	}
	return out, keys, repeated
}

func excepted(targets []order.Target, names []dname.Name) (out []dname.Name) {
	if len(names) == 0 {
		return nil
	}
	at := map[string]bool{}
	for i := range targets {
		if t := &targets[i]; t.Kind == order.TargetName && t.Match != order.Exact {
			at[t.Name.Wire()] = true
		}
	}
	for _, n := range names {
		for up := n; !up.IsZero(); up = up.Parent() {
			if at[up.Wire()] {
				out = append(out, n)
				break
			}
			if up.NumLabels() <= 1 {
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b dname.Name) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}
