package order

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"go.yaml.in/yaml/v3"
)

func TestLimitsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/order-format.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("\n| what | at most |\n|---|---|\n")
	for _, l := range limits {
		n := strconv.FormatInt(l.most, 10)
		for i := len(n) - 3; i > 0; i -= 3 {
			n = n[:i] + "," + n[i:]
		}
		fmt.Fprintf(&want, "| %s | %s |\n", l.what, strings.TrimSpace(n+" "+l.unit))
	}
	if want.WriteString("\n"); !strings.Contains(string(data), want.String()) {
		t.Errorf("docs/order-format.md lacks the table%s", want.String())
	}
}

func TestMaxBytes(t *testing.T) {
	for _, tc := range []struct {
		path string
		side bool
		want int64
	}{{"a.yaml", false, 64 << 20}, {"a.yml", false, 64 << 20}, {"a.json", false, 64 << 20}, {"a.jsonl", false, 4 << 30}, {"a.txt", true, 4 << 30}, {"a.yaml", true, 4 << 30}} {
		if got := MaxBytes(tc.path, tc.side); got != tc.want {
			t.Errorf("%s, side list %t: %d, want %d", tc.path, tc.side, got, tc.want)
		}
	}
}

type repeated struct {
	head, body string
	n, read    int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.read == r.n {
		return 0, io.EOF
	}
	k := 0
	for k < len(p) && r.read < r.n {
		from := r.head[min(r.read, len(r.head)):]
		if from == "" {
			from = r.body[(r.read-len(r.head))%len(r.body):]
		}
		c := copy(p[k:], from[:min(len(from), r.n-r.read)])
		k, r.read = k+c, r.read+c
	}
	return k, nil
}

func TestRefusedEarly(t *testing.T) {
	const large = 60 << 20
	const values = "has more than 700000 keys, values and list entries besides long lists of plain names; write the orders as JSON Lines, and the names into side lists"
	lines := `{"version":1,"count":1}` + "\n"
	for what, tc := range map[string]struct {
		path, head, body string
		most             int // the largest number of bytes that the parser may read
		want             string
	}{
		"numbers as orders":    {"a.json", `{"version":1,"orders":[`, "1,", 2 << 20, "a.json: " + values},
		"mappings as orders":   {"a.json", `{"version":1,"orders":[`, "{},", 2 << 20, "a.json: " + values},
		"a YAML flow list":     {"a.yaml", "version: 1\norders: [", "a,", 2 << 20, "a.yaml: " + values},
		"a YAML block list":    {"a.yaml", "version: 1\norders:\n", "- a\n", 4 << 20, "a.yaml: " + values},
		"YAML keys":            {"a.yaml", "version: 1\n", "key: 1\n", 4 << 20, "a.yaml: " + values},
		"nested lists":         {"a.yaml", "", "[", 2 << 20, "a.yaml: " + values},
		"zeros as YAML":        {"a.yaml", "", "\x00\x00,", 1 << 20, "a.yaml:1:1: is not YAML: control characters are not allowed"},
		"zeros as JSON":        {"a.json", "", "\x00\x00,", 1 << 20, `a.json:1:1: is not JSON: got '\x00' where a value belongs`},
		"not UTF-8":            {"a.yaml", "", "\xff\n", 1 << 20, "a.yaml:1:1: is not valid UTF-8; if byte 0xff is meant"},
		"bad lines":            {"a.jsonl", lines, "{}\n", 1 << 20, "a.jsonl: has more than 10000 problems; the rest is not listed"},
		"bad lines of a list":  {"list", "", "x y\n", 1 << 20, "a.yaml: has more than 10000 problems; the rest is not listed"},
		"names of many labels": {"list", "", strings.Repeat("a.", 100) + "example\n", 1 << 20, "labels beyond the fourth of each name"},
		"targets of many":      {"a.jsonl", lines, `{"id":"a","authority":{"name":"X"},"scope":"global","targets":["` + strings.Repeat("a.", 100) + `example"]}` + "\n", 1 << 20, "labels beyond the fourth of each name"},
		"exceptions of many":   {"a.jsonl", lines, `{"id":"a","authority":{"name":"X"},"scope":"global","except":["` + strings.Repeat("a.", 100) + `example"]}` + "\n", 1 << 20, "labels beyond the fourth of each name"},
	} {
		in := &repeated{head: tc.head, body: tc.body, n: large}
		before := held()
		var problems Problems
		if tc.path == "list" {
			_, problems = Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list}}]"),
				Options{OpenSide: func(string) (io.ReadCloser, error) { return io.NopCloser(in), nil }})
		} else {
			_, problems = Parse(tc.path, in, Options{})
		}
		if got := problems.Error(); !strings.Contains(got, tc.want) || len(problems.Errors()) == 0 {
			t.Errorf("%s: got %.300s, want %s", what, got, tc.want)
		}
		if in.read > tc.most {
			t.Errorf("%s: %d octets were read", what, in.read)
		}
		if grew := int64(held() - before); grew > 8<<20 {
			t.Errorf("%s: %d bytes stay in memory", what, grew)
		}
		runtime.KeepAlive(problems)
	}
}

func TestRefusedBySize(t *testing.T) {
	for path, want := range map[string]string{
		"a.yaml":  "a.yaml: is larger than 64 MiB; write the orders as JSON Lines, and the names into side lists",
		"a.json":  "a.json: is larger than 64 MiB; write the orders as JSON Lines, and the names into side lists",
		"a.jsonl": "a.jsonl: is larger than 4 GiB; split it into several files",
	} {
		in := &tooLong{}
		if _, problems := Parse(path, in, Options{}); problems.Error() != want || in.read {
			t.Errorf("%s: read %t, got %v, want %s", path, in.read, problems, want)
		}
		if path != "a.jsonl" {
			in := &repeated{body: "one more line of some text\n", n: 100 << 20}
			if path == "a.json" {
				in.body = "                              \n"
			}
			_, problems := Parse(path, in, Options{})
			if in.read > 65<<20 || path == "a.json" && problems.Error() != want || path == "a.yaml" && problems.Error() != "a.yaml: has more than 32 MiB besides long lists of plain names; write the orders as JSON Lines, and the names into side lists" {
				t.Errorf("%s: %d octets were read, %v", path, in.read, problems)
			}
		}
	}
	in := &tooLong{}
	_, problems := Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list}}]"),
		Options{OpenSide: func(string) (io.ReadCloser, error) { return in, nil }})
	if want := `a.yaml:2:76: order "a": targets_from.file: is larger than 4 GiB; split it into several lists, got "list"`; problems.Error() != want || in.read {
		t.Errorf("a side list: read %t, got %v, want %s", in.read, problems, want)
	}
}

type tooLong struct{ read bool }

func (*tooLong) Size() int64                { return 5 << 30 }
func (*tooLong) Close() error               { return nil }
func (r *tooLong) Read([]byte) (int, error) { r.read = true; return 0, io.EOF }

func TestLongLine(t *testing.T) {
	in := io.MultiReader(strings.NewReader(`{"version":1,"count":3}`+"\n"+`{"id":"`),
		io.LimitReader(&repeated{body: "xxxxxxxxxxxxxxxx", n: 70 << 20}, 70<<20), strings.NewReader("\"}\n[]\n[]"))
	_, problems := Parse("a.jsonl", in, Options{})
	want := "a.jsonl:2:1: the line is larger than 64 MiB; write the names into side lists\n" +
		"a.jsonl:3:1: orders: must be an order, with keys such as id and authority, got \"[...]\"\n" +
		"a.jsonl:4:1: orders: must be an order, with keys such as id and authority, got \"[...]\""
	if problems.Error() != want {
		t.Errorf("got  %.600s\nwant %s", problems, want)
	}
}

func TestOutlineBounds(t *testing.T) {
	count := func(n *yaml.Node) (k int) {
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			if k++; n.Kind == runNode {
				k--
			}
			for _, c := range n.Content {
				walk(c)
			}
		}
		walk(n)
		return k
	}
	for _, pattern := range []string{"good/*", "bad/*"} {
		paths, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatal(paths, err)
		}
		for _, path := range paths {
			data, _ := os.ReadFile(path)
			in := newInput(filepath.Ext(path) == ".json", 1)
			in.buf = data
			if (filepath.Ext(path) != ".json" && filepath.Ext(path) != ".yaml") || in.look(true) != nil {
				continue
			}
			var root *yaml.Node
			if in.json {
				root, err = parseJSON(in.text, 1)
			} else if root, err = parseYAML(in.text, nil, nil); err == nil {
				root = root.Content[0]
			}
			if err == nil && count(root) > in.all()+1 {
				t.Errorf("%s: %d nodes, the outline allows %d", path, count(root), in.all())
			}
		}
	}
	for _, text := range runSeeds {
		in := newInput(false, 1)
		in.buf = []byte(text)
		if in.look(true) != nil {
			continue
		}
		most := in.all() + 1
		if strings.Contains(text, "{z.example") {
			most *= 2 // a key without a colon makes two nodes but counts once, see weigh
		}
		if root, err := parseYAML(in.text, nil, nil); err == nil && count(root.Content[0]) > most {
			t.Errorf("%d nodes, the outline allows %d\n%s", count(root.Content[0]), in.all(), text)
		}
	}
}

func TestNoOrders(t *testing.T) {
	_, problems := Parse("a.json", strings.NewReader(`{"version":1,"orders":[`+strings.Repeat("1,", 5000)+"1]}"), Options{})
	if want := "a.json:1:2024: orders has more than 1000 entries that are no mappings"; problems.Error() != want {
		t.Errorf("got  %.300s\nwant %s", problems, want)
	}
}

func TestManyWindows(t *testing.T) {
	const targets = 5000
	for windows, want := range map[int]string{
		200: "",
		201: "a.yaml:6:12: order \"a\": windows: the file has more than 1000000 windows up to here; the windows of an order count once for each of its targets that has attributes",
	} {
		var b strings.Builder
		b.WriteString("version: 1\norders:\n- id: a\n  authority: {name: X}\n  scope: global\n  windows: [")
		for i := range windows {
			fmt.Fprintf(&b, "{from: 2020-01-01T%02d:%02d:00Z, until: 2020-01-01T%02d:%02d:30Z},", i/60, i%60, i/60, i%60)
		}
		b.WriteString("]\n  targets:\n")
		for i := range targets {
			fmt.Fprintf(&b, "  - {name: n%d.example, note: x}\n", i)
		}
		if _, problems := Parse("a.yaml", strings.NewReader(b.String()), Options{}); problems.Error() != want {
			t.Errorf("%d windows: %.300s, want %s", windows, problems, want)
		}
	}
}

func TestManyRedirects(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets: [a.example], response: {redirect: [")
	for i := range 1001 {
		fmt.Fprintf(&b, "10.0.%d.%d, ", i/256, i%256)
	}
	b.WriteString("]}}]\n")
	_, problems := Parse("a.yaml", strings.NewReader(b.String()), Options{})
	if want := "a.yaml:2:98: order \"a\": response.redirect: has more than 1000 addresses"; problems.Error() != want {
		t.Errorf("got %v, want %s", problems, want)
	}
}

func TestProblemsAreShort(t *testing.T) {
	long := strings.Repeat("x", 50_000)
	lines := &feed{n: 1000, line: func(i int) string {
		if i == 0 {
			return `{"version":1,"count":999}` + "\n"
		}
		return fmt.Sprintf(`{"id":"%d%s","action":"%d%s","%s%d":1}`+"\n", i, long, i, long, long, i)
	}}
	before := held()
	_, problems := Parse("a.jsonl", lines, Options{})
	if grew := int64(held() - before); grew > 3<<20 || len(problems) < 1800 {
		t.Errorf("%d problems take %d MiB of memory", len(problems), grew>>20)
	}
	runtime.KeepAlive(problems)
	list := &feed{n: 5000, line: func(i int) string { return strings.Repeat("x", 4000) + " y\n" }}
	before = held()
	_, problems = Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list}}]"),
		Options{OpenSide: func(string) (io.ReadCloser, error) { return io.NopCloser(list), nil }})
	if grew := int64(held() - before); grew > 8<<20 || len(problems) != 5000 {
		t.Errorf("%d problems of a side list take %d MiB of memory", len(problems), grew>>20)
	}
	runtime.KeepAlive(problems)
}

func TestStop(t *testing.T) {
	const head = "version: 1\norders:\n- id: a\n  authority: {name: X}\n  scope: global\n"
	orders := `{"version":1,"count":1000000}` + "\n" + strings.Repeat(`{"id":"a"}`+"\n", 5000)
	names := strings.Repeat("- name.example\n", 20_000)
	for what, tc := range map[string]struct{ path, text, list string }{
		"YAML with a run":       {"a.yaml", head + "  targets:\n" + names, ""},
		"YAML":                  {"a.yaml", head + "  targets:\n" + strings.Repeat("  - 'x'\n", 20_000), ""},
		"JSON":                  {"a.json", `{"version":1,"orders":[` + strings.Repeat(`{"id":"a"},`, 20_000) + "{}]}", ""},
		"JSON Lines":            {"a.jsonl", orders, ""},
		"one line":              {"a.jsonl", `{"version":1,"count":1000000}` + "\n[" + strings.Repeat(`"x",`, 100_000) + "1]", ""},
		"a side list":           {"a.yaml", head + "  targets_from: {file: list}\n", strings.Repeat("name.example\n", 20_000)},
		"a side list, one line": {"a.yaml", head + "  targets_from: {file: list}\n", strings.Repeat("x", 1<<20)},
		"a side list, no names": {"a.yaml", head + "  targets_from: {file: list}\n", strings.Repeat("# none\n", 20_000)},
	} {
		run := func(allowed int) (calls int, text string) {
			_, problems := Parse(tc.path, strings.NewReader(tc.text), Options{OpenSide: side(tc.list), Stop: func() bool {
				calls++
				return calls > allowed
			}})
			return calls, problems.Error()
		}
		all, text := run(1 << 30)
		if strings.Contains(text, "stopped") || all < 2 {
			t.Fatalf("%s: asked %d times, %.200s", what, all, text)
		}
		for _, allowed := range []int{0, 1, all / 2, all - 1} {
			calls, text := run(allowed)
			if !strings.Contains(text, "cannot be read: the load was stopped") || calls > allowed+3 {
				t.Errorf("%s: asked %d times after %d, %.200s", what, calls, allowed, text)
			}
		}
	}
}

func TestClosedStream(t *testing.T) {
	for _, ext := range Extensions {
		in := io.MultiReader(&repeated{body: "{", n: 300 << 10}, iotest.ErrReader(os.ErrClosed))
		if _, problems := Parse("a"+ext, in, Options{}); !strings.Contains(problems.Error(), "cannot be read: file already closed") {
			t.Errorf("%s: %.300s", ext, problems)
		}
	}
}

// With a linear search for each entry, this test would take minutes.
func TestLongLists(t *testing.T) {
	const n = 100_000
	var lifts, clients strings.Builder
	for i := range n {
		fmt.Fprintf(&lifts, `"o%d","o%d",`, i, i/2)
		fmt.Fprintf(&clients, `"10.%d.%d.%d","10.%d.%d.%d",`, i>>16, i>>8&255, i&255, i>>17, i>>9&255, i>>1&255)
	}
	text := `{"version":1,"count":2}` + "\n" +
		`{"id":"a","authority":{"name":"X"},"targets":["a.example"],"scope":{"clients":[` + clients.String() + `"10.0.0.0"],"countries":["IT","FR","IT"]}}` + "\n" +
		`{"id":"b","action":"lift","authority":{"name":"X"},"issued":"2026-01-12","lifts":[` + lifts.String() + `"o0"]}` + "\n"
	f, problems := Parse("a.jsonl", strings.NewReader(text), Options{})
	if len(problems) > 0 {
		t.Fatalf("%.300s", problems)
	}
	if s := f.Orders[0].Scope; len(s.Clients) != n || s.Clients[n-1].String() != "10.1.134.159/32" || len(s.Countries) != 2 || s.Countries[1] != "FR" {
		t.Errorf("%d clients, the last %s, countries %s", len(s.Clients), s.Clients[len(s.Clients)-1], s.Countries)
	}
	if l := f.Orders[1].Lifts; len(l) != n || l[0] != "o0" || l[n-1] != "o99999" {
		t.Errorf("%d lifts, the last %s", len(l), l[len(l)-1])
	}
}
