package rpz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/world"
)

type model struct {
	owners []key // sorted
	at     map[key]*Answer
}

func newModel(entries []Entry) *model {
	m := &model{at: map[key]*Answer{}}
	add := func(k key, a *Answer) {
		if a != nil {
			m.owners, m.at[k] = append(m.owners, k), a
		}
	}
	for _, e := range entries {
		add(e.key, e.Own)
		add(e.key+"*\x00", e.Wildcard)
	}
	slices.Sort(m.owners)
	return m
}

func (m *model) exists(k key) bool {
	i, _ := slices.BinarySearch(m.owners, k)
	return i < len(m.owners) && m.owners[i].below(k)
}

func (m *model) bind(k key) *Answer {
	if m.exists(k) {
		return m.at[k]
	}
	for k != "" {
		if k = k.parent(); m.exists(k) {
			return m.at[k+"*\x00"]
		}
	}
	return nil
}

func (m *model) unbound(k key) *Answer {
	i, found := slices.BinarySearch(m.owners, k)
	if found {
		return m.at[k]
	}
	if i == 0 {
		return nil
	}
	return m.at[common(m.owners[i-1], k)+"*\x00"]
}

// PowerDNS Recursor uses the longest wildcard above the name.
func (m *model) powerDNS(k key) *Answer {
	if a := m.at[k]; a != nil {
		return a
	}
	for k != "" {
		k = k.parent()
		if a := m.at[k+"*\x00"]; a != nil {
			return a
		}
	}
	return nil
}

var readings = map[string]func(*model, key) *Answer{"BIND": (*model).bind, "Unbound": (*model).unbound, "PowerDNS": (*model).powerDNS}

var testConfig = Config{TTL: 30 * time.Second, Refused: order.NODATA, Origin: 5}

func read(server string, zones []*model, k key) *Answer {
	for _, m := range zones {
		if a := readings[server](m, k); a != nil {
			return a
		}
	}
	return nil
}

func expect(table *Table, set *ruleset.Set, k key, now order.Time, cfg Config) *Answer {
	var q ruleset.QName
	q.SetName(k.Name())
	v := set.Decide(&q, ruleset.Query{Client: ruleset.Client{Country: cfg.Countries[0]}, Now: now})
	if !v.Blocked() {
		return nil
	}
	kind := v.Response.Kind
	switch {
	case kind == order.NXDOMAIN && v.Subtree != ruleset.SubtreeNXDOMAIN, kind == order.Refused:
		kind = order.NODATA
	}
	ttl := cfg.TTL
	if v.Order.Terms.TTL >= 0 {
		ttl = v.Order.Terms.TTL
	}
	return table.Answer(kind, v.Response.Addresses, ttl)
}

func misread(table *Table, set *ruleset.Set, now order.Time, cfg Config, zones ...*model) string {
	for _, n := range world.Names("example") {
		var w ruleset.QName
		w.SetName(n)
		k := keyOf(&w.Wire)
		want := expect(table, set, k, now, cfg)
		for _, server := range []string{"BIND", "Unbound", "PowerDNS"} {
			got := read(server, zones, k)
			if got != nil && want != nil && got.Kind == order.NXDOMAIN && want.Kind == order.NODATA && w.ServiceLabels() > 0 {
				continue // Decide answers NODATA because the name may be the name of a service
			}
			if got != want && !(got.Passes() && want.Passes()) {
				return fmt.Sprintf("%s at %d: %s answers %v, want %v", n, now, server, got, want)
			}
		}
	}
	return ""
}

func zoneText(entries []Entry) string {
	var b []byte
	for i := range entries {
		b = entries[i].AppendText(b)
	}
	return string(b)
}

func naive(t *Tree) (out []Entry) {
	parent := t.Parents()
	for i := range t.Nodes {
		n := &t.Nodes[i]
		var above *Answer
		if parent[i] >= 0 {
			above = t.Nodes[parent[i]].Below
		}
		e := Entry{n.key, n.Own, n.Below}
		if n.Own != above || n.Below != above {
			if above != nil {
				e.pass()
			}
			out = append(out, e)
		}
	}
	return out
}

func check(t testing.TB, c *world.Choices) (leaks, mixed int) {
	t.Helper()
	w := world.New(c)
	cfg := testConfig
	cfg.Countries = []order.Country{[]order.Country{"", "IT", "CH"}[c.N(3)]}
	cfg.Parts = 2 + len(c.B)%6
	table, x := &Table{}, &ruleset.Excerpts{Drop: func(o *ruleset.Order) bool { return o.Terms.Disclosure.Sealed() }}
	set := x.Of(w.Set())
	tree := Build(set, 0, cfg, table)
	var before *Zone
	for now := order.Time(0); now <= world.LastSecond; now++ {
		if c.OneIn(3) {
			w.Change(c)
			set = x.Of(w.Set())
			tree = tree.Update(set, now)
		} else if now >= tree.Until {
			tree = tree.Update(set, now)
		}
		z := tree.Close()
		if text := misread(table, set, now, cfg, newModel(z.Entries)); text != "" {
			t.Fatalf("%s%s\n%s", w, zoneText(z.Entries), text)
		}
		parts := make([]*model, cfg.Parts)
		for i := range parts {
			parts[i] = newModel(entriesOf(z.Part(i)))
		}
		for range 2 {
			if text := misread(table, set, now, cfg, parts...); text != "" {
				t.Fatalf("%s%s\n%d parts: %s", w, zoneText(z.Entries), cfg.Parts, text)
			}
			slices.Reverse(parts[:cfg.Parts-1]) // only the last part must be the last
		}
		slices.Reverse(parts)
		if misread(table, set, now, cfg, parts...) != "" {
			mixed++
		}
		fresh := Build(set, now, cfg, table).Close()
		if !slices.Equal(fresh.Entries, z.Entries) || digests(fresh) != digests(z) || fresh.Records() != z.Records() {
			t.Fatalf("%sat %d the updated tree gives\n%sand a new tree gives\n%s", w, now, zoneText(z.Entries), zoneText(fresh.Entries))
		}
		if before != nil {
			d := Compare(before, z)
			checkDifference(t, before.Entries, z.Entries, &d)
			for i, part := range d.Split(cfg.Parts) {
				old, new := before.Part(i), z.Part(i)
				checkDifference(t, entriesOf(old), entriesOf(new), &part)
				if part.Empty() != (old.Digest() == new.Digest()) {
					t.Fatalf("part %d: the difference is empty: %v, and the digests say otherwise", i, part.Empty())
				}
			}
		}
		before = z
		if misread(table, set, now, cfg, newModel(naive(tree))) != "" {
			leaks++
		}
	}
	return leaks, mixed
}

func entriesOf(p Part) (out []Entry) {
	n := 0
	for e := range p.Entries() {
		out = append(out, *e)
		n += e.records()
	}
	if n != p.Records() {
		panic(fmt.Sprintf("%d records, and Records says %d", n, p.Records()))
	}
	return out
}

// digests returns the digests of all parts.
func digests(z *Zone) string {
	text := ""
	for i := range z.records {
		text += fmt.Sprintf("%x ", z.Part(i).Digest())
	}
	return text
}

func checkDifference(t testing.TB, old, new []Entry, d *Difference) {
	t.Helper()
	lines := map[string]bool{}
	for line := range strings.Lines(zoneText(old)) {
		lines[line] = true
	}
	n := 0
	for line := range strings.Lines(zoneText(d.Deleted)) {
		n++
		if !lines[line] {
			t.Fatalf("deletes %q, which the old zone does not have", line)
		}
		delete(lines, line)
	}
	for line := range strings.Lines(zoneText(d.Added)) {
		n++
		if lines[line] {
			t.Fatalf("adds %q, which the old zone has", line)
		}
		lines[line] = true
	}
	want := map[string]bool{}
	for line := range strings.Lines(zoneText(new)) {
		want[line] = true
	}
	if fmt.Sprint(lines) != fmt.Sprint(want) || n != d.Records() || len(want) != recordsOf(new) {
		t.Fatalf("the difference of %d records gives\n%v\nwant\n%v", n, lines, want)
	}
}

func recordsOf(entries []Entry) (n int) {
	for i := range entries {
		n += entries[i].records()
	}
	return n
}

func FuzzClosedZone(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(world.Random(r, 300).B)
	}
	f.Fuzz(func(t *testing.T, data []byte) { check(t, &world.Choices{B: data}) })
}

func TestClosedZone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	leaks, mixed := 0, 0
	for range 300 {
		l, m := check(t, world.Random(r, 600))
		leaks, mixed = leaks+l, mixed+m
	}
	t.Logf("the obvious zone is wrong in %d cases, and parts in a wrong sequence are wrong in %d cases", leaks, mixed)
	if mixed < 50 {
		t.Errorf("parts in a wrong sequence are wrong in %d cases only, so the test proves little", mixed)
	}
	if leaks < 50 {
		t.Errorf("the obvious zone is wrong in %d cases only, so the test proves little", leaks)
	}
}
