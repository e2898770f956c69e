package ruleset

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestSide compares a side list with a list of targets in the order file. All verdicts
// must be equal.
func TestSide(t *testing.T) {
	const list = "a.example\nb.example\nwww.b.example\na.example\nc.example\n"
	const targets = "[a.example, b.example, www.b.example, a.example, c.example]"
	orders := `
- {id: now, issued: 2024-01-01, LIST}
- {id: soon, issued: 2024-01-02, from: 2024-06-01, until: 2024-07-01, authority: {name: B}, LIST}
- {id: off, issued: 2024-01-03, status: suspended, authority: {name: C}, LIST}
- {id: shadow, issued: 2024-01-04, status: shadow, authority: {name: D}, LIST}
- {id: more, issued: 2024-01-05, authority: {name: E}, except: [keep.example], targets: [x.example], LIST}
- {id: lift, action: lift, issued: 2024-03-01, until: 2024-04-01, LIST}
- {id: late, action: lift, issued: 2024-08-01, authority: {name: E}, LIST}
`
	const head = "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:"
	compile := func(orders string, streamed bool) *Set {
		b := NewBuilder("a.yaml", Options{})
		opt := order.Options{Emit: b.Add, OpenSide: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(list)), nil }}
		if streamed {
			opt.Side = b.Side
		}
		f, ps := order.Parse("a.yaml", strings.NewReader(head+orders), opt)
		if len(ps.Errors()) > 0 || f.Targets != 5*5+1 {
			t.Fatal(f.Targets, ps)
		}
		p, warned := b.Freeze()
		// The parser reports duplicates within the order file.
		const twice = "1 targets of the order stand more than once"
		if strings.Contains(fmt.Sprint(warned), twice) != strings.Contains(orders, "targets_from") {
			t.Errorf("streamed %t: %s", streamed, warned)
		}
		return Merge([]*Part{p}, Options{})
	}
	held := compile(strings.ReplaceAll(orders, "LIST", "targets_from: {file: list.txt}"), false)
	streamed := compile(strings.ReplaceAll(orders, "LIST", "targets_from: {file: list.txt}"), true)
	written := compile(strings.ReplaceAll(strings.ReplaceAll(orders, "targets: [x.example], LIST", "targets: [x.example, "+targets[1:]), "LIST", "targets: "+targets), false)
	for i := range held.parts[0].entries.n {
		h, s, w := held.parts[0].entries.at(uint32(i)), streamed.parts[0].entries.at(uint32(i)), written.parts[0].entries.at(uint32(i))
		if h.names != s.names || h.names != w.names {
			t.Errorf("%s: %d names held, %d streamed, %d written", h.ID, h.names, s.names, w.names)
		}
	}
	if h, s, w := held.parts[0].blocked, streamed.parts[0].blocked, written.parts[0].blocked; h != 5 || s != 5 || w != 5 {
		t.Errorf("%d names are blocked when held, %d streamed, %d written", h, s, w)
	}
	for _, name := range []string{"a.example", "b.example", "www.b.example", "x.a.example", "c.example", "x.example", "keep.example", "d.example"} {
		for month := 1; month <= 12; month++ {
			q := Query{Now: at(t, fmt.Sprintf("2024-%02d-15", month)), Shadow: month%2 == 0}
			h, s, w := held.Decide(asked(t, name), q), streamed.Decide(asked(t, name), q), written.Decide(asked(t, name), q)
			if id(h) != id(s) || id(h) != id(w) || h.Until != s.Until || h.Until != w.Until || h.Subtree != s.Subtree {
				t.Errorf("%s in month %d: held %s until %d, streamed %s until %d, written %s until %d", name, month, id(h), h.Until, id(s), s.Until, id(w), w.Until)
			}
		}
	}
}

func id(v Verdict) string {
	if v.Order == nil {
		return "-"
	}
	return v.Order.ID
}

func TestBlockedNames(t *testing.T) {
	p := part(t, "a.yaml", `
- {id: b, issued: 2024-01-01, targets: [a.example, b.example], except: [c.example]}
- {id: l, action: lift, issued: 2024-01-02, targets: [b.example, d.example, e.example]}
`)
	if p.blocked != 2 {
		t.Errorf("%d names, want 2", p.blocked)
	}
}
