package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/source"
)

const maxLogged, maxLoggedOfList = 20, 3

const (
	checkOrders  = "blocklistctl check"
	checkProtect = "blocklistctl check --protect FILE"
)

func logAtMost(log func(string, ...any), n, most int, line func(i int) string, others func(n int) string) {
	for i := range min(n, most) {
		log("%s", line(i))
	}
	if n > most {
		log("%s", others(n-most))
	}
}

func (s *Store) warn(about, check string, warnings order.Problems) {
	s.logProblems(s.log.Warningf, about, "warning", check, warnings)
}

func (s *Store) logProblems(log func(string, ...any), about, noun, check string, ps order.Problems) {
	lines := s.problemLines(about, ps)
	logAtMost(log, len(lines), s.maxProblems(about), func(i int) string { return lines[i] }, func(n int) string {
		return fmt.Sprintf("%s: %s; %s lists all", about, more(n, noun), check)
	})
}

// Do not quote side lists, because a wrong path may lead to a secret file.
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

func (s *Store) maxProblems(path string) int {
	if s.isProtectList[path] {
		return maxLoggedOfList
	}
	return maxLogged
}

// The result must not contain sealed (secret) orders. It shows only a few lines of a protect list.
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
		stays = "" // each file of the directory or glob has a log line of its own
	case f.gone && (f.part != nil || f.list != nil):
		stays = "" // the text of err already says what stays in force
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
