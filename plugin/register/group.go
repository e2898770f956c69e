package register

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A group has the entries of one order.
type group struct {
	order   *order.Order
	entries []entry
}

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
	g.entries = append(g.entries, entry{t, until, s})
	return nil
}

func (r *run) group(at int) (*group, error) {
	r.key = r.key[:0]
	for _, c := range r.p.Group {
		r.key = append(append(r.key, r.value(c)...), 0)
	}
	if r.last != nil && string(r.key) == r.lastKey {
		return r.last, nil
	}
	g := r.groups[string(r.key)]
	if g == nil {
		if r.noDecision() {
			r.refuse(at, strings.Join(r.p.Group, ", "), "", "is empty, and the order needs the value")
			return nil, nil
		}
		o, err := r.newOrder()
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", r.p.Unit(), at, err)
		}
		if other := r.ids[o.ID]; other {
			return nil, fmt.Errorf("%s %d: two orders have the id %q", r.p.Unit(), at, o.ID)
		}
		r.ids[o.ID] = true
		g = &group{order: o}
		r.groups[string(r.key)] = g
	}
	r.last, r.lastKey = g, string(r.key)
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

func (r *run) newOrder() (*order.Order, error) {
	fields := r.p.Order
	for _, c := range sortedKeys(r.p.By) {
		by, ok := r.p.By[c][r.value(c)]
		if !ok {
			by, ok = r.p.By[c][others]
		}
		if !ok {
			return nil, fmt.Errorf("the preset has no order for the value %q of the column %s", clip(r.value(c)), c)
		}
		if len(by) > 0 {
			fields = maps.Clone(fields)
			maps.Copy(fields, by)
		}
	}
	values := map[string]string{}
	walk(map[string]any(fields), func(s string) {
		for _, c := range placeholders(s) {
			values[c] = r.value(c)
		}
	})
	base, err := r.template(fields, values)
	if err != nil {
		return nil, err
	}
	o := *base
	o.ID = r.p.orderID(r.value)
	o.Issued = r.issued
	if t := r.p.term; t != (term{}) {
		end := r.issued.Time().In(r.p.loc).AddDate(t.years, t.months, t.days)
		o.Until = order.FromTime(end)
	}
	return &o, nil
}

// Orders with equal fields share their Terms.
func (r *run) template(fields map[string]any, values map[string]string) (*order.Order, error) {
	refs := texts(fields["references"])
	key, err := json.Marshal([]any{fields, values})
	if len(refs) > 0 && err == nil {
		rest := maps.Clone(fields)
		delete(rest, "references")
		used := map[string]string{}
		walk(rest, func(s string) {
			for _, c := range placeholders(s) {
				used[c] = values[c]
			}
		})
		key, err = json.Marshal([]any{rest, used})
		fields = rest
	}
	if err != nil {
		return nil, err
	}
	base := r.templates[string(key)]
	if base == nil {
		if base, err = r.p.template(fields, values); err != nil {
			return nil, err
		}
		r.templates[string(key)] = base
	}
	o := *base
	for _, ref := range refs {
		o.References = append(o.References, fill(ref, func(c string) string { return values[c] }))
	}
	return &o, nil
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
	id := fill(p.ID, func(column string) string {
		v := value(column)
		_, given := p.Given[column]
		all += v + "\x00"
		return strings.Map(func(c rune) rune {
			if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._:-", c) || c == '/' && given) {
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

// Entries with equal targets become one entry with the latest end. An entry without an end is the
// latest. A target is ended only if all its entries are ended.
func (g *group) sortEntries() (keys []string, repeated int) {
	sorted := sortedByKey(len(g.entries), func(i int) *order.Target { return &g.entries[i].target })
	out := make([]entry, 0, len(g.entries))
	keys = make([]string, 0, len(g.entries))
	for _, k := range sorted {
		e := g.entries[k.index]
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
	g.entries = out
	return keys, repeated
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
