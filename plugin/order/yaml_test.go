package order

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

func slowBareTags(n *yaml.Node, lines [][]byte, found map[*yaml.Node]bool) {
	if n.Style&^yaml.FlowStyle == 0 && n.Line <= len(lines) {
		line := lines[n.Line-1]
		for range n.Column - 1 {
			_, size := utf8.DecodeRune(line)
			line = line[size:]
		}
		found[n] = bytes.HasPrefix(line, []byte("!"))
	}
	for _, c := range n.Content {
		slowBareTags(c, lines, found)
	}
}

func checkBareTags(t *testing.T, text string) {
	t.Helper()
	doc := &yaml.Node{}
	if err := yaml.Unmarshal([]byte(text), doc); err != nil || len(doc.Content) == 0 {
		return
	}
	want := map[*yaml.Node]bool{}
	slowBareTags(doc.Content[0], bytes.Split([]byte(text), []byte("\n")), want)
	m := bareTags{data: []byte(text), line: 1, col: 1}
	m.mark(doc.Content[0])
	for n, tagged := range want {
		if got := n.Style&yaml.TaggedStyle != 0; got != tagged {
			t.Fatalf("node %q at %d:%d: tagged %t, want %t\n%s", n.Value, n.Line, n.Column, got, tagged, text)
		}
	}
	if most := len(text) + strings.Count(text, "\n") + 1; m.steps > most {
		t.Fatalf("%d steps for a text of %d octets", m.steps, len(text))
	}
}

// FuzzBareTags compares bareTags with slowBareTags.
func FuzzBareTags(f *testing.F) {
	seeds(f, ".yaml")
	for _, s := range append([]string{
		"! a", "[! a, b, ! , !, ! [c, ! d]]", "{! a: ! b, ! c, d: !}", "- ! a\n- b: ! c\n  ! d: e\n- !\n- ! [x]\n-\n- - ! y\n",
		"? ! a\n: ! b\n? c\n? d\n:\n", "a:\nb: !\nc:\n- !\n", "ü: [é, ! ß, \"!\", '!', !!str x, ! y]", "a: ! |\n  !\nb: ! >\n  x\nc: !\n  d\n",
		"a: &x ! b\nc: ! &y d\ne: *x\n", "! {a: b}\n", "! [a]\n", "--- ! a\n...\n", "--- !\n- a\n", "a: b\r\nc: ! d\r\n", "a: [\n! b\n,\n! c\n]\n",
	}, runSeeds...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer func() {
			if r := recover(); r != nil && !strings.Contains(fmt.Sprint(r), "yaml") {
				panic(r)
			}
		}()
		checkBareTags(t, string(data))
	})
}

func TestBareTagsLinear(t *testing.T) {
	var b strings.Builder
	b.WriteString("note: a!\ntargets: [")
	for i := range 60_000 {
		fmt.Fprintf(&b, "n%06d.example, ", i)
	}
	b.WriteString("! x]\n")
	doc := &yaml.Node{}
	if err := yaml.Unmarshal([]byte(b.String()), doc); err != nil {
		t.Fatal(err)
	}
	m := bareTags{data: []byte(b.String()), line: 1, col: 1}
	m.mark(doc.Content[0])
	if m.steps > b.Len()+3 || m.steps < b.Len()/2 {
		t.Errorf("%d steps for a text of %d octets", m.steps, b.Len())
	}
	list := doc.Content[0].Content[3].Content
	if last := list[len(list)-1]; last.Style&yaml.TaggedStyle == 0 || list[0].Style&yaml.TaggedStyle != 0 {
		t.Errorf("the last entry has the style %d, the first %d", last.Style, list[0].Style)
	}
}
