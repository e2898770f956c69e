package script

import (
	"fmt"
	"slices"
	"strings"
)

func play(file, text string, steps map[string]Step) (played string, problems []string) {
	lines := strings.Split(text, "\n")
	var out []string
	for i := 0; i < len(lines); {
		line := lines[i]
		at := fmt.Sprintf("%s:%d: %s", file, i+1, line)
		out = append(out, line)
		i++
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		if line[0] == ' ' {
			return text, append(problems, at+": the line is the output of no step")
		}
		words, err := split(line)
		if err != nil {
			return text, append(problems, at+": "+err.Error())
		}
		do := steps[words[0]]
		if do == nil {
			return text, append(problems, at+": there is no such step")
		}
		n := outputLines(lines[i:])
		want := unindent(lines[i : i+n])
		got := strings.Split(strings.TrimRight(do(words[1:]), "\n"), "\n")
		if len(got) == 1 && got[0] == "" {
			got = nil
		}
		if !slices.Equal(got, want) {
			problems = append(problems, fmt.Sprintf("%s\ngot:\n%s\nwant:\n%s", at, strings.Join(indented(got), "\n"), strings.Join(lines[i:i+n], "\n")))
		}
		out = append(out, indented(got)...)
		i += n
	}
	return strings.Join(out, "\n"), problems
}

func outputLines(lines []string) (n int) {
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, indent):
			n = i + 1
		case l != "":
			return n
		}
	}
	return n
}

func indented(lines []string) []string {
	out := slices.Clone(lines)
	for i, l := range lines {
		if l != "" {
			out[i] = indent + l
		}
	}
	return out
}

func unindent(lines []string) (out []string) {
	for _, l := range lines {
		out = append(out, strings.TrimPrefix(l, indent))
	}
	return out
}

func split(line string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	open := false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, open = r, true
		case quote == 0 && r == ' ':
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote is open")
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}
