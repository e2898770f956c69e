package order

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTruncated(t *testing.T) {
	for _, path := range []string{"good/full.json", "good/full.jsonl", "good/bom-crlf.json", "good/bom-crlf.jsonl", "good/full.yaml", "good/comments.yaml"} {
		data, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		whole := loadGood(t, path)
		counted := !strings.HasSuffix(path, ".yaml") || strings.Contains(string(data), "count:")
		for i := 0; i < len(data); i++ {
			f, problems := Parse(path, bytes.NewReader(data[:i]), Options{OpenSide: openSide("good")})
			for _, p := range problems {
				if p.Msg == "" {
					t.Fatalf("%s cut at %d: a problem without a message", path, i)
				}
			}
			if len(problems.Errors()) == 0 && counted && f.Count != whole.Count {
				t.Errorf("%s cut at %d of %d loads %d of %d orders", path, i, len(data), f.Count, whole.Count)
			}
			if len(problems.Errors()) == 0 && filepath.Ext(path) != ".yaml" {
				sameOrders(t, fmt.Sprintf("%s cut at %d", path, i), f.Orders, whole.Orders)
			}
		}
	}
}

// TestHostile relies on the timeout of "go test" to find inputs that take too long.
func TestHostile(t *testing.T) {
	const many, large = 100_000, 1 << 20
	random := make([]byte, 1<<16)
	for i, x := 0, uint32(1); i < len(random); i++ {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 24)
	}
	head := "version: 1\norders:\n- {id: a, authority: {name: X}, scope: global, targets: ["
	for what, data := range map[string]string{
		"10 MB on one line":         strings.Repeat("a", 10*large),
		"1 MB of a value":           head + strings.Repeat("a", large) + "]}\n",
		"1 MB of an unknown key":    "version: 1\norders: []\n? " + strings.Repeat("a", large) + "\n: b\n",
		"1 MB of an id":             "version: 1\norders:\n- id: " + strings.Repeat("a", large) + "\n",
		"1 MB in JSON":              `{"version": 1, "orders": [{"id": "` + strings.Repeat("a", large) + `"}]}`,
		"1 MB of blanks":            strings.Repeat(" ", large),
		"1 MB of line feeds":        strings.Repeat("\n", large),
		"1 MB of quotes":            strings.Repeat(`"`, large),
		"lists":                     strings.Repeat("[", many),
		"lists, closed":             strings.Repeat("[", many) + strings.Repeat("]", many),
		"lists in orders":           `{"version":1,"orders":` + strings.Repeat("[", many) + strings.Repeat("]", many) + "}",
		"mappings":                  strings.Repeat("{", many),
		"mappings with keys":        strings.Repeat(`{"a":`, many),
		"mappings, closed":          strings.Repeat(`{"a":`, many) + "1" + strings.Repeat("}", many),
		"block lists":               strings.Repeat("- ", many),
		"block mappings":            strings.Repeat("? ", many),
		"deeper and deeper":         deeper(2000),
		"brackets of both":          strings.Repeat("[{", many),
		"closing":                   strings.Repeat("]}", many),
		"rubbish":                   string(random),
		"zeros":                     strings.Repeat("\x00", 1<<16),
		"UTF-16":                    "\xff\xfev\x00e\x00r\x00s\x00i\x00o\x00n\x00:\x00 \x001\x00\n\x00",
		"gzip":                      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
		"HTML":                      "<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n",
		"a million laughs":          "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nversion: 1\norders: [*c,*c]\n",
		"an anchor that has itself": "version: 1\norders: &a [*a]\n",
		"only a BOM":                "\uFEFF",
	} {
		for _, ext := range encodings {
			path := "hostile" + ext
			_, problems := Parse(path, strings.NewReader(data), Options{})
			if len(problems.Errors()) == 0 {
				t.Errorf("%s as %s: no error", what, ext)
			}
			for _, p := range problems {
				if text := p.Error(); !strings.HasPrefix(text, path+":") || len(text) > 1000 {
					t.Errorf("%s as %s: a message of %d octets: %.200q", what, ext, len(text), text)
				}
			}
		}
		_, problems := Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list}}]"),
			Options{OpenSide: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data)), nil }})
		if len(problems.Errors()) == 0 {
			t.Errorf("%s as a side list: no error", what)
		}
	}
}

// deeper returns a YAML mapping with n nested levels.
func deeper(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestUnreadable(t *testing.T) {
	for _, ext := range Extensions {
		data, err := os.ReadFile("testdata/good/full" + strings.Replace(ext, "yml", "yaml", 1))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, len(data) / 2, len(data)} {
			r := io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(errors.New("input/output error")))
			f, problems := Parse("a"+ext, r, Options{OpenSide: openSide("good")})
			if want := "a" + ext + ": cannot be read: input/output error"; !strings.Contains(problems.Error(), want) {
				t.Errorf("%s fails after %d octets: %d orders, %v", ext, n, f.Count, problems)
			}
		}
	}
	dir, err := os.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	if _, problems := Parse("a.yaml", dir, Options{}); !strings.HasPrefix(problems.Error(), "a.yaml: cannot be read: ") {
		t.Errorf("a directory: %v", problems)
	}
	for path, want := range map[string]string{
		"a.text": `a.text: order files end in .yaml, .yml, .json or .jsonl, and plain lists of names in .txt, got ".text"`,
		"a":      `a: order files end in .yaml, .yml, .json or .jsonl, and plain lists of names in .txt, got ""`,
		"a.TEXT": `a.TEXT: order files end in .yaml, .yml, .json or .jsonl, and plain lists of names in .txt, got ".TEXT"`,
	} {
		if _, problems := Parse(path, strings.NewReader("version: 1\norders: []\n"), Options{}); problems.Error() != want {
			t.Errorf("%s: %v", path, problems)
		}
	}
	// This side list fails in the middle.
	_, problems := Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list}}]"),
		Options{OpenSide: func(string) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("one.example\n"), iotest.ErrReader(errors.New("input/output error")))), nil
		}})
	if want := `a.yaml:2:76: order "a": targets_from.file: cannot be read: input/output error, got "list"`; problems.Error() != want {
		t.Errorf("got  %v\nwant %s", problems, want)
	}
	_, problems = parseString(t, "version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list}}]")
	if want := `a.yaml:2:76: order "a": targets_from.file: side lists cannot be read here, got "list"`; problems.Error() != want {
		t.Errorf("got  %v\nwant %s", problems, want)
	}
}

func TestEmptySideAmongOthers(t *testing.T) {
	_, problems := Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, ttl: x, targets_from: {file: list}}]"), Options{OpenSide: side("# none\n")})
	if len(problems) != 2 || !strings.Contains(problems.Error(), "the list has no names") {
		t.Error(problems)
	}
}

// TestManyProblems checks that the number of problems is limited.
func TestManyProblems(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"version":1,"count":300000}` + "\n")
	for range 300_000 {
		b.WriteString("[]\n")
	}
	_, problems := Parse("a.jsonl", strings.NewReader(b.String()), Options{})
	if len(problems) != maxProblems+1 {
		t.Fatalf("%d problems", len(problems))
	}
	if got := problems[maxProblems].Error(); got != "a.jsonl: has more than 10000 problems; the rest is not listed" {
		t.Error(got)
	}
	if !slices.IsSortedFunc(problems[:maxProblems], func(a, b Problem) int { return a.Line - b.Line }) {
		t.Error("not sorted")
	}
}

type feed struct {
	n, i  int
	line  func(i int) string
	rest  string
	heap  uint64 // the largest heap size so far
	every int
}

func (f *feed) Read(p []byte) (int, error) {
	if f.rest == "" {
		if f.i >= f.n {
			return 0, io.EOF
		}
		if f.every > 0 && f.i%f.every == 0 {
			f.heap = max(f.heap, held())
		}
		f.rest = f.line(f.i)
		f.i++
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func jsonLine(i int) string {
	if i == 0 {
		return `{"version":1,"count":300000,"authorities":{"r":{"authority":{"name":"Register","country":"CZ"},"scope":{"countries":["CZ"]}}}}` + "\n"
	}
	return fmt.Sprintf(`{"id":"register/%d","authority":"r","issued":"2026-05-01","targets":["name-%d.sub.example"]}`+"\n", i, i)
}

func TestStreams(t *testing.T) {
	const n = 300_000
	before := held()
	orders := &feed{n: n + 1, line: jsonLine, every: n / 3}
	emitted := 0
	f, problems := Parse("a.jsonl", orders, Options{Emit: func(o *Order) {
		emitted++
		if o.Index != emitted-1 || len(o.Targets) != 1 {
			t.Fatalf("order %d: %+v", emitted, o)
		}
	}})
	if len(problems) > 0 || emitted != n || f.Count != n || f.Targets != n || len(f.Orders) != 0 {
		t.Fatalf("%d orders emitted, %+v, %v", emitted, f, problems)
	}
	if grew := int64(orders.heap - before); grew > 64<<20 {
		t.Errorf("streaming %d orders takes %d MiB of memory", n, grew>>20)
	}

	before = held()
	side := &feed{n: n, line: func(i int) string { return fmt.Sprintf("name-%d.sub.example\n", i) }, every: n / 3}
	f, problems = Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list}}]"),
		Options{OpenSide: func(string) (io.ReadCloser, error) { return io.NopCloser(side), nil }})
	if len(problems) > 0 || f.Targets != n {
		t.Fatalf("%+v, %v", f, problems)
	}
	// The names take 7.5 MB in a growing list.
	if grew := int64(side.heap - before); grew > 32<<20 {
		t.Errorf("streaming %d names takes %d MiB of memory", n, grew>>20)
	}
	runtime.KeepAlive(f)
}

func TestEmitStops(t *testing.T) {
	order := `{"id":"%s","authority":{"name":"X"},"scope":"global","targets":["%s.example"]}` + "\n"
	data := `{"version":1,"count":3}` + "\n" + fmt.Sprintf(order, "a", "a") + fmt.Sprintf(order, "b", "b.") + fmt.Sprintf(order, "c", "c")
	var got []string
	f, problems := Parse("a.jsonl", strings.NewReader(data), Options{Emit: func(o *Order) { got = append(got, o.ID) }})
	if len(problems) != 1 || f.Count != 3 || !slices.Equal(got, []string{"a"}) {
		t.Errorf("emitted %v of %d, %v", got, f.Count, problems)
	}
	if f, _ := Parse("a.jsonl", strings.NewReader(data), Options{}); len(f.Orders) != 1 {
		t.Errorf("%d orders", len(f.Orders))
	}
}
