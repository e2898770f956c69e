// Command blocklistctl is the legal desk's and the operator's tool around the
// blocklist plugin: it checks order files, explains verdicts, compares versions
// and imports lists. It calls the same functions as the server and runs no
// CoreDNS. docs/blocklistctl.md describes it, its JSON included.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Exit codes.
const (
	exitOK       = 0
	exitProblems = 1
	exitMisuse   = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now))
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
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	var c commands
	parser, err := kong.New(&c,
		kong.Name("blocklistctl"),
		kong.Description("The operator's tool for DNS blocking orders. Exit codes: 0 fine, 1 problems found, 2 misuse."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the commands' own tags are wrong
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "blocklistctl: %v\nblocklistctl --help and blocklistctl COMMAND --help say more\n", err)
		return exitMisuse
	}
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, json: c.JSON, now: now, progress: newProgress(stderr)}
	err = ctx.Run(e)
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
	fmt.Fprintf(stderr, "blocklistctl: %v\n", err)
	if errors.Is(err, errMisuse) {
		return exitMisuse
	}
	return exitProblems
}

// writeJSON writes the one document of a command with --json.
func (e *env) writeJSON(v any) error {
	e.progress.clear()
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
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
