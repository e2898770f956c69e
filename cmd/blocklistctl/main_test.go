package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/script"
	"github.com/dns-orders/blocklist/test/upstream"
)

func clock() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

// TestScripts runs the scripts in testdata/*.txtar. Package test/script describes the format. The
// steps are:
//
// - "blocklistctl ARGUMENT..." runs the tool. "< FILE" gives standard input.
// - "cat FILE" prints a file. "write FILE#VERSION" writes a file.
// - "resolver FILE" starts a resolver with the records in the file. $RESOLVER is its address.
// - "git ARGUMENT..." runs git. "git ignore" makes git ignore new files.
// - "git leave" removes the work tree.
func TestScripts(t *testing.T) {
	script.RunAll(t, "testdata/*.txtar", 7, func(s *script.Script) map[string]script.Step {
		s.LayOut(nil)
		return commandSteps(s)
	})
}

// commandSteps returns the steps of TestScripts.
func commandSteps(s *script.Script) map[string]script.Step {
	resolver := "$RESOLVER"
	return map[string]script.Step{
		"blocklistctl": func(args []string) string {
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "$RESOLVER", resolver)
			}
			return strings.ReplaceAll(command(s, args), resolver, "$RESOLVER")
		},
		"resolver": func(args []string) string {
			resolver = upstream.Start(s.T, string(s.File(args[0]))).Addr
			return ""
		},
		"cat": func(args []string) string { return content(s.T, args[0]) },
		"env": func(args []string) string {
			name, value, _ := strings.Cut(args[0], "=")
			s.T.Setenv(name, value)
			return ""
		},
		"git": func(args []string) string { return runGit(s, args) },
		"write": func(args []string) string {
			name, _, _ := strings.Cut(args[0], "#")
			s.Put(name, s.File(args[0]), clock())
			return ""
		},
	}
}

func runGit(s *script.Script, args []string) string {
	s.T.Helper()
	for _, v := range []string{"AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"} {
		s.T.Setenv("GIT_"+v, "desk")
	}
	s.T.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	s.T.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(s.Dir))
	switch args[0] {
	case "ignore":
		s.Put(filepath.Join(".git", "info", "exclude"), []byte("new.yaml\n"), clock())
		return ""
	case "leave":
		if err := os.RemoveAll(".git"); err != nil {
			s.T.Fatal(err)
		}
		return ""
	}
	out, err := exec.Command("git", args...).CombinedOutput()
	if err != nil {
		s.T.Errorf("git %q: %v: %s", args, err, out)
	}
	return string(out)
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func command(s *script.Script, args []string) string {
	s.T.Helper()
	in := ""
	if n := len(args); n > 1 && args[n-2] == "<" {
		in, args = content(s.T, args[n-1]), args[:n-2]
	}
	var out strings.Builder
	var stdout, stderr bytes.Buffer
	code := run(args, strings.NewReader(in), &stdout, &stderr, clock)
	out.Write(stdout.Bytes())
	if b := stdout.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		s.T.Errorf("%q: the output does not end in a newline", args)
	}
	for line := range strings.Lines(stderr.String()) {
		out.WriteString("! " + line)
	}
	if code != 0 {
		fmt.Fprintf(&out, "exit %d\n", code)
	}
	if len(args) > 0 && args[0] == "--json" && code != exitMisuse {
		oneDocument(s.T, args, stdout.Bytes())
	}
	return strings.ReplaceAll(out.String(), s.Dir, "$DIR")
}

// With --json, the output must be one JSON document. The docs must describe each field.
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
	if args[1] == "schema" {
		return
	}
	docs := documentation(t)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				if !strings.Contains(docs, "`"+k+"`") {
					t.Errorf("%q: %s do not name the field %q", args, pages, k)
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

// If the environment variable asTool is set, the test program runs as the tool.
const asTool = "BLOCKLISTCTL_TEST_ARGS"

var docs string

func documentation(t *testing.T) string {
	if docs == "" {
		t.Fatal(pages + " were not read")
	}
	return docs
}

// pages are the pages about the tool.
const pages = "../../docs/blocklistctl*.md"

func TestMain(m *testing.M) {
	if args := os.Getenv(asTool); args != "" {
		os.Exit(run(strings.Fields(args), os.Stdin, os.Stdout, os.Stderr, clock))
	}
	flag.Parse()
	paths, _ := filepath.Glob(pages)
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil {
			docs += string(data)
		}
	}
	os.Exit(m.Run())
}

func ctl(args ...string) (code int, out, errs string) { return ctlAt(clock, args...) }

// ctlAt runs blocklistctl with the given clock.
func ctlAt(now func() time.Time, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(args, strings.NewReader(""), &stdout, &stderr, now)
	return code, stdout.String(), stderr.String()
}

func TestHelp(t *testing.T) {
	for _, leaf := range newParser(new(commands), nil, nil).Model.Leaves(true) {
		args := strings.Fields(leaf.Path())
		var out, errs bytes.Buffer
		code := run(append(args, "--help"), nil, &out, &errs, clock)
		if code != exitOK || !strings.Contains(out.String(), "Example:") || !strings.Contains(out.String(), "blocklistctl "+strings.Join(args, " ")) || errs.Len() > 0 {
			t.Errorf("%q --help: exit %d\n%s%s", args, code, out.String(), errs.String())
		}
		if !strings.Contains(documentation(t), "## "+strings.Join(args, " ")) {
			t.Errorf("%s have no chapter on %q", pages, args)
		}
	}
}

// TestNoCoreDNS checks that the tool does not link CoreDNS. Only caddyfile, the lexer for
// Corefiles, is allowed.
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

func TestSchema(t *testing.T) {
	for _, args := range [][]string{{"schema"}, {"--json", "schema"}} {
		var out, errs bytes.Buffer
		if code := run(args, nil, &out, &errs, clock); code != exitOK || !json.Valid(out.Bytes()) || out.String() != string(order.Schema) {
			t.Errorf("%q: exit %d, %d octets, %s", args, code, out.Len(), errs.String())
		}
	}
}

// A command without --at must use the present time. The test clock advances at each reading.
func TestPresent(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.yaml", []byte("version: 1\norders: [{id: a, authority: {name: A}, scope: global, targets: [a.example]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"explain", "a.example", "a.yaml"}, {"list", "a.yaml"}, {"due", "a.yaml"}} {
		now := clock()
		_, out, errs := ctlAt(func() time.Time { now = now.Add(time.Second); return now }, args...)
		if text := out + errs; strings.Contains(text, "present order files") {
			t.Errorf("%q:\n%s", args, text)
		}
	}
}
