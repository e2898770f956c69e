package order

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var runSeeds = func() (out []string) {
	const head = "version: 1\norders:\n- id: a\n  authority: {name: X}\n  issued: 2026-01-12\n  scope: global\n"
	names := []string{"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"}
	block := "  - " + strings.Join(names, "\n  - ") + "\n"
	flow := strings.Join(names, ", ")
	for _, s := range []string{
		"  targets:\n" + block,
		"  targets:\n" + block + block,
		"  targets:\n" + block + "  - \"*.x.example\"\n" + block + "  - {name: y.example, except: [q.y.example]}\n" + block,
		"  targets:\n" + block + "  status: draft\n  except: [c.example]\n",
		"  targets:\n" + block + "  force: {c.example: x, d.example: y, q.example: z}\n",
		"  targets:\n" + strings.ReplaceAll(block, "c.example", "{name: c.example, except: [x.c.example]}") + block,
		"  targets:\n" + strings.ReplaceAll(block, "c.example", "{url: \"https://c.example/x\"}") + block,
		"  targets:\n" + strings.ReplaceAll(block, "\n", "\r\n"),
		"  targets:\n" + strings.ReplaceAll(block, "\n", "\r"),
		"  targets:\n" + strings.ReplaceAll(block, "\n", " # remark\n"),
		"  targets:\n" + strings.ReplaceAll(block, "\n", "\n  # remark\n"),
		"  targets:\n" + strings.ReplaceAll(block, "\n", "\n\n"),
		"  targets:\n" + strings.ReplaceAll(block, "c.example\n", "c.example:\n"),
		"  targets:\n" + strings.ReplaceAll(block, "c.example\n", "c.example\n     more\n"),
		"  targets:\n" + strings.ReplaceAll(block, "c.example", "! c.example"),
		"  targets:\n" + strings.ReplaceAll(block, "c.example", "&x c.example"),
		"  targets:\n  - - " + strings.Join(names, "\n    - ") + "\n",
		"  note: |\n" + strings.ReplaceAll(block, "  -", "    -") + "  targets: [z.example]\n",
		"  note: \"x,\n" + block + "\"\n  targets: [z.example]\n",
		"  note: 'x, " + flow + ", y'\n  targets: [z.example]\n",
		"  note: x, " + flow + ", y\n  targets: [z.example]\n",
		"  targets: [z.example]\n  # " + flow + ", y\n",
		"  except:\n" + block + "  targets: [z.example]\n",
		"  targets: [z.example]\n  lifts:\n" + block,
		"  targets: [z.example, " + flow + ", z.example]\n",
		"  targets: [! z.example, " + flow + ", z.example]\n",
		"  targets: [z.example,\n" + strings.ReplaceAll(flow, ", ", ",\n   ") + "\n  ]\n",
		"  targets: [\"z.example\", '" + strings.Join(names, "', '") + "']\n",
		"  targets: [z.example , " + strings.Join(names, " ,") + "]\n",
		"  targets: {z.example, " + flow + ", z.example}\n",
		"  targets: [z.example, {name: \"y.example\"}, " + flow + "]\n",
		"  targets: [ü, 123, 2024-01-01, 1.5, 1.e5, true, " + flow + ", 127.0.0.1, A.EXAMPLE, x--.example]\n",
		"  targets:\n" + strings.ReplaceAll(block, "example", "Example"),
		"  targets: &x\n" + block + "- *x\n",
		"  targets:\n" + block + "- id: b\n  targets:\n" + block + "- targets:\n" + block,
		"  note: a\u2028b\n  targets:\n" + block,
		"  note: \"\u00e9\u20ac\"\n  targets: [\"\u00e9.example\", " + flow + ", -b.example, \"\u00e9.example\", a.example ]\n",
		"  targets:\n" + block + "targets:\n" + block + "orders:\n- targets:\n" + block,
		"  targets:\n" + block + "  targets:\n" + block,
	} {
		out = append(out, head+s)
	}
	return append(out, block, flow, "["+flow+"]", "- "+flow, "orders: ["+flow+", x]\nversion: 1\n")
}()

var jsonRunSeeds = func() (out []string) {
	const names = `"a.example", "b.example","c.example" , "d.example",` + "\n" + `"e.example","f.example","g.example","h.example"`
	const order = `{"id":"a","authority":{"name":"X"},"issued":"2026-01-12","scope":"global",`
	for _, s := range []string{
		`"targets":[` + names + `]}`,
		`"targets":["z.example",` + names + `,"z.example","A.example",` + names + `]}`,
		`"targets":["z.example",` + names + `,{"name":"c.example","except":["x.c.example"]},` + names + `],"except":["e.example"]}`,
		`"targets":["x,","` + `a.example","b.example","c.example","d.example","e.example" ]}`,
		`"except":[` + names + `],"targets":["z.example"]}`,
		`"targets":[["z.example",` + names + `]]}`,
		`"targets":{"targets":[` + names + `]}}`,
		`"note":"x, \"a.example\",","targets":["z.example"` + names + `]}`,
		`"targets":["z.example",` + names + `,]}`,
		`"targets":["z.example",` + names + ``,
	} {
		out = append(out, order+s)
	}
	return out
}()

func withRuns(n, chunkSize int, f func()) {
	run, size := minRun, chunk
	defer func() { minRun, chunk = run, size }()
	minRun, chunk = n, chunkSize
	f()
}

type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 7)]) }

func checkRuns(t *testing.T, path, text string) {
	t.Helper()
	opt := Options{OpenSide: side("side.example\n")}
	var want *File
	var problems Problems
	withRuns(1<<30, 1<<20, func() { want, problems = Parse(path, strings.NewReader(text), opt) })
	for _, size := range []int{1 << 20, 1, 40} {
		withRuns(3, size, func() {
			got, found := Parse(path, slow{strings.NewReader(text)}, opt)
			early := func(text string) bool {
				return slices.ContainsFunc([]string{"UTF-8", "control characters", "HTML"}, func(s string) bool { return strings.Contains(text, s) })
			}
			if len(found.Errors()) > 0 && len(problems.Errors()) > 0 && early(problems.Error()+found.Error()) {
				return
			}
			if found.Error() != problems.Error() {
				t.Fatalf("%s: problems with runs\n%v\nwithout\n%v\n%s", path, found, problems, text)
			}
			if len(problems.Errors()) == 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: with runs %s\nwithout %s\n%s", path, texts(got.Orders), texts(want.Orders), text)
			}
			taken := map[*Order]*taking{}
			var last *taking
			var orders []*Order
			opt := opt
			opt.Targets = func(o *Order) Names { last = &taking{}; return last }
			opt.Emit = func(o *Order) {
				c := *o
				c.Targets = slices.Clone(o.Targets)
				orders = append(orders, &c)
				if o.Plain > 0 {
					taken[&c] = last
				}
			}
			file, found := Parse(path, strings.NewReader(text), opt)
			if found.Error() != problems.Error() || file.Count != want.Count || len(problems.Errors()) == 0 && file.Targets != want.Targets {
				t.Fatalf("%s: problems with names taken\n%v\nwithout runs\n%v\n%s", path, found, problems, text)
			}
			if len(problems.Errors()) > 0 {
				return
			}
			for i, o := range orders {
				var a, b []string
				if x := taken[o]; x != nil {
					a = x.names
				}
				if len(a) != o.Plain {
					t.Fatalf("%s: %d names taken, %d counted\n%s", path, len(a), o.Plain, text)
				}
				for k := range o.Targets {
					a = append(a, o.Targets[k].Pattern())
				}
				for k := range want.Orders[i].Targets {
					b = append(b, want.Orders[i].Targets[k].Pattern())
				}
				if slices.Sort(a); !slices.Equal(a, slices.Sorted(slices.Values(b))) {
					t.Fatalf("%s: with names taken %q, without runs %q\n%s", path, a, b, text)
				}
				o.Targets, o.Plain = want.Orders[i].Targets, 0
				if !reflect.DeepEqual(o, want.Orders[i]) {
					t.Fatalf("%s: with names taken %+v, without runs %+v\n%s", path, o, want.Orders[i], text)
				}
			}
		})
	}
}

func texts(list []*Order) string {
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, "%+v\n", *o)
	}
	return b.String()
}

func TestRuns(t *testing.T) {
	for _, text := range runSeeds {
		checkRuns(t, "a.yaml", text)
	}
	for _, order := range jsonRunSeeds {
		checkRuns(t, "a.json", `{"version":1,"orders":[`+order+"]}")
		checkRuns(t, "a.jsonl", `{"version":1,"count":1}`+"\n"+strings.ReplaceAll(order, "\n", "")+"\n")
	}
}

// Without long lists, the other tests would compare nothing.
func TestRunsAreFound(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\norders:\n- id: a\n  authority: {name: X}\n  scope: global\n  targets:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - n%d.example\n", i)
	}
	block := b.String()
	flow := strings.ReplaceAll(strings.Replace(block, "targets:\n  - ", "targets: [", 1), "\n  - ", ", ") + "]\n"
	quoted := strings.ReplaceAll(strings.ReplaceAll(strings.Replace(flow, "[", "['", 1), ", ", "', '"), "\n]", "']")
	json := `{"version":1,"orders":[{"id":"a","authority":{"name":"X"},"scope":"global","targets":[` +
		strings.ReplaceAll(strings.TrimSuffix(strings.ReplaceAll(block[strings.Index(block, "  - "):], "  - ", `"`), "\n"), "\n", `",`+"\n") + `"]}]}`
	lines := `{"version":1,"count":1}` + "\n" + strings.ReplaceAll(json[strings.Index(json, `{"id"`):len(json)-2], "\n", "")
	for path, text := range map[string]string{"block.yaml": block, "flow.yaml": flow, "quoted.yaml": quoted, "a.json": json, "a.jsonl": lines} {
		withRuns(64, 2000, func() {
			var s taking
			_, problems := Parse(path, bytes.NewReader([]byte(text)), Options{Emit: func(o *Order) {
				if len(o.Targets) > 100 || o.Plain < 900 || o.NumTargets() != 1000 {
					t.Errorf("%s: %d targets, %d plain", path, len(o.Targets), o.Plain)
				}
			}, Targets: func(*Order) Names { return &s }})
			if len(problems) > 0 || len(s.names) < 900 {
				t.Errorf("%s: %d names, %v", path, len(s.names), problems)
			}
		})
	}
}

func FuzzRuns(f *testing.F) {
	for _, s := range runSeeds {
		f.Add(s, uint8(0))
	}
	for _, s := range jsonRunSeeds {
		f.Add(`{"version":1,"orders":[`+s+"]}", uint8(1))
		f.Add(`{"version":1,"count":1}`+"\n"+strings.ReplaceAll(s, "\n", "")+"\n", uint8(2))
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		checkRuns(t, []string{"a.yaml", "a.json", "a.jsonl"}[kind%3], text)
	})
}
