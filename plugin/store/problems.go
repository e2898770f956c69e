package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/source"
)

// maxLogged is the largest number of log lines of one kind; blocklistctl check lists all of them.
// maxLoggedOfList is this number for the problems of a protect list. It is smaller because
// problems repeat the lines of the file: if the path of a list is wrong, the file may be secret,
// such as a key.
const maxLogged, maxLoggedOfList = 20, 3

// The commands that list the problems that the log leaves out.
const (
	checkOrders  = "blocklistctl check"
	checkProtect = "blocklistctl check --protect FILE"
)

// logAtMost logs the first lines of n lines, most at the most, and then one line about the
// number of the other lines.
func logAtMost(log func(string, ...any), n, most int, line func(i int) string, others func(n int) string) {
	for i := range min(n, most) {
		log("%s", line(i))
	}
	if n > most {
		log("%s", others(n-most))
	}
}

// warn logs the warnings about a file or about the order set. check is the command that lists
// all of them.
func (s *Store) warn(about, check string, warnings order.Problems) {
	s.logProblems(s.log.Warningf, about, "warning", check, warnings)
}

// logProblems logs the problems of a file or of the order set. noun is the word for one of them,
// and check is the command that lists all of them.
func (s *Store) logProblems(log func(string, ...any), about, noun, check string, ps order.Problems) {
	lines := s.problemLines(about, ps)
	logAtMost(log, len(lines), s.maxProblems(about), func(i int) string { return lines[i] }, func(n int) string {
		return fmt.Sprintf("%s: %s; %s lists all", about, more(n, noun), check)
	})
}

// problemLines returns the problems of a file as lines for the log. The problems of a side list
// are grouped by their reasons, and the lines of the list are left out: if the path is wrong, the
// side list may be any file.
func (s *Store) problemLines(path string, ps order.Problems) (out []string) {
	type reason struct{ file, text string }
	grouped := func(p order.Problem) bool { return p.InSide() && !p.Sealed }
	bad := map[reason]int{}
	for _, p := range ps {
		if grouped(p) {
			bad[reason{p.File, p.SideReason()}]++
		}
	}
	for _, p := range ps {
		if !grouped(p) {
			out = append(out, p.Redacted())
			continue
		}
		key := reason{p.File, p.SideReason()}
		switch n := bad[key]; {
		case n == 1:
			out = append(out, fmt.Sprintf("%s:%d: %s; %s shows the line", p.File, p.Line, key.text, checkOrders))
		case n > 1:
			out = append(out, fmt.Sprintf("%s:%d: %s, first of %d such lines; %s shows them", p.File, p.Line, key.text, n, checkOrders))
		}
		delete(bad, key)
	}
	return out
}

// maxProblems returns the largest number of problems of a file that are logged.
func (s *Store) maxProblems(path string) int {
	if s.isProtectList[path] {
		return maxLoggedOfList
	}
	return maxLogged
}

// publicText returns the error of a file as lines for an error message. Like the log, it leaves
// out the ids and names of sealed orders, and most lines of a protect list.
func (s *Store) publicText(path string, err error) string {
	var ps order.Problems
	if !errors.As(err, &ps) {
		return printable.Line(err.Error())
	}
	lines := s.problemLines(path, ps)
	if s.isProtectList[path] && len(lines) > maxLoggedOfList {
		lines = append(lines[:maxLoggedOfList], fmt.Sprintf("%s: %s; %s lists all", path, more(len(ps)-maxLoggedOfList, "problem"), checkProtect))
	}
	for i := range lines {
		lines[i] = printable.Line(lines[i])
	}
	return strings.Join(lines, "\n")
}

// fail records and logs the reason why a version of a file is not in force, or why there is no
// file. digest is the digest of the refused version, or zero. The same reason for the same
// version is logged once.
func (s *Store) fail(path string, f *file, digest source.Digest, err error) {
	if f.err != nil && f.refused == digest && f.err.Error() == err.Error() {
		return
	}
	f.err, f.refused = err, digest
	f.failures++
	stays, check := "; none of its orders is in force", checkOrders
	if s.isProtectList[path] {
		stays, check = "; its names and networks are NOT protected", checkProtect
	}
	switch {
	case f.pattern:
		stays = "" // the files of the directory or glob have log lines of their own
	case f.gone && (f.part != nil || f.list != nil):
		stays = "" // err already says what stays in force
	case f.part != nil || f.list != nil:
		stays = fmt.Sprintf("; version %.12s stays in force", f.digest)
	}
	var ps order.Problems
	if !errors.As(err, &ps) {
		s.log.Errorf("%v%s", err, stays)
		return
	}
	s.logProblems(s.log.Errorf, path, "problem", check, ps)
	s.log.Errorf("%s: refused for %s%s", path, count(len(ps), "problem"), stays)
}
