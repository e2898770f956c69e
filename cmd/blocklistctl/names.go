package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// namesFlags are the flags of the commands that add the names of a list to an order file.
type namesFlags struct {
	List        string `placeholder:"FILE" help:"A list with one name on each line, as it was pasted; - is standard input."`
	SkipRefused bool   `help:"Leave out the refused lines of the list, and report these lines."`
	Expect      *int   `placeholder:"N" help:"The number of names in the decision. If the list has another number, nothing is written."`
	Quiet       bool   `short:"q" help:"Do not report lines that were only cleaned or passed over."`
	readsFlags  `embed:"" group:"Lines with several meanings (a flag is required only if the list has a line of its kind; skip leaves these lines out):"`
}

// read returns the targets of the names and of --list, and the report on the lines. id is the id of
// the order, for the report, and flag is the flag of the names. Standard error receives the report as text. If a line is refused, read
// writes the report as the JSON of the command and returns errProblems.
func (c *namesFlags) read(e *env, id, flag string, names []string) ([]order.Target, *importJSON, error) {
	d := &domainsCmd{File: c.List, SkipRefused: c.SkipRefused, Expect: c.Expect, Quiet: c.Quiet, readsFlags: c.readsFlags}
	opt := d.options()
	if err := opt.Check(); err != nil {
		return nil, nil, misuse("--%v", err)
	}
	var in io.Reader
	switch {
	case c.List != "" && len(names) > 0:
		return nil, nil, misuse("%s and --list cannot be used together", flag)
	case len(names) > 0:
		in, d.File = strings.NewReader(strings.Join(names, "\n")+"\n"), flag
	case c.List != "":
		r, closeIn, err := d.open(e)
		if err != nil {
			return nil, nil, err
		}
		defer closeIn()
		in = r
	default:
		return nil, nil, misuse("no names: give %s NAME or --list FILE", flag)
	}
	res, err := importer.Domains(in, opt)
	empty := errors.Is(err, importer.ErrEmpty)
	if err != nil && !empty {
		return nil, nil, fmt.Errorf("%s: %w", printable.Line(d.File), err)
	}
	e.progress.clear()
	groups := importer.Groups(res.Notes)
	out := &importJSON{ID: id, Lines: res.Lines, Blank: res.Blank, Comments: res.Comments, Passed: res.Passed,
		Taken: len(res.Targets) + res.Duplicates, Targets: len(res.Targets), Duplicates: res.Duplicates, Refused: res.Refused,
		Skipped: res.Skipped, Reasons: reasonsJSON(groups), Notes: notesJSON(res.Notes), Warnings: []string{}, Problems: []string{}}
	d.say(e, res, groups)
	d.expected(e, out)
	switch {
	case res.Refused > 0 && !c.SkipRefused:
		d.problem(out, "%s refused; nothing is written (--skip-refused leaves out refused lines)", count(res.Refused, "line"))
	case empty:
		d.problem(out, "has no name that can be a target")
	}
	if len(out.Problems) == 0 {
		return res.Targets, out, nil
	}
	for _, p := range out.Problems {
		fmt.Fprintln(e.stderr, p)
	}
	if e.json {
		if err := e.writeJSON(out); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, errProblems
}
