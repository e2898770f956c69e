// Command blocklistctl is the legal desk's and the operator's tool around the
// blocklist plugin: it checks order files, explains verdicts, compares versions
// and imports lists. It calls the same functions as the server and runs no
// CoreDNS. docs/blocklistctl.md describes it, its JSON included.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/alecthomas/kong"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// Exit codes.
const (
	exitOK       = 0
	exitProblems = 1
	exitMisuse   = 2
)

func main() {
	code := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now)
	// Some file systems say only now that there was no room.
	if err := os.Stdout.Close(); err != nil && code == exitOK {
		fmt.Fprintf(os.Stderr, "blocklistctl: standard output: %v\n", err)
		code = exitProblems
	}
	os.Exit(code)
}

// commands is the command line.
type commands struct {
	JSON bool `name:"json" help:"Write one JSON document to standard output instead of text."`

	Check   checkCmd   `cmd:"" help:"Find every problem of order files, and what is odd about them."`
	Explain explainCmd `cmd:"" help:"Say whether a name is blocked, by which order, and why others do not apply."`
	Diff    diffCmd    `cmd:"" help:"Compare two versions of order files: orders, and the names that they block or free."`
	List    listCmd    `cmd:"" help:"List orders with their state, times and targets."`
	Fmt     fmtCmd     `cmd:"" help:"Write order files in their canonical form, with the count."`
	Schema  schemaCmd  `cmd:"" help:"Print the JSON Schema of the order file, for editors."`
	Import  importCmd  `cmd:"" help:"Turn the lists of authorities into order files."`
	Keygen  keygenCmd  `cmd:"" help:"Make a pair of keys for signatures of order files."`
	Sign    signCmd    `cmd:"" help:"Sign an order file, and put a new version in place together with its signature."`
	Verify  verifyCmd  `cmd:"" help:"Check the signatures of order files."`
}

// env is what a command has besides its arguments.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	json           bool
	now            func() time.Time
	progress       *progress
}

var (
	// errProblems ends a command that has said what is wrong.
	errProblems = errors.New("problems found")
	// errMisuse marks arguments that make no sense.
	errMisuse = errors.New("misuse")
)

// misuse is an error about the arguments.
func misuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMisuse, fmt.Sprintf(format, args...))
}

// exit carries the exit code of kong's --help out of the parser.
type exit int

// run is main without the process, for tests.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, now func() time.Time) (code int) {
	out := &output{w: stdout}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(e)
			if out.err != nil {
				code = max(code, exitProblems)
			}
		}
	}()
	var c commands
	parser, err := kong.New(&c,
		kong.Name("blocklistctl"),
		kong.Description("The operator's tool for DNS blocking orders. Exit codes: 0 fine, 1 problems found, 2 misuse."),
		kong.Writers(out, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the commands' own tags are wrong
	}
	e := &env{stdin: stdin, stdout: out, stderr: stderr, now: now, progress: newProgress(stderr)}
	ctx, err := parser.Parse(args)
	if err != nil {
		e.json = wantsJSON(args)
		e.report(err)
		fmt.Fprintln(stderr, "blocklistctl --help and blocklistctl COMMAND --help say more")
		code = exitMisuse
	} else {
		e.json = c.JSON
		if err = ctx.Run(e); out.err != nil && errors.Is(err, out.err) {
			err = nil // to be reported once
		}
		code = e.report(err)
	}
	if out.err != nil {
		e.say("standard output: %v", out.err)
		return max(code, exitProblems)
	}
	return code
}

// report says what an error of a command is about, and returns the exit code.
func (e *env) report(err error) (code int) {
	e.progress.clear()
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	}
	if e.json {
		e.writeJSON(struct {
			Error string `json:"error"`
		}{err.Error()})
	}
	e.say("%v", err)
	if errors.Is(err, errMisuse) {
		return exitMisuse
	}
	return exitProblems
}

// say writes to standard error, each line as printable text.
func (e *env) say(format string, args ...any) {
	e.progress.clear()
	for i, line := range strings.Split(fmt.Sprintf(format, args...), "\n") {
		if i == 0 {
			line = "blocklistctl: " + line
		}
		fmt.Fprintln(e.stderr, printable.Line(line))
	}
}

// wantsJSON reports whether --json is among arguments that could not be parsed.
func wantsJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

// output is standard output. It keeps the first error, so that a command whose output is
// lost does not end as if all were well.
type output struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (n int, err error) {
	n, err = o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// writeJSON writes the one document of a command with --json. Text that is not printable is
// escaped in it, so that the document may be shown on a terminal.
func (e *env) writeJSON(v any) error {
	e.progress.clear()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	var out strings.Builder
	for _, r := range b.String() {
		if r == '\n' || printable.Is(string(r)) {
			out.WriteRune(r)
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&out, `\u%04x`, u)
		}
	}
	_, err := io.WriteString(e.stdout, out.String())
	return err
}

// moment is the time that --at gives, else the clock's.
func (e *env) moment(at string) (order.Time, error) {
	if at == "" {
		return order.Time(e.now().Unix()), nil
	}
	t, err := order.ParseTime(at, time.UTC)
	if err != nil {
		return 0, misuse("--at: %v, got %q", err, at)
	}
	return t, nil
}
