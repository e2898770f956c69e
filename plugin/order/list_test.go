package order

import (
	"slices"
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	f, problems := Parse("/etc/dns/our names.TXT", strings.NewReader("\uFEFF# ours\r\nAds.Example # a comment\r\n\r\nbücher.example\n_x.example."), Options{})
	if len(problems) > 0 || len(f.Orders) != 1 {
		t.Fatalf("%v, %d orders", problems, len(f.Orders))
	}
	o := f.Orders[0]
	var names []string
	for _, x := range o.Targets {
		names = append(names, x.String())
	}
	if want := []string{"ads.example", "xn--bcher-kva.example", "_x.example"}; !slices.Equal(names, want) || o.Targets[1].Line != 4 || f.Targets != 3 || f.Count != 1 {
		t.Errorf("%q, line %d, %d targets, %d orders", names, o.Targets[1].Line, f.Targets, f.Count)
	}
	if o.ID != "our-names.TXT" || o.Authority != (Authority{Name: "the operator", Kind: KindOperator}) || !o.Scope.Global || o.Status != Active || o.From != NoTime {
		t.Errorf("%+v", o)
	}

	taken := &taking{}
	emitted := 0
	f, problems = Parse("a.txt", strings.NewReader("a.example\nb.example\n"), Options{
		Targets: func(o *Order) Names { return taken },
		Emit:    func(o *Order) { emitted += o.NumTargets() },
	})
	if len(problems) > 0 || emitted != 2 || len(taken.names) != 2 || f.Targets != 2 || len(f.Orders) != 0 {
		t.Errorf("%v, %d names emitted, %q taken, %+v", problems, emitted, taken.names, f)
	}
}

// TestListRefused checks the errors of plain lists.
func TestListRefused(t *testing.T) {
	const empty = `a.txt:1:1: has no names, as a full disk or a failed download leaves a file; put the last good version back, or write the line "# shrink_ok: 0" to end all blocks of the list`
	for text, want := range map[string]string{
		"":                      empty,
		"# shrink_ok: 1\n":      empty,
		"# shrink_ok: 0\n":      "",
		"<html>\n":              "a.txt:1:1: is HTML or XML, perhaps a page that was saved in place of the file",
		"%PDF-1.7\n":            "a.txt:1:1: is a PDF; copy its text into a plain text file",
		"a.example\n*.b.test\n": `a.txt:2:1: a name of a plain list includes all names below it; write the name without "*.", got "*.b.test"`,
		"a.example\n 192.0.2.1": `a.txt:2:2: is an IP address, and a plain list has only names; an order file in YAML can have addresses, got "192.0.2.1"`,
		"a.example b.example\nco.uk/page\n": `a.txt:1:1: has blanks or control characters; write one bare name, got "a.example b.example"` + "\n" +
			`a.txt:2:1: has a path; write the bare name, or "url: ..." for one page, got "co.uk/page"`,
	} {
		f, problems := Parse("a.txt", strings.NewReader(text), Options{})
		var got []string
		for _, p := range problems {
			got = append(got, p.Error())
		}
		if s := strings.Join(got, "\n"); s != want || len(f.Orders) > 0 || f.Count > 0 {
			t.Errorf("%q: %s\nwant %s; %d orders", text, s, want, len(f.Orders))
		}
	}
	if f, _ := Parse("a.txt", strings.NewReader("a.example\n#shrink_ok: 1\n"), Options{}); f.ShrinkOK != 1 {
		t.Errorf("shrink_ok is %d", f.ShrinkOK)
	}
}

func FuzzList(f *testing.F) {
	for _, s := range []string{"a.example\n", "# a\n\n*.b.example\n", "192.0.2.1\n", "a.example b\n", "\uFEFFä.example # x\r\n", "# shrink_ok: 0\n", "<a>\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, bad := Parse("a.txt", strings.NewReader(text), Options{})
		const file = `{"version": 1, "orders": [{"id": "a", "authority": {"name": "A"}, "scope": "global", "targets_from": {"file": "side.txt"}}]}`
		twin, badSide := Parse("a.json", strings.NewReader(file), Options{OpenSide: side(text)})
		if len(bad.Errors()) > 0 || len(badSide.Errors()) > 0 {
			if len(bad.Errors()) == 0 && list.Count > 0 {
				t.Fatalf("%q: only the side list has problems: %v", text, badSide)
			}
			if len(badSide.Errors()) == 0 && isText([]byte(text[:min(len(text), 256)])) == nil {
				t.Fatalf("%q: only the plain list has problems: %v", text, bad)
			}
			return
		}
		var want []string
		for n := range twin.Orders[0].Side.Names.All() {
			want = append(want, n.String())
		}
		var got []string
		for _, x := range list.Orders[0].Targets {
			got = append(got, x.Name.String())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
	})
}
