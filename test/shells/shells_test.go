//go:build e2e && linux

// Package shells tests the completions of blocklistctl in real shells, and the manual page with
// real readers.
package shells

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var dir string

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "shells"); err != nil {
		panic(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "blocklistctl"), "../../cmd/blocklistctl").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	work := t.TempDir()
	if err := os.WriteFile(filepath.Join(work, "orders.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+work, "TERM=dumb")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

var cases = []struct {
	line string
	want []string
}{
	{"blocklistctl comp", []string{"completion"}},
	{"blocklistctl state fo", []string{"forget"}},
	{"blocklistctl due --da", []string{"--days"}},
	{"blocklistctl due -o ht", []string{"html"}},
	{"blocklistctl completion ", []string{"bash", "zsh", "fish"}},
}

func compare(t *testing.T, line, got string, want []string) {
	t.Helper()
	words := strings.Fields(got)
	slices.Sort(words)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(words, want) {
		t.Errorf("%q: got %q, want %q", line, words, want)
	}
}

func TestBash(t *testing.T) {
	const script = `
source <(blocklistctl completion bash)
complete -p blocklistctl >/dev/null || exit 1
eval "COMP_WORDS=($1)"
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_blocklistctl
printf '%s\n' "${COMPREPLY[@]}"`
	for _, tc := range append(cases, struct {
		line string
		want []string
	}{"blocklistctl due --output = ht", []string{"html"}}) {
		compare(t, tc.line, run(t, "bash", "-c", script, "bash", tc.line), tc.want)
	}
}

// zsh completes only at a terminal. So the test replaces _describe and _files by functions that
// print words.
func TestZsh(t *testing.T) {
	run(t, "bash", "-c", "blocklistctl completion zsh > completion.zsh && zsh -n completion.zsh")
	const script = `
compdef() { [[ $1 == _blocklistctl ]] || exit 1 }
_describe() { print -l -- "${(@)${(@P)${@[-1]}}%%:*}" }
_files() { print -l -- files }
source <(blocklistctl completion zsh)
words=(${(z)1})
[[ $1 == *" " ]] && words+=("")
CURRENT=${#words}
_blocklistctl`
	for _, tc := range cases {
		compare(t, tc.line, run(t, "zsh", "-f", "-c", script, "zsh", tc.line), tc.want)
	}
	compare(t, "files", run(t, "zsh", "-f", "-c", script, "zsh", "blocklistctl check "), []string{"files"})
}

// TestFish completes command lines in fish.
func TestFish(t *testing.T) {
	run(t, "bash", "-c", "blocklistctl completion fish > completion.fish && fish --no-execute completion.fish")
	for _, tc := range cases {
		out := run(t, "fish", "--no-config", "-c", "blocklistctl completion fish | source; complete -C (string unescape -- $argv[1])", tc.line)
		var words []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			words = append(words, word)
		}
		compare(t, tc.line, strings.Join(words, " "), tc.want)
	}
	compare(t, "files", run(t, "fish", "--no-config", "-c", "blocklistctl completion fish | source; complete -C 'blocklistctl check ord'"), []string{"orders.yaml"})
}

func TestManual(t *testing.T) {
	if out := run(t, "bash", "-c", "blocklistctl man > blocklistctl.1 && mandoc -T lint -W warning blocklistctl.1"); out != "" {
		t.Error(out)
	}
	for _, reader := range []string{"mandoc -T utf8 blocklistctl.1", "man --warnings -l blocklistctl.1"} {
		out := run(t, "bash", "-c", "export MANPAGER=cat LC_ALL=C.UTF-8; blocklistctl man > blocklistctl.1 && "+reader+" 2>&1 | sed 's/.\\x08//g'")
		for _, want := range []string{"BLOCKLISTCTL DUE", "--days", "blocklistctl due /etc/coredns/orders/", "EXIT STATUS"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %q", reader, want)
			}
		}
		if strings.Contains(out, "warning") && strings.Contains(out, "groff") {
			t.Errorf("%s: %s", reader, out)
		}
	}
}
