// Command blocklistctl checks, explains, compares and imports DNS blocking orders.
// docs/blocklistctl.md describes the commands and their JSON output.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// These are the exit codes.
const (
	exitOK       = 0
	exitProblems = 1
	exitMisuse   = 2 // wrong arguments
)

func main() {
	setGC(relaxedGC)
	code := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now)
	// Some file systems report a full disk only when the file is closed.
	if err := os.Stdout.Close(); err != nil && code == exitOK {
		fmt.Fprintf(os.Stderr, "blocklistctl: standard output: %v\n", err)
		code = exitProblems
	}
	os.Exit(code)
}

type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	json           bool
	now            func() time.Time
	progress       *progress
	edited         map[string][]byte // see readFile
	kept           *keptVersions     // see readFile
	sealed         bool              // problems of sealed orders are shown
	asks           *asker            // see asker
}

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
	if len(args) > 0 && args[0] == completeWord {
		complete(out, args[1:])
		return exitOK
	}
	var c commands
	parser := newParser(&c, out, stderr)
	e := &env{stdin: stdin, stdout: out, stderr: stderr, now: now, progress: newProgress(stderr)}
	ctx, err := parser.Parse(withHelpFlag(args))
	if err != nil {
		e.json = wantsJSON(args)
		code = e.usage(err)
	} else {
		e.json = c.JSON
		run := func() error { return ctx.Run(e) }
		if err = e.runAgain(ctx.Selected().Target, run); out.err != nil && errors.Is(err, out.err) {
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
