package main

import (
	"bytes"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func completions(words ...string) (out []string) {
	for _, c := range candidates(newParser(new(commands), nil, nil).Model.Node, words) {
		word, _, _ := strings.Cut(c, "\t")
		out = append(out, word)
	}
	return out
}

func TestCompletion(t *testing.T) {
	for _, tc := range []struct {
		words string // the words of the command line, separated by spaces
		want  string
	}{
		{"du", "due"},
		{"state set", "set-serial"},
		{"import dom", "domains"},
		{"ma", ""}, // hidden commands are not completed
		{"due --da", "--days"},
		{"due --he", "--help"},
		{"due --js", "--json"},
		{"explain --no", "--no-edns"},
		{"due -o ", "text json csv html ics"},
		{"due -o c", "csv"},
		{"due --output ht", "html"},
		{"due --output=ht", "--output=html"},
		{"due --output = ht", "html"}, // as bash splits the word
		{"due --output =", "text json csv html ics"},
		{"due --days ", ""},
		{"due --corefile ", filesWord},
		{"due --sealed ", filesWord}, // a flag without a value
		{"due ", filesWord},
		{"due a.yaml b", filesWord},
		{"due -- --da", filesWord},
		{"list --state e", "ended"},
		{"list --action ", "block lift"},
		{"explain a.example ", filesWord},
		{"completion ", "bash zsh fish"},
		{"completion z", "zsh"},
		{"nonsense ", strings.Join(completions(""), " ")},
		{"--json du", "due"},
	} {
		if got := strings.Join(completions(strings.Split(tc.words, " ")...), " "); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.words, got, tc.want)
		}
	}
}

func TestCompletionOfAll(t *testing.T) {
	for _, leaf := range newParser(new(commands), nil, nil).Model.Leaves(true) {
		path := strings.Fields(leaf.Path())
		if !slices.Contains(completions(path...), path[len(path)-1]) {
			t.Errorf("%q is not completed", path)
		}
		got := completions(append(slices.Clone(path), "--")...)
		for _, f := range leaf.Flags {
			if !slices.Contains(got, "--"+f.Name) {
				t.Errorf("%q: --%s is not completed: %q", path, f.Name, got)
			}
		}
	}
}

// TestCompleteCommand checks the hidden command of the scripts.
func TestCompleteCommand(t *testing.T) {
	code, out, errs := ctl(completeWord, "comp")
	if code != exitOK || out != "completion\tPrint the completion script for a shell.\n" || errs != "" {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if _, out, _ := ctl("completion", shell); !strings.Contains(out, completeWord) || !strings.Contains(out, filesWord) {
			t.Errorf("%s: %q", shell, out)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, leaf := range newParser(new(commands), nil, nil).Model.Leaves(true) {
		for _, p := range leaf.Positional {
			if help := strings.ToLower(p.Help); (strings.HasPrefix(help, "order file") || strings.HasPrefix(help, "the order file")) && !isFile(p, p.Name) {
				t.Errorf("%s: the argument %q is a path, but is not completed as a path", leaf.Path(), p.Name)
			}
		}
		for _, f := range leaf.Flags {
			if help := strings.ToLower(f.Help); !f.IsBool() && (strings.HasPrefix(help, "the corefile") || strings.HasPrefix(help, "a protect list") || strings.HasPrefix(help, "an order file")) && !isFile(f.Value, f.PlaceHolder) {
				t.Errorf("%s: the flag --%s is a path, but is not completed as a path", leaf.Path(), f.Name)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.0"}
	info.Main.Version = "v1.2.3"
	if got, want := buildText(info), "v1.2.3, built with go1.26.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}
	if got, want := buildText(info), "v1.2.3, commit abc with changes, built with go1.26.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := buildText(&debug.BuildInfo{}), "of unknown version"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, args := range [][]string{{"--version"}, {"due", "--version"}} {
		if code, out, errs := ctl(args...); code != exitOK || !strings.HasPrefix(out, "blocklistctl ") || errs != "" {
			t.Errorf("%q: exit %d, %q, %q", args, code, out, errs)
		}
	}
}

// TestManual checks that the manual page is complete.
func TestManual(t *testing.T) {
	var b bytes.Buffer
	m := &manual{w: &b}
	model := newParser(new(commands), nil, nil).Model
	m.write(model, "2026-05-01", "v1.2.3")
	page := b.String()
	if !strings.HasPrefix(page, `.TH BLOCKLISTCTL 1 "2026-05-01" "blocklistctl v1.2.3"`) {
		t.Errorf("begins with %.80q", page)
	}
	has := func(s string) {
		if !strings.Contains(page, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
	for _, leaf := range model.Leaves(true) {
		has(`.SH "` + strings.ToUpper(roff(leaf.FullPath())) + `"`)
		for _, group := range [][]*kong.Flag{leaf.Flags, model.Flags} {
			for _, f := range group {
				has(roff("--" + f.Name))
			}
		}
	}
	known := map[string]bool{"TH": true, "SH": true, "SS": true, "PP": true, "TP": true, "B": true, "I": true, "EX": true, "EE": true}
	for line := range strings.Lines(page) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(line, "'") || strings.HasPrefix(name, ".") && !known[name[1:]] {
			t.Errorf("the line %q is read as a macro", line)
		}
	}
	if strings.Contains(page, completeWord) {
		t.Error("has a hidden command")
	}
	var text bytes.Buffer
	(&manual{w: &text}).text(`.a 'b' \n -c`)
	if got, want := text.String(), `\&.a 'b' \en \-c`+"\n"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}
