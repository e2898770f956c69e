// Command blocklistctl is the operator's tool for DNS blocking orders. It checks order files,
// explains decisions, compares versions of files and imports lists. It calls the functions of
// the server and does not run CoreDNS. docs/blocklistctl.md describes the commands and their
// JSON output.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dns-orders/blocklist/plugin/order"
)

// These are the exit codes.
const (
	exitOK       = 0
	exitProblems = 1
	exitMisuse   = 2 // wrong arguments
)

func main() {
	code := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now)
	// Some file systems report a full disk only when the file is closed.
	if err := os.Stdout.Close(); err != nil && code == exitOK {
		fmt.Fprintf(os.Stderr, "blocklistctl: standard output: %v\n", err)
		code = exitProblems
	}
	os.Exit(code)
}

// commands contains the commands of the tool and the flag --json.
type commands struct {
	JSON bool `name:"json" help:"Write one JSON document to standard output instead of text."`

	Check       checkCmd       `cmd:"" help:"List the errors and warnings of order files."`
	Explain     explainCmd     `cmd:"" help:"Show whether a name is blocked, by which order, and why."`
	Diff        diffCmd        `cmd:"" help:"Compare two versions of order files."`
	List        listCmd        `cmd:"" help:"List orders with their states, times and targets."`
	Fmt         fmtCmd         `cmd:"" help:"Write order files in canonical form."`
	Schema      schemaCmd      `cmd:"" help:"Print the JSON Schema of order files."`
	Import      importCmd      `cmd:"" help:"Convert lists of names to order files."`
	Add         addCmd         `cmd:"" help:"Add a block order to an order file."`
	Lift        liftCmd        `cmd:"" help:"Add a lift: an order that ends other orders."`
	Amend       amendCmd       `cmd:"" help:"Add names to a block order."`
	Correct     correctCmd     `cmd:"" help:"Correct an error of the operator: lift a name from all orders."`
	Suspend     suspendCmd     `cmd:"" help:"Suspend an order for a time."`
	Acknowledge acknowledgeCmd `cmd:"" help:"Write when the receipt of an order was confirmed to the authority."`
	Reported    reportedCmd    `cmd:"" help:"Write when it was reported to the authority that an order is in force."`
	Keygen      keygenCmd      `cmd:"" help:"Make a pair of keys for signatures of order files."`
	Sign        signCmd        `cmd:"" help:"Sign an order file, and put a new version in place together with its signature."`
	Verify      verifyCmd      `cmd:"" help:"Check the signatures of order files."`
	State       stateCmd       `cmd:"" help:"Show and change the stored versions of a server."`
}

const description = `The operator's tool for DNS blocking orders.

Exit codes: 0 no problem, 1 problems found, 2 wrong arguments.`

// env contains the surroundings of a command, for example standard output and the clock.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	json           bool
	now            func() time.Time
	progress       *progress
	edited         map[string][]byte // see readFile
	asks           *asker            // see asker
}

// run runs the tool with the given arguments and returns the exit code.
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
		kong.Description(description),
		kong.Writers(out, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Vars{"responses": order.ResponseForms("addresses")},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // a tag of a command is wrong
	}
	e := &env{stdin: stdin, stdout: out, stderr: stderr, now: now, progress: newProgress(stderr)}
	ctx, err := parser.Parse(withHelpFlag(args))
	if err != nil {
		e.json = wantsJSON(args)
		code = e.usage(err)
	} else {
		e.json = c.JSON
		if err = ctx.Run(e); out.err != nil && errors.Is(err, out.err) {
			err = nil // the error of standard output is reported below
		}
		code = e.report(err)
	}
	if out.err != nil {
		e.say("standard output: %v", out.err)
		return max(code, exitProblems)
	}
	return code
}

// moment returns the time in the flag --at, or the present time.
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
