package order

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/dname"
)

func seeds(f *testing.F, ext string) {
	f.Helper()
	for _, dir := range []string{"good", "bad"} {
		paths, err := filepath.Glob(filepath.Join("testdata", dir, "*"+ext))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 1<<14 {
				f.Add(data)
			}
		}
	}
}

func side(data string) func(string) (io.ReadCloser, error) {
	return func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data)), nil }
}

func check(t *testing.T, path string, data []byte) {
	opt := Options{OpenSide: side("side.example\n")}
	file, problems := Parse(path, bytes.NewReader(data), opt)
	for _, p := range problems {
		if p.Msg == "" || p.File == "" || !strings.HasPrefix(p.Error(), p.File+":") || strings.Contains(p.Redacted(), "\n") {
			t.Fatalf("problem %+v", p)
		}
		if p.Line == 0 && p.Column != 0 || p.Line < 0 || p.Column < 0 {
			t.Fatalf("problem at %d:%d: %v", p.Line, p.Column, p)
		}
	}
	if file == nil || file.Path != path {
		t.Fatalf("file %+v", file)
	}
	emitted := 0
	opt.Emit = func(*Order) { emitted++ }
	streamed, again := Parse(path, bytes.NewReader(data), opt)
	if again.Error() != problems.Error() || emitted != len(file.Orders) || streamed.Count != file.Count || len(streamed.Orders) != 0 {
		t.Fatalf("streamed: %d orders, %v; whole: %d, %v", emitted, again, len(file.Orders), problems)
	}
	opt.Emit = nil
	if len(problems.Errors()) > 0 {
		if !problems.Errors()[0].Warning && len(file.Orders) > file.Count {
			t.Fatalf("%d orders of %d", len(file.Orders), file.Count)
		}
		return
	}
	if file.Count != len(file.Orders) {
		t.Fatalf("%d orders, count %d", len(file.Orders), file.Count)
	}
	checkFile(t, file)
	var b bytes.Buffer
	formatted, err := Format(&b, path, bytes.NewReader(data), opt)
	switch {
	case err != nil:
		t.Fatal(err)
	case len(formatted.Errors()) == 0:
		checkFormat(t, path, string(data), opt)
	case strings.HasSuffix(path, ".yaml") && strings.Contains(string(data), "#"):
	default:
		t.Fatalf("cannot be formatted: %v", formatted)
	}
	checkEncode(t, path, Header{file.Serial, file.ShrinkOK, file.Timezone, file.Source, file.Expires}, file.Orders, opt)
}

func FuzzYAML(f *testing.F) {
	seeds(f, ".yaml")
	f.Fuzz(func(t *testing.T, data []byte) { check(t, "a.yaml", data) })
}

func FuzzJSONLines(f *testing.F) {
	seeds(f, ".jsonl")
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, "a.jsonl", data)
		checkLines(t, data)
		checkQuick(t, data)
	})
}

func checkLines(t *testing.T, data []byte) {
	opt := Options{OpenSide: side("side.example\n")}
	var kept []*Order
	opt.Emit = func(o *Order) {
		c := *o
		c.Targets = slices.Clone(o.Targets)
		kept = append(kept, &c)
	}
	if _, problems := Parse("a.jsonl", bytes.NewReader(data), opt); len(problems.Errors()) > 0 {
		return
	}
	var lines [][]byte
	for line := range bytes.SplitSeq(bytes.TrimPrefix(data, bom), []byte("\n")) {
		if len(bytes.TrimSpace(line)) > 0 {
			lines = append(lines, bytes.TrimSpace(line))
		}
	}
	header := bytes.TrimSuffix(lines[0], []byte("}"))
	document := slices.Concat(header, []byte(`,"orders":[`), bytes.Join(lines[1:], []byte(",\n")), []byte("]}"))
	opt.Emit = nil
	whole, problems := Parse("a.json", bytes.NewReader(document), opt)
	if len(problems.Errors()) > 0 {
		t.Fatalf("no problems as JSON Lines, but as a document: %v", problems)
	}
	sameOrders(t, "lines and document", kept, whole.Orders)
}

func FuzzJSON(f *testing.F) {
	seeds(f, ".json")
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, "a.json", data)
		checkJSON(t, data)
	})
}

func checkJSON(t *testing.T, data []byte) {
	if !utf8.Valid(data) {
		return // the parser has refused invalid UTF-8, but encoding/json replaces it
	}
	n, err := parseJSON(data, 1)
	if valid := json.Valid(data); valid != (err == nil) {
		if err != nil && (strings.Contains(err.Error(), "half a surrogate") || strings.Contains(err.Error(), "nested more than")) {
			return // the parser is stricter than encoding/json on purpose
		}
		t.Fatalf("%q: json.Valid says %v, parseJSON %v", data, valid, err)
	}
	if err != nil {
		return
	}
	// Compact texts are compared, because they show the values.
	var want, got any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	for _, indent := range []int{compact, 0} {
		dec = json.NewDecoder(bytes.NewReader(appendJSON(nil, n, indent)))
		dec.UseNumber()
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got)
		if !bytes.Equal(a, b) {
			t.Fatalf("%q reads as %s, want %s", data, b, a)
		}
	}
}

func FuzzSide(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/lists/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 1<<14 {
			f.Add(data)
		}
	}
	const text = "version: 1\norders: [{id: a, authority: {name: X}, scope: global, except: [except.example], targets_from: {file: list.txt}}]"
	f.Fuzz(func(t *testing.T, data []byte) {
		file, problems := Parse("a.yaml", strings.NewReader(text), Options{OpenSide: side(string(data))})
		for _, p := range problems {
			if p.Msg == "" || p.File != "list.txt" && p.File != "a.yaml" || p.Line < 1 || p.Column < 1 {
				t.Fatalf("problem %+v", p)
			}
		}
		if len(problems.Errors()) > 0 {
			return
		}
		checkFile(t, file)
		var names []string
		for n := range file.Orders[0].Side.Names.All() {
			names = append(names, n.String())
		}
		if len(names) == 0 || len(names) != file.Targets {
			t.Fatalf("%d names, %d targets", len(names), file.Targets)
		}
		var taken taking
		streamed, problems := Parse("a.yaml", strings.NewReader(text), Options{OpenSide: side(string(data)), Side: func(*Order) Names { return &taken }})
		if len(problems.Errors()) > 0 || streamed.Targets != file.Targets || streamed.Orders[0].Side.Names.Len() != 0 || !slices.Equal(taken.names, names) {
			t.Fatalf("taken %q, held %q, %v", taken.names, names, problems)
		}
		again, problems := Parse("a.yaml", strings.NewReader(text), Options{OpenSide: side(strings.Join(names, "\n"))})
		if len(problems) > 0 || again.Targets != file.Targets {
			t.Fatalf("%q: %v", names, problems)
		}
		lines := 0
		for line := range strings.SplitSeq(strings.TrimPrefix(string(data), "\uFEFF"), "\n") {
			line, _, _ = strings.Cut(strings.Trim(line, " \t\r"), "#")
			if strings.Trim(line, " \t\r") != "" {
				lines++
			}
		}
		if lines != len(names) {
			t.Fatalf("%d names of %d lines in %q", len(names), lines, data)
		}
	})
}

type taking struct {
	names []string
	grown []int
	at    int // the number of names before the last call of Grow
}

func (s *taking) AddWire(w *dname.Wire) { s.names = append(s.names, w.Name().String()) }
func (s *taking) Grow(n int)            { s.grown, s.at = append(s.grown, n), len(s.names) }

// sized is a side list of known size.
type sized struct{ *strings.Reader }

func (sized) Close() error { return nil }

func TestSideTaken(t *testing.T) {
	const text = "version: 1\norders: [{id: a, authority: {name: X}, scope: global, from: 2024-01-01, targets_from: {file: list.txt}, status: suspended}]"
	var long strings.Builder
	const n = 50_000
	for i := range n {
		fmt.Fprintf(&long, "name-%d.example\n", i*i%100_000)
	}
	for _, tc := range []struct {
		open  func(string) (io.ReadCloser, error)
		grows int
	}{
		{func(string) (io.ReadCloser, error) { return sized{strings.NewReader(long.String())}, nil }, 1},
		{side(long.String()), 0},
		{func(string) (io.ReadCloser, error) { return sized{strings.NewReader("a.example\nb.example\n")}, nil }, 0},
	} {
		var s taking
		f, problems := Parse("a.yaml", strings.NewReader(text), Options{OpenSide: tc.open, Side: func(o *Order) Names {
			if o.ID != "a" || o.Status != Suspended || o.From == NoTime {
				t.Errorf("got %+v: the action, status or times are missing", o)
			}
			return &s
		}})
		if len(problems) > 0 || f.Targets != len(s.names) || len(s.grown) != tc.grows || f.Orders[0].Side.Taken != len(s.names) {
			t.Fatalf("%d targets, %d names, Grow%v, %v", f.Targets, len(s.names), s.grown, problems)
		}
		if tc.grows > 0 && (s.at > n/10 || s.grown[0] < n*9/10 || s.grown[0] > n*11/10) {
			t.Errorf("Grow(%d) after %d of %d names", s.grown[0], s.at, n)
		}
	}
}

func TestSideTakenWide(t *testing.T) {
	const text = "version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets_from: {file: list.txt}}]"
	const n = 50_000
	for _, line := range []string{"name-%05d.example  # case 2024/123, by the court of first instance\n", "  name-%05d.example\r\n", "name-%05d.example.\n"} {
		var list strings.Builder
		list.WriteString("# what the list is\n")
		for i := range n {
			fmt.Fprintf(&list, line, i)
		}
		var s taking
		open := func(string) (io.ReadCloser, error) { return sized{strings.NewReader(list.String())}, nil }
		_, problems := Parse("a.yaml", strings.NewReader(text), Options{OpenSide: open, Side: func(*Order) Names { return &s }})
		if len(problems) > 0 || len(s.grown) != 1 || s.grown[0]+s.at < n*49/50 || s.grown[0]+s.at > n*51/50 {
			t.Errorf("%q: Grow%v after %d of %d names, %v", line, s.grown, s.at, n, problems)
		}
	}
}

// TestJSONValid compares the JSON parser with encoding/json.
func TestJSONValid(t *testing.T) {
	for _, s := range []string{
		"", " ", "1", "-0", "0", "00", "01", "-", "-1", "+1", "1.", ".1", "1.0", "1e", "1e1", "1E+1", "1e-", "1e+01", "0e0", "0x1", "1 2", "12a",
		"true", "tru", "truex", "false", "null", "nul", "nulL", "NaN", `"`, `""`, `"\`, `"\"`, `"\u`, `"\u0`, `"\u00g0"`, `"\u0041"`, `"\u+041"`, `"\u 041"`, `"\u0x41"`, `"\x"`, "\"\t\"", "\"\x7f\"", `"\/\b"`,
		"[", "]", "[]", "[ ]", "[,]", "[1,]", "[1,,2]", "[1 2]", "[1:2]", "[[]", "{", "}", "{}", "{ }", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{1:2}`, `{"a":1,"a":2}`, "{]", "[}",
		"\v1", "1\f", "\u00a01", "\uFEFF1", "//", "'a'", "{a:1}",
	} {
		checkJSON(t, []byte(s))
		for i := range s {
			checkJSON(t, []byte(s[:i]))
		}
	}
	for _, s := range []string{`"\ud83d"`, `"\ud83d\u0041"`, `"\ude00"`, `"\ude00\ud83d"`, `"\ud83d\\u0041"`} {
		if _, err := parseJSON([]byte(s), 1); err == nil || !strings.Contains(err.Error(), "half a surrogate pair") {
			t.Errorf("%s: %v", s, err)
		}
	}
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := parseJSON(deep(maxDepth), 1); err != nil {
		t.Error(err)
	}
	if _, err := parseJSON(deep(maxDepth+2), 1); err == nil {
		t.Error("depth is not bounded")
	}
	// A column counts characters, not bytes.
	_, err := parseJSON([]byte("{\r\n\t\"ü€😀\": x}"), 7)
	if s, ok := err.(*syntaxError); !ok || s.line != 8 || s.col != 9 {
		t.Errorf("%+v", fmt.Sprintf("%+v", err))
	}
}
