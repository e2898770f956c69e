package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// checkCmd is the command "blocklistctl check".
type checkCmd struct {
	Orders      []string `arg:"" optional:"" name:"orders" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	Against     []string `placeholder:"OLD" sep:"none" help:"The files that a server has in force. If the server would refuse a new version because of serial or max_shrink, check reports an error. May be given several times."`
	Strict      bool     `help:"Exit with 1 also for warnings."`
	NoWarnings  bool     `help:"Do not report warnings."`
	Sealed      bool     `help:"Show the problems of sealed orders. Without the flag, only their places are shown."`
	At          string   `placeholder:"TIME" help:"Check at this time instead of now."`
}

// Help returns the description and the example for --help.
func (*checkCmd) Help() string {
	return `Reports each problem as FILE:LINE:COLUMN: order "ID": FIELD: what is wrong, got "VALUE". A server refuses a file with an error. A file with warnings goes into force, but a person should look at the warnings.

Without --against, check cannot find the errors of a serial that goes down or of a file that loses too many targets, because a server compares a file with the version in force.

Example:

  blocklistctl check /etc/coredns/orders/ --protect /etc/coredns/protect.txt
  blocklistctl check new/orders.yaml --against /etc/coredns/orders.yaml --corefile /etc/coredns/Corefile`
}

// checkJSON is the JSON output of the command check.
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

// Run checks the files.
func (c *checkCmd) Run(e *env) error {
	e.sealed = c.Sealed
	c.Orders = c.obvious(e, c.Orders)
	s, err := c.server(c.Orders)
	if err != nil {
		return err
	}
	now, err := e.moment(c.At, s)
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
		e.progress.say("checking %d targets", l.targets)
		problems = append(problems, l.odd(s, now)...)
	}
	problems = l.shown(problems, c.Sealed)
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

func (l *orders) odd(s *server, now order.Time) order.Problems {
	odd := lint.Check(l.files, l.set, now)
	problems := slices.Clone(odd)
	warnings, _ := l.set.Warnings()
	warnings = slices.DeleteFunc(warnings, func(p order.Problem) bool { // lint has the same warning with a suggestion
		return slices.ContainsFunc(odd, func(q order.Problem) bool {
			return p.Field == "lifts" && strings.HasPrefix(q.Field, "lifts[") && q.Order == p.Order && q.Got == p.Got && q.HasGot
		})
	})
	problems = append(problems, atTargets(warnings, l.all())...)
	problems = append(problems, l.lateOrders(now)...)
	problems = append(problems, l.expiring(now)...)
	if s.block == nil {
		problems = append(problems, l.countryOrders()...)
	}
	return problems
}
