package order

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func manyTargets(n int, more string) string {
	var b strings.Builder
	b.WriteString("version: 1\norders:\n  - id: a\n    authority: {name: X}\n    scope: global\n" + more + "    targets:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - shop%04d.example.com\n", i)
	}
	return b.String()
}

func TestCutWithinAnOrder(t *testing.T) {
	text := format(t, "a.yaml", manyTargets(30, ""), Options{})
	if !strings.Contains(text, "    target_count: 30\n    targets:\n") {
		t.Fatalf("formatted:\n%s", text)
	}
	for i := range strings.TrimSuffix(text, "shop0029.example.com\n...\n") {
		if _, problems := parseString(t, text[:i]); len(problems.Errors()) == 0 {
			t.Errorf("a file that is cut after %q is good", text[max(0, i-30):i])
		}
	}
	cut, _, _ := strings.Cut(text, "shop0020")
	_, problems := parseString(t, cut+"shop0020.example.co")
	const want = `a.yaml:7:19: order "a": target_count: does not match the number of targets, which is 21; check whether the order was cut off, got "30"`
	if problems.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", problems, want)
	}
}

func TestTargetCountWritten(t *testing.T) {
	side19 := ""
	for i := range 19 {
		side19 += fmt.Sprintf("s%d.example\n", i)
	}
	digest := "    targets_from: {file: l, sha256: " + strings.Repeat("0", 64) + "}\n"
	_, problems := Parse("a.yaml", strings.NewReader(manyTargets(1, digest)), Options{OpenSide: side(side19)})
	_, sum, _ := strings.Cut(problems[0].Msg, "write sha256: ")
	digest = strings.Replace(digest, strings.Repeat("0", 64), sum, 1)
	for _, tc := range []struct {
		what, text, want string
	}{
		{"19 targets", manyTargets(19, ""), ""},
		{"19 targets and a count", manyTargets(19, "    target_count: 19\n"), "19"},
		{"20 targets", manyTargets(20, ""), "20"},
		{"no count", manyTargets(20, "    target_count: null\n"), "20"},
		{"1 target and a list of 19", manyTargets(1, "    targets_from: {file: l}\n"), ""},
		{"20 targets and a list of 19", manyTargets(20, "    targets_from: {file: l}\n"), ""},
		{"1 target and a list of 19 with its digest", manyTargets(1, digest), "20"},
	} {
		opt := Options{OpenSide: side(side19)}
		f, problems := Parse("a.yaml", strings.NewReader(tc.text), opt)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", tc.what, problems)
		}
		var encoded bytes.Buffer
		if err := Encode(&encoded, ".yaml", Header{Serial: -1, ShrinkOK: -1}, f.Orders); err != nil {
			t.Fatal(err)
		}
		checkEncode(t, tc.what, Header{Serial: -1, ShrinkOK: -1}, f.Orders, opt)
		for how, text := range map[string]string{"formatted": checkFormat(t, "a.yaml", tc.text, opt), "encoded": encoded.String()} {
			_, got, found := strings.Cut(text, "target_count: ")
			got, _, _ = strings.Cut(got, "\n")
			if how == "encoded" && tc.want == "19" {
				continue // Format keeps the 19 of the file; Encode writes no count below 20 targets
			}
			if found != (tc.want != "") || got != tc.want {
				t.Errorf("%s, %s: target_count %q, want %q", tc.what, how, got, tc.want)
			}
		}
	}
}

func TestFormatCountsLines(t *testing.T) {
	line := func(id string, n int) string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf(`"n%d.example"`, i)
		}
		return `{"id":"` + id + `","authority":{"name":"X"},"scope":"global",%s"targets":[` + strings.Join(names, ",") + "]}\n"
	}
	head, a, b, c := `{"version":1,"count":3}`+"\n", line("a", 21), line("b", 2), line("c", 20)
	in := head + fmt.Sprintf(a, "") + fmt.Sprintf(b, "") + fmt.Sprintf(c, "")
	want := head + fmt.Sprintf(a, `"target_count":21,`) + fmt.Sprintf(b, "") + fmt.Sprintf(c, `"target_count":20,`)
	if got := checkFormat(t, "a.jsonl", in, Options{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTargetCountOfRun(t *testing.T) {
	var list strings.Builder
	for i := range 500 {
		fmt.Fprintf(&list, "      - n%d.example\n", i)
	}
	text := func(count int) string {
		return fmt.Sprintf("version: 1\norders:\n  - id: a\n    authority: {name: X}\n    scope: global\n    target_count: %d\n    targets:\n%s", count, list.String())
	}
	if _, problems := Parse("a.yaml", strings.NewReader(text(500)), Options{}); len(problems.Errors()) > 0 {
		t.Errorf("500 of 500: %v", problems)
	}
	_, problems := Parse("a.yaml", strings.NewReader(text(501)), Options{})
	if got := problems.Error(); !strings.Contains(got, "does not match the number of targets, which is 500") {
		t.Errorf("501 of 500: %v", got)
	}
}
