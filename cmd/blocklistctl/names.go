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

type namesFlags struct {
	List        string `placeholder:"FILE" help:"A list with one name on each line, as it was pasted, or a table in CSV or XLSX; - is standard input."`
	SkipRefused bool   `help:"Leave out the refused lines of the list, and report these lines."`
	Expect      *int   `placeholder:"N" help:"The number of names in the decision. If the list has another number, nothing is written. A new order gets the number as stated_count."`
	uncounted   bool   // the number of names is not asked for
	Quiet       bool   `short:"q" help:"Do not report lines that were only cleaned or passed over."`
	readsFlags  `embed:"" group:"Lines with several meanings (a flag is required only if the list has a line of its kind; skip leaves these lines out):"`
}

func (c *namesFlags) load(e *env, a *asker, flag string, names []string) (label string, data []byte, err error) {
	switch {
	case c.List != "" && len(names) > 0:
		return "", nil, misuse("%s and --list cannot be used together", flag)
	case len(names) > 0:
		return flag, []byte(strings.Join(names, "\n") + "\n"), nil
	}
	data, err = c.listFile(e, a, c.List)
	return c.List, data, err
}

// Without a terminal, refused lines cause the error errProblems.
func (c *namesFlags) read(e *env, a *asker, id, flag string, names []string) ([]order.Target, *importJSON, error) {
	if a != nil {
		return c.askNames(a, id, flag, names)
	}
	label, data, err := c.load(e, nil, flag, names)
	if err != nil {
		return nil, nil, err
	}
	d := &domainsCmd{File: label, SkipRefused: c.SkipRefused, Expect: c.Expect, Quiet: c.Quiet, readsFlags: c.readsFlags}
	opt := d.options()
	if err := opt.Check(); err != nil {
		return nil, nil, misuse("--%v", err)
	}
	res, err := importer.Domains(strings.NewReader(string(data)), opt)
	empty := errors.Is(err, importer.ErrEmpty)
	if err != nil && !empty {
		return nil, nil, fmt.Errorf("%s: %w%s", printable.Line(d.File), err, columnHint(d.File, err))
	}
	e.progress.clear()
	out := newReport(id, res)
	d.say(e, res, importer.Groups(res.Notes))
	d.expected(e, out)
	switch {
	case res.Refused > 0 && !c.SkipRefused:
		d.problem(out, "%s", refusal(res.Refused, c.Expect != nil))
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

func refusal(n int, expect bool) string {
	more := ""
	if expect {
		more = ", and the number of --expect may count these lines too"
	}
	return fmt.Sprintf("%s refused; nothing is written (--skip-refused leaves out refused lines%s)", count(n, "line"), more)
}

// newReport returns the report on a list.
func newReport(id string, res *importer.Result) *importJSON {
	return &importJSON{ID: id, Lines: res.Lines, Blank: res.Blank, Comments: res.Comments, Passed: res.Passed,
		Taken: len(res.Targets) + res.Duplicates, Targets: len(res.Targets), Duplicates: res.Duplicates, Refused: res.Refused,
		Skipped: res.Skipped, Reasons: reasonsJSON(importer.Groups(res.Notes)), Notes: notesJSON(res.Notes), Warnings: []string{}, Problems: []string{}}
}

func (c *namesFlags) listFile(e *env, a *asker, path string) ([]byte, error) {
	for {
		d := &domainsCmd{File: path, choose: a != nil, readsFlags: c.readsFlags}
		in, closeIn, err := d.open(e)
		var column *columnError
		if errors.As(err, &column) && a != nil {
			if c.Column = a.column(column); a.err != nil {
				return nil, a.err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(in, importer.MaxSize+1))
		return data, errors.Join(err, closeIn())
	}
}

func (a *asker) column(e *columnError) string {
	var choices []choice
	for _, c := range e.Columns {
		choices = append(choices, choice{c.Spec, fmt.Sprintf("%s, from %q to %q", c.Spec, c.Head, c.Example)})
	}
	return a.choose(question{text: fmt.Sprintf("%s is a table. Which column has the names?", printable.Line(e.file)), flag: "--column",
		help: "If the heading of the column is above the names, it is reported, and you can leave it out."}, choices...)
}
