package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// checkCmd is blocklistctl check.
type checkCmd struct {
	Orders      []string `arg:"" optional:"" name:"orders" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	Against     []string `placeholder:"OLD" sep:"none" help:"The files that a running server has in force: a version that the server would refuse after them, by serial or max_shrink, is a problem. May be given several times."`
	Strict      bool     `help:"Exit with 1 on warnings too."`
	NoWarnings  bool     `help:"Leave the warnings out."`
	At          string   `placeholder:"TIME" help:"Judge what is past at this time instead of now."`
}

// Help is the longer help.
func (*checkCmd) Help() string {
	return `Every problem is listed as FILE:LINE:COLUMN: order "ID": FIELD: what is wrong, got "VALUE". A file with a problem does not go into force; what is marked as a warning does, but somebody should look at it.

Example:

  blocklistctl check /etc/coredns/orders/ --protect /etc/coredns/protect.txt
  blocklistctl check new/orders.yaml --against /etc/coredns/orders.yaml --corefile /etc/coredns/Corefile

A server that is running compares a file with the version in force, which --against gives; max_shrink is the Corefile's, or 50%.

Targets that the never-block guard holds are warned of: they are not enforced unless the order gives a reason to force them.`
}

// checkJSON is what check writes with --json.
type checkJSON struct {
	Problems []problemJSON `json:"problems"`
	Files    int           `json:"files"`
	Orders   int           `json:"orders"`
	Lifts    int           `json:"lifts"`
	Targets  int           `json:"targets"`
	InForce  int           `json:"in_force"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
}

// Run checks.
func (c *checkCmd) Run(e *env) error {
	now, err := e.moment(c.At)
	if err != nil {
		return err
	}
	s, err := c.server(c.Orders)
	if err != nil {
		return err
	}
	l := e.load(s.Store.Patterns, s, nil)
	problems := l.problems
	if len(c.Against) > 0 {
		before, err := e.mustLoad(c.Against, s, nil)
		if err != nil {
			return err
		}
		problems = append(problems, refusals(s, before, l, now)...)
		problems = append(problems, l.lateSince(before, now)...)
	}
	if c.NoWarnings {
		problems = problems.Errors()
	} else {
		e.progress.say("looking at %d targets", l.targets)
		odd := lint.Check(l.files, l.set, now)
		problems = append(problems, odd...)
		warnings, _ := l.set.Warnings()
		warnings = slices.DeleteFunc(warnings, func(p order.Problem) bool { // lint says the same and suggests an id
			return slices.ContainsFunc(odd, func(q order.Problem) bool {
				return p.Field == "lifts" && strings.HasPrefix(q.Field, "lifts[") && q.Order == p.Order && q.Got == p.Got && q.HasGot
			})
		})
		problems = append(problems, columns(atTargets(warnings, l.all()), l.all())...)
		problems = append(problems, l.lateOrders(now)...)
		problems = append(problems, l.expiring(now)...)
		if s.block == nil {
			problems = append(problems, l.countryOrders()...)
		}
	}
	problems.Sort()
	out := checkJSON{Problems: problemsJSON(problems), Files: l.found, Targets: l.targets,
		Errors: len(problems.Errors()), Warnings: len(problems.Warnings())}
	for st := range l.set.OrderStates(now) {
		switch {
		case st.Lift:
			out.Lifts++
		default:
			out.Orders++
			if st.State == ruleset.InForce {
				out.InForce++
			}
		}
	}
	if e.json {
		if err := e.writeJSON(out); err != nil {
			return err
		}
	} else {
		e.progress.clear()
		for _, p := range problems {
			fmt.Fprintln(e.stdout, problemText(p))
		}
		found := count(out.Files, "file")
		if n := l.refused(problems); n > 0 && n == out.Files {
			fmt.Fprintf(e.stdout, "%s refused: %s, %s\n", count(n, "file"), count(out.Errors, "error"), count(out.Warnings, "warning"))
			return errProblems
		} else if n > 0 {
			found += fmt.Sprintf(", %d refused", n)
		}
		fmt.Fprintf(e.stdout, "%s: %s (%d in force) and %s with %s; %s, %s\n",
			found, count(out.Orders, "order"), out.InForce, count(out.Lifts, "lift"),
			count(out.Targets, "target"), count(out.Errors, "error"), count(out.Warnings, "warning"))
	}
	if out.Errors > 0 || c.Strict && out.Warnings > 0 {
		return errProblems
	}
	return nil
}

// refused returns the number of order files that a server would refuse: the files that are not
// loaded, and the loaded files with an error, as from --against.
func (l *orders) refused(problems order.Problems) int {
	bad := map[string]bool{}
	for _, p := range problems.Errors() {
		bad[p.File] = true
	}
	n := l.found - len(l.files)
	for _, f := range l.files {
		if bad[f.Path] {
			n++
		}
	}
	return n
}

// problemText returns a problem in one line of printable text, with warnings marked.
func problemText(p order.Problem) string {
	p.File, p.Field, p.Msg = printable.Line(p.File), printable.Line(p.Field), printable.Line(p.Msg)
	if p.Warning {
		p.Msg = "warning: " + p.Msg
	}
	return p.Error()
}

// count writes "1 file" and "2 files".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "s") {
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
