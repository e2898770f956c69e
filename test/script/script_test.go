package script

import (
	"strings"
	"testing"
)

func TestPlay(t *testing.T) {
	steps := map[string]Step{
		"say":  func(args []string) string { return strings.ReplaceAll(strings.Join(args, "|"), `\n`, "\n") + "\n" },
		"none": func([]string) string { return "" },
	}
	const right = "# A comment.\n" +
		"say one\n" +
		"    one\n" +
		"none\n" +
		"\n" +
		"say 'a b'  \"c d\" e'f g' ''\n" +
		"    a b|c d|ef g|\n" +
		`say 1\n\n\n2\n` + "\n" +
		"    1\n" +
		"\n" +
		"\n" +
		"    2\n" +
		"\n" +
		`say \n'   3 '` + "\n" +
		"\n" +
		"       3 \n" +
		"\n"
	for _, tc := range []struct{ name, text, played, problem string }{
		{name: "as expected", text: right, played: right},
		{name: "another output", text: "say one\n    two\nnone\n", played: "say one\n    one\nnone\n", problem: "f:1: say one\ngot:\n    one\nwant:\n    two"},
		{name: "more output", text: "say one\nnone\n", played: "say one\n    one\nnone\n", problem: "f:1: say one\ngot:\n    one\nwant:\n"},
		{name: "no output", text: "none\n    one\n\n    two\n\n", played: "none\n\n", problem: "f:1: none\ngot:\n\nwant:\n    one\n\n    two"},
		{name: "other blanks", text: "say one\n     one\n", played: "say one\n    one\n", problem: "f:1: say one\ngot:\n    one\nwant:\n     one"},
		{name: "no such step", text: "none\nsing\n", played: "none\nsing\n", problem: "f:2: sing: there is no such step"},
		{name: "open quote", text: "say 'x\n", played: "say 'x\n", problem: "f:1: say 'x: a quote is open"},
		{name: "output without a step", text: "    none\n", played: "    none\n", problem: "f:1:     none: the line is the output of no step"},
	} {
		played, problems := play("f", tc.text, steps)
		if played != tc.played {
			t.Errorf("%s: played %q, want %q", tc.name, played, tc.played)
		}
		if got := strings.Join(problems, "\n"); got != tc.problem {
			t.Errorf("%s: problem %q, want %q", tc.name, got, tc.problem)
		}
	}
}
