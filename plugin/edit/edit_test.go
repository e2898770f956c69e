package edit

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func mustParse(t *testing.T, path string, data []byte) *order.File {
	t.Helper()
	f, problems := order.Parse(path, bytes.NewReader(data), order.Options{OpenSide: func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("side-a.example\nside-b.example\n")), nil
	}})
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatalf("%v\n%s", bad, data)
	}
	return f
}

func newLift(id string, lifts ...string) *order.Order {
	o := order.New()
	o.ID, o.Action, o.Lifts = id, order.Lift, lifts
	o.Terms = &order.Terms{TTL: -1, Authority: order.Authority{Name: "Court: of, [Appeal]", Country: "IT", Kind: order.KindCourt}}
	o.References = []string{"7/2026 # x"}
	o.Note = "a note: with \"quotes\"\nand a second line"
	o.From = 1777636800
	return o
}

func names(list ...string) (out []order.Target) {
	for _, s := range list {
		n, err := dname.Parse(strings.TrimPrefix(s, "*."))
		if err != nil {
			panic(err)
		}
		m := order.Subtree
		if strings.HasPrefix(s, "*.") {
			m = order.BelowOnly
		}
		out = append(out, order.Target{Name: n, Match: m})
	}
	return out
}

// TestEdit checks the texts of single changes.
func TestEdit(t *testing.T) {
	const head = "version: 1\n"
	add := func(x *Text, f *order.File) error { return x.AddOrder(newLift("l", "a")) }
	set := func(x *Text, f *order.File) error { return x.SetText("a", "acknowledged", "2026-05-01T12:00:00Z") }
	target := func(x *Text, f *order.File) error {
		return x.AddTargets(f.Orders[0], names("new.example", "*.new.example"))
	}
	serial := func(x *Text, f *order.File) error { return x.RaiseSerial() }
	const lift = `- id: l
  action: lift
  lifts:
    - a
  authority:
    name: 'Court: of, [Appeal]'
    country: IT
    kind: court
  references:
    - '7/2026 # x'
  note: |-
    a note: with "quotes"
    and a second line
  from: 2026-05-01T12:00:00Z
`
	const flowA = "{id: a, authority: {name: A}, scope: global, targets: [a.example]}"
	const liftJSON = `{"id": "l", "action": "lift", "lifts": ["a"], "authority": {"name": "Court: of, [Appeal]", "country": "IT", "kind": "court"}, "references": ["7/2026 # x"], "note": "a note: with \"quotes\"\nand a second line", "from": "2026-05-01T12:00:00Z"}`
	const liftFlow = `{id: l, action: lift, lifts: [a], authority: {name: 'Court: of, [Appeal]', country: IT, kind: court}, references: ['7/2026 # x'], note: "a note: with \"quotes\"\nand a second line", from: '2026-05-01T12:00:00Z'}`
	const liftLine = `{"id":"l","action":"lift","lifts":["a"],"authority":{"name":"Court: of, [Appeal]","country":"IT","kind":"court"},"references":["7/2026 # x"],"note":"a note: with \"quotes\"\nand a second line","from":"2026-05-01T12:00:00Z"}`
	const jsonA = `{"id": "a", "authority": {"name": "A"}, "scope": "global", "targets": ["a.example"]}`
	for _, tc := range []struct {
		name, path, was, is string
		change              func(x *Text, f *order.File) error
	}{
		{"dash at the key", "a.yaml", head + "count: 1 # one\norders: # all\n- id: a\n  authority: {name: A}\n  scope: global\n  targets:\n  - a.example # why\n# the end\n...\n",
			head + "count: 2 # one\norders: # all\n- id: a\n  authority: {name: A}\n  scope: global\n  targets:\n  - a.example # why\n" + lift + "# the end\n...\n", add},
		{"no last line end", "a.yaml", head + "orders:\n- " + flowA, head + "orders:\n- " + flowA + "\n" + lift, add},
		{"blank lines", "a.yaml", head + "orders:\n\n  - " + flowA + "\n\n  # b is next\n  - " + strings.Replace(flowA, "id: a", "id: b", 1) + "\n\n\ntimezone: UTC\n",
			head + "orders:\n\n  - " + flowA + "\n\n  # b is next\n  - " + strings.Replace(flowA, "id: a", "id: b", 1) + "\n\n" + indented(lift, 2) + "\n\ntimezone: UTC\n", add},
		{"empty list", "a.yaml", head + "count: 0\norders: [ ]  # none\n# x\n", head + "count: 1\norders: # none\n" + indented(lift, 2) + "# x\n", add},
		{"empty list without line end", "a.yaml", head + "orders: []", head + "orders:\n" + indented(lift, 2), add},
		{"brackets", "a.yaml", head + "orders: [" + flowA + ",\n # c ]\n]\n",
			head + "orders: [" + flowA + ", " + liftFlow + "\n # c ]\n]\n", add},
		{"JSON", "a.json", `{"version": 1, "count": 1, "orders": [` + jsonA + "]}\n", `{"version": 1, "count": 2, "orders": [` + jsonA + ", " + liftJSON + "]}\n", add},
		{"JSON with lines", "a.json", "{\n\t\"version\": 1,\n\t\"orders\": [\n\t\t" + jsonA + "\n\t]\n}\n", "{\n\t\"version\": 1,\n\t\"orders\": [\n\t\t" + jsonA + ",\n\t\t" + liftJSON + "\n\t]\n}\n", add},
		{"JSON without orders", "a.json", `{"version": 1, "orders": []}`, `{"version": 1, "orders": [` + liftJSON + `]}`, add},
		{"CR LF and BOM", "a.yaml", "\uFEFFversion: 1\r\norders:\r\n- " + flowA + "\r\n", "\uFEFFversion: 1\r\norders:\r\n- " + flowA + "\r\n" + strings.ReplaceAll(lift, "\n", "\r\n"), add},
		{"literal with number signs", "a.yaml", head + "orders:\n- id: a\n  targets: [a.example]\n  scope: global\n  authority: {name: A}\n  note: |\n    text\n    # no comment\n  # a comment\n",
			head + "orders:\n- id: a\n  targets: [a.example]\n  scope: global\n  authority: {name: A}\n  note: |\n    text\n    # no comment\n  acknowledged: 2026-05-01T12:00:00Z\n  # a comment\n", set},
		{"blank lines that are a part of a text", "a.yaml", head + "orders:\n- id: a\n  targets: [a.example]\n  scope: global\n  authority: {name: A}\n  note: |+\n    text\n\n\ntimezone: UTC\n",
			head + "orders:\n- id: a\n  targets: [a.example]\n  scope: global\n  authority: {name: A}\n  note: |+\n    text\n\n\n" + lift + "timezone: UTC\n", add},
		{"key in sequence", "a.yaml", head + "orders:\n- id: a\n  served: 2026-04-01 # here\n\n  # scope is wide\n  scope: global\n  authority: {name: A}\n  targets: [a.example]\n",
			head + "orders:\n- id: a\n  served: 2026-04-01 # here\n  acknowledged: 2026-05-01T12:00:00Z\n\n  # scope is wide\n  scope: global\n  authority: {name: A}\n  targets: [a.example]\n", set},
		{"replace", "a.yaml", head + "orders:\n- id: a\n  acknowledged:   \"2026-04-01\" # here\n  scope: global\n  authority: {name: A}\n  targets: [a.example]\n",
			head + "orders:\n- id: a\n  acknowledged:   2026-05-01T12:00:00Z # here\n  scope: global\n  authority: {name: A}\n  targets: [a.example]\n", set},
		{"set in brackets", "a.yaml", head + "orders: [" + flowA + "]\n", head + "orders: [" + strings.TrimSuffix(flowA, "}") + ", acknowledged: 2026-05-01T12:00:00Z}]\n", set},
		{"set in JSON", "a.json", `{"version": 1, "orders": [` + jsonA + "]}\n", `{"version": 1, "orders": [` + strings.TrimSuffix(jsonA, "}") + `, "acknowledged": "2026-05-01T12:00:00Z"}]}` + "\n", set},
		{"targets in brackets", "a.yaml", head + "orders:\n- id: a\n  authority: {name: A}\n  scope: global\n  targets: [a.example]\n",
			head + "orders:\n- id: a\n  authority: {name: A}\n  scope: global\n  targets: [a.example, new.example, '*.new.example']\n", target},
		{"targets on lines", "a.yaml", head + "orders:\n- id: a\n  target_count: 1\n  targets:\n    - {name: a.example, note: \"it's ]\"} # x\n    # more\n  scope: global\n  authority: {name: A}\n",
			head + "orders:\n- id: a\n  target_count: 3\n  targets:\n    - {name: a.example, note: \"it's ]\"} # x\n    - new.example\n    - '*.new.example'\n    # more\n  scope: global\n  authority: {name: A}\n", target},
		{"targets beside a side list", "a.yaml", head + "orders:\n- id: a\n  target_count: 2\n  targets_from: {file: side.txt}\n  scope: global\n  authority: {name: A}\n",
			head + "orders:\n- id: a\n  target_count: 4\n  targets: [new.example, '*.new.example']\n  targets_from: {file: side.txt}\n  scope: global\n  authority: {name: A}\n", target},
		{"JSON Lines", "a.jsonl", "\uFEFF{\"version\": 1, \"count\": 1}\r\n\r\n" + jsonA + " \r\n",
			"\uFEFF{\"version\": 1, \"count\": 2}\r\n\r\n" + jsonA + " \r\n" + liftLine + "\r\n", add},
		{"JSON Lines without the last line end", "a.jsonl", `{"version": 1, "count": 0}`, `{"version": 1, "count": 1}` + "\n" + liftLine + "\n", add},
		{"set in JSON Lines", "a.jsonl", `{"version": 1, "count": 1}` + "\n" + jsonA + "\n", `{"version": 1, "count": 1}` + "\n" + strings.TrimSuffix(jsonA, "}") + `, "acknowledged": "2026-05-01T12:00:00Z"}` + "\n", set},
		{"targets in JSON Lines", "a.jsonl", `{"version": 1, "count": 1}` + "\n" + jsonA, `{"version": 1, "count": 1}` + "\n" + strings.TrimSuffix(jsonA, "]}") + `, "new.example", "*.new.example"]}`, target},
		{"serial in JSON Lines", "a.jsonl", `{"version": 1, "serial": 9, "count": 0}` + "\n", `{"version": 1, "serial": 10, "count": 0}` + "\n", serial},
		{"serial", "a.yaml", head + "serial:  9 # nine\norders: []\n", head + "serial:  10 # nine\norders: []\n", serial},
		{"no serial", "a.yaml", head + "orders: []\n", head + "orders: []\n", serial},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x, err := Parse(tc.path, []byte(tc.was))
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.change(x, mustParse(t, tc.path, []byte(tc.was))); err != nil {
				t.Fatal(err)
			}
			got := string(x.Bytes())
			if got != tc.is {
				t.Errorf("got\n%s\nwant\n%s", got, tc.is)
			}
			mustParse(t, tc.path, []byte(got))
		})
	}
}

// TestRefused checks the errors.
func TestRefused(t *testing.T) {
	for path, want := range map[string]string{"a.txt": "only files that end in .yaml, .yml, .json or .jsonl", "a": "only files that end in"} {
		if _, err := Parse(path, []byte("version: 1\norders: []\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Parse("a.yaml", bytes.Repeat([]byte("#"), MaxBytes+1)); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Error(err)
	}
	was := "version: 1\norders:\n- id: a\n  authority: {name: A}\n  scope: global\n  targets: [a.example]\n  note: |\n    x\n"
	x, err := Parse("a.yaml", []byte(was))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.SetText("a", "note", "y"); err == nil || !strings.HasPrefix(err.Error(), "a.yaml:7: ") || string(x.Bytes()) != was {
		t.Errorf("%v\n%s", err, x.Bytes())
	}
	if err := x.SetText("b", "note", "y"); err == nil || err.Error() != `a.yaml: has no order "b"` {
		t.Error(err)
	}
}

type randomFile struct {
	*rand.Rand
	b strings.Builder
}

func (r *randomFile) pick(list ...string) string { return list[r.IntN(len(list))] }

func (r *randomFile) gap(indent int) string {
	var b strings.Builder
	for r.IntN(4) == 0 {
		b.WriteString(r.pick("\n", "  \n", strings.Repeat(" ", r.IntN(indent+3))+"# comment: [ ' \" {\n", strings.Repeat(" ", indent)+"# - id: old\n"))
	}
	return b.String()
}

func (r *randomFile) comment() string {
	return r.pick("", "", "", " # a comment ]", "  # it's")
}

func (r *randomFile) order(i int) []string {
	id := fmt.Sprintf("o%d", i)
	list := []string{"a" + id + ".example", `"*.b` + id + `.example"`, `{name: c` + id + `.example, note: 'it''s ]'}`, "d.e.example"}[:1+r.IntN(4)]
	fields := []string{
		"id: " + r.pick(id, `"`+id+`"`),
		"authority: " + r.pick("{name: A}", "{name: 'B''s', country: IT}", "\n  name: C\n  kind: court"),
		"scope: " + r.pick("global", "{countries: [IT, FR]}", "\n  clients:\n  - 192.0.2.0/24"),
	}
	if r.IntN(2) == 0 {
		fields = append(fields, fmt.Sprintf("target_count: %d", len(list)))
	}
	if r.IntN(2) == 0 {
		fields = append(fields, "targets: ["+strings.Join(list, r.pick(", ", ",\n    "))+r.pick("", ",", " ")+"]")
	} else {
		fields = append(fields, "targets:\n"+r.pick("", "  ")+"- "+strings.Join(list, "\n- "))
		at := fields[len(fields)-1]
		if strings.HasPrefix(at, "targets:\n  -") {
			fields[len(fields)-1] = strings.ReplaceAll(at, "\n- ", "\n  - ")
		}
	}
	for _, f := range []string{
		"references: [\"1/2026\", 'x # y']", "subject: a plain text\n  on two lines", "note: |\n  # text\n\n  more", "claimant: >-\n  folded\n  # text",
		"issued: 2026-04-01", "served: 2026-04-02T10:00:00Z", "acknowledged: 2026-04-03", "basis: \"quoted \\\" text\"",
	} {
		if r.IntN(3) == 0 {
			fields = append(fields, f)
		}
	}
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return fields
}

func (r *randomFile) write() (text string, orders int) {
	orders = r.IntN(5)
	var list strings.Builder
	indent := r.pick("", "  ")
	for i := range orders {
		list.WriteString(r.gap(len(indent)))
		for k, f := range r.order(i) {
			lead := indent + "  "
			if k == 0 {
				lead = indent + "- "
			}
			if k > 0 {
				list.WriteString(r.gap(len(indent) + 2))
			}
			plain := !strings.ContainsAny(f, "|>\n")
			list.WriteString(lead + strings.ReplaceAll(f, "\n", "\n"+indent+"  "))
			if plain {
				list.WriteString(r.comment())
			}
			list.WriteString("\n")
		}
	}
	top := []string{"version: 1" + r.comment() + "\n", "orders:" + r.comment() + "\n" + list.String()}
	if orders == 0 {
		top[1] = "orders: []" + r.comment() + "\n"
	}
	if r.IntN(2) == 0 {
		top = append(top, fmt.Sprintf("count: %d%s\n", orders, r.comment()))
	}
	if r.IntN(2) == 0 {
		top = append(top, fmt.Sprintf("serial: %d%s\n", r.IntN(100), r.comment()))
	}
	if r.IntN(2) == 0 {
		top = append(top, "timezone: Europe/Rome\n")
	}
	r.Shuffle(len(top), func(i, j int) { top[i], top[j] = top[j], top[i] })
	for _, s := range top {
		r.b.WriteString(r.gap(0) + s)
	}
	r.b.WriteString(r.gap(0) + r.pick("", "...\n"))
	text = r.b.String()
	if r.IntN(8) == 0 {
		text = strings.TrimSuffix(text, "\n")
	}
	if r.IntN(8) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text, orders
}

func canonical(t *testing.T, f *order.File, orders []*order.Order) string {
	t.Helper()
	var b bytes.Buffer
	if err := order.Encode(&b, ".yaml", order.Header{Serial: f.Serial, ShrinkOK: f.ShrinkOK, Timezone: f.Timezone}, orders); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRandomEdits(t *testing.T) {
	refused, edits := 0, 0
	for seed := range uint64(1000) {
		r := &randomFile{Rand: rand.New(rand.NewPCG(seed, 1))}
		path := "a.yaml"
		text, n := r.write()
		f := mustParse(t, path, []byte(text))
		if k := r.IntN(4); k < 2 {
			ext := []string{".json", ".jsonl"}[k]
			path = "a" + ext
			var b bytes.Buffer
			if err := order.Encode(&b, ext, order.Header{Serial: f.Serial, ShrinkOK: -1, Timezone: f.Timezone}, f.Orders); err != nil {
				t.Fatal(err)
			}
			text = b.String()
		}
		x, err := Parse(path, []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		orders := slices.Clone(f.Orders)
		serial := f.Serial
		changed := 0 // the largest number of changed lines
		switch kind := r.IntN(4); {
		case kind == 0 || n == 0:
			o := newLift("new", "o0")
			err = x.AddOrder(o)
			orders, changed = append(orders, o), 2
		case kind == 1:
			i := r.IntN(n)
			err = x.SetText(f.Orders[i].ID, "acknowledged", "2026-05-01T12:00:00Z")
			orders[i].Acknowledged, changed = 1777636800, 1
		case kind == 2:
			i := r.IntN(n)
			added := names("n.example", "*.m.example")
			err = x.AddTargets(f.Orders[i], added)
			orders[i].Targets, changed = append(slices.Clone(orders[i].Targets), added...), 2
		default:
			err = x.RaiseSerial()
			if serial >= 0 {
				serial++
			}
			changed = 1
		}
		edits++
		if err != nil {
			refused++
			if string(x.Bytes()) != text {
				t.Fatalf("refused and changed: %v", err)
			}
			t.Logf("seed %d: %v\n%s", seed, err, text)
			continue
		}
		got := string(x.Bytes())
		after := mustParse(t, path, []byte(got))
		f.Serial = serial
		if a, b := canonical(t, after, after.Orders), canonical(t, f, orders); a != b {
			t.Fatalf("seed %d:\n%s\nbecame\n%s\nwith the orders\n%s\nwant\n%s", seed, text, got, a, b)
		}
		if n := lost(text, got); n > changed {
			t.Fatalf("seed %d: %d lines were changed or moved:\n%s\nbecame\n%s", seed, n, text, got)
		}
	}
	if refused*50 > edits {
		t.Errorf("%d of %d edits were refused", refused, edits)
	}
}

func lost(was, is string) int {
	a, b := slices.Collect(strings.Lines(was)), slices.Collect(strings.Lines(is))
	equal := func(i, j int) bool {
		if i == len(a)-1 { // the change may have added a missing newline
			return strings.TrimRight(a[i], "\r\n") == strings.TrimRight(b[j], "\r\n")
		}
		return a[i] == b[j]
	}
	common := make([][]int, len(a)+1) // the length of the longest common subsequence from a[i] and b[j]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if equal(i, j) {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return len(a) - common[0][0]
}

func TestLocalTimes(t *testing.T) {
	served := order.FromTime(time.Date(2026, 11, 29, 8, 30, 0, 0, time.UTC))
	for zone, want := range map[string]string{"Europe/Berlin": "2026-11-29T09:30:00+01:00", "America/St_Johns": "2026-11-29T05:00:00-03:30", "": "2026-11-29T08:30:00Z", "UTC": "2026-11-29T08:30:00Z"} {
		o := order.New()
		o.ID, o.Authority.Name, o.Served, o.Note = "a", "A", served, "2026-11-29T08:30:00Z"
		item, node, err := encode(o, zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := lookup(node, "served").Value; got != want || !strings.Contains(item, "served: "+want+"\n") || lookup(node, "note").Value != o.Note {
			t.Errorf("%q: got %q, want %q:\n%s", zone, got, want, item)
		}
	}
}
