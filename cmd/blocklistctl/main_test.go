package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the commands print into testdata/*.txtar")

// clock is the time of all tests.
func clock() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

// TestScripts runs testdata/*.txtar: the files of an archive are laid out in an
// empty directory, the lines of its "commands" run in-process, and their
// transcript is its "want". Lines of standard error begin with "! ".
//
// A command is "blocklistctl" and its arguments, quoted as a shell would; "<
// FILE" at its end is standard input. "cat FILE" and "write FILE TEXT" do what
// they say.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) < 7 {
		t.Fatalf("found %d scripts, %v", len(scripts), err)
	}
	for _, path := range scripts {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { script(t, path) })
	}
}

func script(t *testing.T, path string) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var commands, want []byte
	for _, f := range ar.Files {
		switch f.Name {
		case "commands":
			commands = f.Data
		case "want":
			want = f.Data
		default:
			if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got bytes.Buffer
	for line := range strings.Lines(string(commands)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		got.WriteString("$ " + line + "\n")
		command(t, &got, split(t, line))
	}
	if dir, err := os.Getwd(); err == nil { // absolute paths of a Corefile's ORDERS
		text := strings.ReplaceAll(got.String(), dir, "$DIR")
		got.Reset()
		got.WriteString(text)
	}
	if *update {
		for i := range ar.Files {
			if ar.Files[i].Name == "want" {
				ar.Files[i].Data = got.Bytes()
			}
		}
		if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got.String(), want)
	}
}

func command(t *testing.T, out *bytes.Buffer, args []string) {
	t.Helper()
	switch args[0] {
	case "cat":
		data, err := os.ReadFile(args[1])
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
		return
	case "write":
		if err := os.WriteFile(args[1], []byte(strings.ReplaceAll(args[2], `\n`, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	case "blocklistctl":
	default:
		t.Fatalf("no such command: %q", args)
	}
	var stdin io.Reader = strings.NewReader("")
	if n := len(args); n > 2 && args[n-2] == "<" {
		data, err := os.ReadFile(args[n-1])
		if err != nil {
			t.Fatal(err)
		}
		stdin, args = bytes.NewReader(data), args[:n-2]
	}
	var stdout, stderr bytes.Buffer
	code := run(args[1:], stdin, &stdout, &stderr, clock)
	out.Write(stdout.Bytes())
	if b := stdout.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		t.Errorf("%q: the output does not end in a newline", args)
	}
	for line := range strings.Lines(stderr.String()) {
		out.WriteString("! " + line)
	}
	if code != 0 {
		out.WriteString("exit " + string(rune('0'+code)) + "\n")
	}
	if len(args) > 1 && args[1] == "--json" && code != exitMisuse {
		oneDocument(t, args, stdout.Bytes())
	}
}

// oneDocument: --json writes one document, and docs/blocklistctl.md names each
// of its fields.
func oneDocument(t *testing.T, args []string, data []byte) {
	dec := json.NewDecoder(bytes.NewReader(data))
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Errorf("%q: not JSON: %v", args, err)
		return
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Errorf("%q: more than one document", args)
	}
	if args[2] == "schema" {
		return
	}
	docs := documentation(t)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				if !strings.Contains(docs, "`"+k+"`") {
					t.Errorf("%q: docs/blocklistctl.md does not name the field %q", args, k)
				}
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(v)
}

var docs string

func documentation(t *testing.T) string {
	if docs == "" {
		t.Fatal("docs/blocklistctl.md was not read")
	}
	return docs
}

func TestMain(m *testing.M) {
	flag.Parse()
	if data, err := os.ReadFile(filepath.Join("..", "..", "docs", "blocklistctl.md")); err == nil {
		docs = string(data)
	}
	os.Exit(m.Run())
}

// ctl runs blocklistctl and returns the exit code and what it wrote.
func ctl(args ...string) (code int, out, errs string) { return ctlAt(clock, args...) }

// ctlAt is ctl at the time of a clock.
func ctlAt(now func() time.Time, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(args, strings.NewReader(""), &stdout, &stderr, now)
	return code, stdout.String(), stderr.String()
}

// split parts a line at blanks, single and double quotes respected.
func split(t *testing.T, line string) (words []string) {
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
		t.Fatalf("open quote in %q", line)
	}
	if open {
		words = append(words, word.String())
	}
	return words
}

// TestHelp: every command says how it is used, with an example.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"check"}, {"explain"}, {"diff"}, {"list"}, {"fmt"}, {"schema"}, {"import", "domains"}, {"keygen"}, {"sign"}, {"verify"}} {
		var out, errs bytes.Buffer
		code := run(append(args, "--help"), nil, &out, &errs, clock)
		if code != exitOK || !strings.Contains(out.String(), "Example:") || !strings.Contains(out.String(), "blocklistctl "+strings.Join(args, " ")) || errs.Len() > 0 {
			t.Errorf("%q --help: exit %d\n%s%s", args, code, out.String(), errs.String())
		}
		if !strings.Contains(documentation(t), "## "+strings.Join(args, " ")) {
			t.Errorf("docs/blocklistctl.md has no chapter on %q", args)
		}
	}
}

// TestNoCoreDNS: the tool runs the server's functions without the server. The lexer for
// Corefiles is the one package of CoreDNS's makers in the tool.
func TestNoCoreDNS(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		if strings.Contains(dep, "coredns") && strings.TrimSpace(dep) != "github.com/coredns/caddy/caddyfile" {
			t.Errorf("links %s", dep)
		}
	}
}

// TestSchema: the schema comes out as it is, also with --json.
func TestSchema(t *testing.T) {
	for _, args := range [][]string{{"schema"}, {"--json", "schema"}} {
		var out, errs bytes.Buffer
		if code := run(args, nil, &out, &errs, clock); code != exitOK || !json.Valid(out.Bytes()) || out.String() != string(order.Schema) {
			t.Errorf("%q: exit %d, %d octets, %s", args, code, out.Len(), errs.String())
		}
	}
}
