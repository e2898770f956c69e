package guard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A List is an immutable protect list. Orders must not block its names and networks. A nil *List is
// empty.
type List struct {
	file    string
	entries []protected
}

type protected struct {
	name  dname.Name
	exact bool // an entry "=name", which does not protect the names below
	net   netip.Prefix
	line  int
}

func (p protected) String() string {
	switch {
	case p.name.IsZero() && p.net.IsSingleIP():
		return p.net.Addr().String()
	case p.name.IsZero():
		return p.net.String()
	case p.exact:
		return "=" + p.name.String()
	}
	return p.name.String()
}

// Len returns the number of entries.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return len(l.entries)
}

// Lost returns the number of entries that the newer list lacks.
func (l *List) Lost(newer *List) (n int) {
	has := make(map[protected]bool, newer.Len())
	if newer != nil {
		for _, e := range newer.entries {
			e.line = 0
			has[e] = true
		}
	}
	if l != nil {
		for _, e := range l.entries {
			if e.line = 0; !has[e] {
				n++
			}
		}
	}
	return n
}

// Parse parses a protect list. Each line has one entry: "name", "=name", an address or a network.
// After an error, the List is nil, because a partial list would leave names without protection.
func Parse(path string, r io.Reader) (*List, order.Problems) {
	tooLarge := order.Problem{File: path, Msg: fmt.Sprintf("is larger than %d MiB", order.MaxProtect>>20)}
	if order.SizeOf(r) > order.MaxProtect {
		return nil, order.Problems{tooLarge}
	}
	l, problems := &List{file: path}, order.Problems(nil)
	read, labels := 0, order.LabelCount(0)
	lineOf := map[protected]int{} // the line number is 0 in each key
	commented := false
	lines := bufio.NewReaderSize(r, order.MaxLine)
	for line := 1; ; line++ {
		raw, err := lines.ReadSlice('\n')
		read += len(raw)
		long := errors.Is(err, bufio.ErrBufferFull)
		s := string(raw)
		for errors.Is(err, bufio.ErrBufferFull) && read <= order.MaxProtect { // skip the rest of a long line
			raw, err = lines.ReadSlice('\n')
			read += len(raw)
		}
		if read > order.MaxProtect {
			return nil, append(problems, tooLarge)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			problems = append(problems, order.Problem{File: path, Msg: fmt.Sprintf("cannot be read: %v", err)})
			return nil, problems
		}
		if line == 1 {
			s = strings.TrimPrefix(s, "\uFEFF")
		}
		text := uncommented(s)
		commented = commented || text != strings.Trim(s, blanks)
		e, why := readEntry(text)
		if long {
			why = "line is too long for a name"
		}
		p := order.Problem{File: path, Line: line, Column: 1 + len(s) - len(strings.TrimLeft(s, blanks)), Msg: why, Got: text, HasGot: true}
		first, end := lineOf[e], false
		switch {
		case why != "":
			end = len(problems) >= order.MaxProblems
		case text == "":
		case !e.name.IsZero() && labels.Add(e.name.NumLabels()):
			p.Msg, end = order.TooManyLabels, true
		case first != 0:
			p.Msg, p.Warning = fmt.Sprintf("is already on line %d", first), true
		case l.Len() == order.MaxProtected:
			p.Msg, end = fmt.Sprintf("the list has more than %d entries", order.MaxProtected), true
		default:
			lineOf[e] = line
			e.line = line
			l.entries = append(l.entries, e)
		}
		if p.Msg != "" && (!p.Warning || len(problems) < order.MaxProblems) {
			p.Got = order.Clip(p.Got) // a copy, so that the whole line can be freed
			problems = append(problems, p)
		}
		if end {
			if why != "" {
				problems = append(problems, order.Problem{File: path, Msg: fmt.Sprintf("has more than %d problems; the rest is not listed", order.MaxProblems)})
			}
			return nil, problems
		}
		if err != nil {
			break
		}
	}
	// A full disk or a failed download can leave an empty file.
	if len(problems) == 0 && l.Len() == 0 && !commented {
		problems = append(problems, order.Problem{File: path, Msg: "is empty: to protect nothing, write a comment that says so, or drop the property"})
	}
	if len(problems.Errors()) > 0 {
		return nil, problems
	}
	if l.Len() == 0 {
		problems = append(problems, order.Problem{File: path, Msg: "has no entry, so it protects nothing", Warning: true})
	}
	return l, problems
}

const blanks = " \t\r\n"

func uncommented(s string) string {
	for i := range len(s) {
		if s[i] == '#' && (i == 0 || strings.IndexByte(blanks, s[i-1]) >= 0) {
			s = s[:i]
			break
		}
	}
	return strings.Trim(s, blanks)
}

func readEntry(s string) (e protected, why string) {
	name, exact := strings.CutPrefix(s, "=")
	switch {
	case s == "":
		return e, ""
	case !utf8.ValidString(s):
		return e, "is not valid UTF-8"
	case looksLikeAddress(name):
		if exact {
			return e, `"=" is for names; write the address alone`
		}
		e.net, why = order.ParsePrefix(s)
		return e, why
	case strings.ContainsAny(name, "/?"):
		return e, "has a scheme or a path; write the bare name"
	case strings.Contains(name, "#"):
		return e, `a comment needs a blank before its "#"`
	case strings.Contains(name, "*"):
		return e, `must not have a "*"; a name stands for all below it too, "=name" for itself alone`
	}
	n, err := dname.Parse(name)
	if err != nil {
		return e, err.Error()
	}
	return protected{name: n, exact: exact}, ""
}

func looksLikeAddress(s string) bool {
	host, _, _ := strings.Cut(s, "/")
	_, err := netip.ParseAddr(host)
	_, withPort := netip.ParseAddrPort(host)
	last := host[strings.LastIndexByte(host, '.')+1:]
	number := last != "" && strings.Trim(last, "0123456789") == "" // no domain name ends in a label of digits
	return err == nil || withPort == nil || number || strings.HasPrefix(host, "[")
}
