package order

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// The full text may quote a secret part of the file. The ordinary log must show only the public
// text.
type taughtError struct {
	*syntaxError
	public string
}

func (e *taughtError) Unwrap() error { return e.syntaxError }

func adviseYAML(data []byte, err error) error {
	var s *syntaxError
	if !errors.As(err, &s) || !strings.HasPrefix(s.msg, "is not YAML") && s.msg != errAlias || len(data) > maxAdvised {
		return err
	}
	if strings.Contains(s.msg, "control characters") {
		return err
	}
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	left := maxTried
	for i := max(0, s.line-2); i < len(lines) && left > 0; i++ {
		for _, fix := range mends(lines, i, &left) {
			if mended(lines, i, fix.line, &left) {
				return fix.error(i, lines[i])
			}
		}
	}
	// An open quotation mark may be many lines above the error.
	for i := 0; i < min(s.line-2, len(lines)) && left > 0; i++ {
		if strings.Count(lines[i], `"`)%2 == 0 && strings.Count(lines[i], "'")%2 == 0 {
			continue
		}
		for _, fix := range mends(lines, i, &left) {
			if mended(lines, i, fix.line, &left) {
				return fix.error(i, lines[i])
			}
		}
	}
	return err
}

const (
	maxAdvised = 256 << 10
	maxTried   = 1 << 20
)

type mend struct{ line, say string }

func (m mend) error(i int, was string) error {
	public := "is not YAML: " + m.say
	line := strings.TrimSpace(m.line)
	msg := public
	if printable.Line(line) == line && len(line) <= 2*maxGot {
		msg += "; write " + line
	}
	return &taughtError{&syntaxError{i + 1, 1 + len(was) - len(strings.TrimLeft(was, " \t")), msg}, public}
}

func mended(lines []string, i int, line string, left *int) bool {
	for _, end := range []int{i + 1, i + 2} {
		if end > len(lines) {
			break
		}
		before := strings.Join(lines[:i], "\n") + "\n"
		after := "\n" + strings.Join(lines[i+1:end], "\n")
		if *left -= 2 * (len(before) + len(after) + 64); *left < 0 {
			return false
		}
		if !isYAML(before+lines[i]+after) && isYAML(before+line+after) {
			return true
		}
	}
	return false
}

func isYAML(s string) bool {
	_, err := parseYAML(bytes.TrimRight([]byte(s), "\n"), nil, nil)
	return err == nil
}

var (
	lineParts = regexp.MustCompile(`^([ \t]*(?:- +)*)((?:[\w./:-]+|"[^"]*"|'[^']*'):[ \t]+)?(.*?)([ \t]+#.*|[ \t]*)$`)
	noBlank   = regexp.MustCompile(`^([ \t]*(?:- +)*)([a-z_0-9]+):([^ \t].*)$`)
	noColon   = regexp.MustCompile(`^([ \t]*(?:- +)*)([a-z_0-9]+)(?:[ \t]+(.*))?$`)
	noDash    = regexp.MustCompile(`^([ \t]*)-([^ \t-].*)$`)
	flowStar  = regexp.MustCompile(`([\[,:][ \t]*)(\*[^,\]}"' \t]*)`)
	flowColon = regexp.MustCompile(`([{,][ \t]*[\w-]+: +)([^"'\[\]{},]*[^"'\[\]{}, ])`)
	flowTight = regexp.MustCompile(`([{,][ \t]*)([a-z_0-9]+):([\[{"'])`)
	flowStart = regexp.MustCompile(`^\{[ \t]*([a-z_0-9]+):`)
	flowQuote = regexp.MustCompile(`"([^",\[\]{}]+)([,\]}])`)
	flowKey   = regexp.MustCompile(`([{,][ \t]*)([a-z_0-9]+)([:]?)([ \t]*)([\[{"'\w])`)
)

func mends(lines []string, i int, left *int) (out []mend) {
	line := lines[i]
	*left -= len(line)
	if strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "#") {
		return nil
	}
	add := func(fixed, format string, args ...any) {
		if fixed != line {
			out = append(out, mend{fixed, fmt.Sprintf(format, args...)})
		}
	}
	body := strings.TrimLeft(line, " \t")
	indent := line[:len(line)-len(body)]
	if strings.Contains(indent, "\t") {
		for _, n := range indents(lines, i, left) {
			add(strings.Repeat(" ", n)+body, "the line begins with a tab, where YAML takes only blanks; begin it with %s", blanks(n))
		}
		return out
	}
	if m := noDash.FindStringSubmatch(line); m != nil {
		add(m[1]+"- "+m[2], `a blank belongs behind the "-"`)
	}
	if m := noBlank.FindStringSubmatch(line); m != nil && keyHomes[m[2]] != "" {
		add(m[1]+m[2]+": "+m[3], `a blank belongs behind the colon of %s`, m[2])
	}
	if m := noColon.FindStringSubmatch(line); m != nil && keyHomes[m[2]] != "" {
		add(m[1]+m[2]+": "+m[3], "a colon belongs behind %s", m[2])
	}
	if strings.ContainsAny(line, "\u201c\u201d\u201e") {
		add(strings.NewReplacer("\u201c", `"`, "\u201d", `"`, "\u201e", `"`).Replace(line), `the quotation marks are those of a word processor; YAML takes only " and '`)
	}
	m := lineParts.FindStringSubmatch(line)
	prefix, value, comment := m[1]+m[2], m[3], m[4]
	key := strings.Trim(m[2], ": \t")
	if keyHomes[key] == "" && strings.Contains(m[1], "-") {
		prefix, value = m[1], m[2]+m[3] // the line is a list item with a colon in its text
	}
	quote := func(format string, args ...any) { add(prefix+quotedFlow(value)+comment, format, args...) }
	switch first := value[:min(1, len(value))]; {
	case first == "*":
		quote(`a value that begins with "*" needs quotes`)
	case first != "" && strings.Contains("@%`&!|>?", first) || strings.HasPrefix(value, "- "):
		quote("a value that begins with %q needs quotes", first)
	case first == `'`:
		if strings.Count(value, "'") == 1 {
			add(prefix+value+"'"+comment, "the closing quotation mark is missing")
		}
		inner := strings.TrimSuffix(value[1:], "'")
		add(prefix+`"`+strings.ReplaceAll(inner, `"`, `\"`)+`"`+comment, `the quotes do not match; a text with "'" in it goes in double quotes`)
	case first == `"`:
		single := func(s string) string { return prefix + "'" + strings.ReplaceAll(s, "'", "''") + "'" + comment }
		add(prefix+value+`"`+comment, "the closing quotation mark is missing")
		if strings.Contains(value, `\`) {
			add(single(strings.Trim(value, `"`)), `in double quotes "\" begins an escape; single quotes take the text as it is`)
		}
		add(single(value), "text follows the closing quotation mark; put all of it in quotes")
	case first == "[" || first == "{":
		out = append(out, flowMends(line)...)
		if m := flowStart.FindStringSubmatch(value); !isCollection[key] && (m == nil || keyHomes[m[1]] == "") {
			quote("a text that begins with %q needs quotes", first)
		}
	case strings.Contains(value, ": ") || strings.HasSuffix(value, ":"):
		quote(`a text with ": " in it needs quotes`)
	}
	if i > 0 && strings.HasPrefix(lines[i-1], indent) && !strings.HasPrefix(lines[i-1][len(indent):], " ") {
		return out // the line already has the indentation of the line above
	}
	open := indents(lines, i, left)
	if slices.Contains(open, len(indent)) {
		return out
	}
	var likely, others []int
	for _, n := range open {
		if belongs(lines, i, key, n, left) {
			likely = append(likely, n)
		} else {
			others = append(others, n)
		}
	}
	for _, n := range append(likely, others...) {
		add(strings.Repeat(" ", n)+body, indentedBy, blanks(len(indent)), n)
	}
	return out
}

var isCollection = map[string]bool{"defaults": true, "authorities": true, "orders": true, "lifts": true, "references": true, "except": true,
	"countries": true, "clients": true, "redirect": true, "contact": true}

func init() {
	for key := range orderShape.sub {
		isCollection[key] = true
	}
}

const indentedBy = "the line begins with %s and must begin with %d"

// belongs reports whether the key can have the given indentation in line i. The nearest line above
// that is not indented further must have a key of the same mapping, or the key that contains the
// mapping.
func belongs(lines []string, i int, key string, indent int, left *int) bool {
	if keyHomes[key] == "" {
		return false
	}
	for k := i - 1; k >= 0 && *left > 0; k-- {
		*left -= 32 + len(lines[k])
		m := lineParts.FindStringSubmatch(lines[k])
		above := strings.Trim(m[2]+m[3], ": \t") // "authority:" has no blank after its colon
		if m[2] != "" {
			above = strings.Trim(m[2], ": \t")
		}
		switch at := len(m[1]); {
		case above == "" || strings.HasPrefix(above, "#") || at > indent:
			continue
		case at == indent && inOneMapping(key, above), at < indent && orderShape.sub[above] != nil && slices.Contains(orderShape.sub[above].keys, key):
			return true
		}
		return false
	}
	return false
}

func inOneMapping(a, b string) bool {
	both := func(s *shape) bool { return slices.Contains(s.keys, a) && slices.Contains(s.keys, b) }
	if both(fileShape) || both(orderShape) {
		return true
	}
	for _, s := range orderShape.sub {
		if both(s) {
			return true
		}
	}
	return false
}

func blanks(n int) string {
	if n == 1 {
		return "1 blank"
	}
	return strconv.Itoa(n) + " blanks"
}

func flowMends(line string) (out []mend) {
	add := func(fixed, say string) {
		if fixed != line {
			out = append(out, mend{fixed, say})
		}
	}
	add(flowStar.ReplaceAllStringFunc(line, func(s string) string {
		m := flowStar.FindStringSubmatch(s)
		return m[1] + quotedFlow(m[2])
	}), `a value that begins with "*" needs quotes`)
	add(quotedColons(line), `a text with ": " in it needs quotes`)
	tight := ""
	spaced := flowTight.ReplaceAllStringFunc(line, func(s string) string {
		m := flowTight.FindStringSubmatch(s)
		if keyHomes[m[2]] == "" {
			return s
		}
		tight = cmp.Or(tight, m[2])
		return m[1] + m[2] + ": " + m[3]
	})
	if spaced != line {
		say := "a blank belongs behind the colon of " + tight
		add(spaced, say)
		if both := quotedColons(spaced); both != spaced {
			add(both, say+`, and a text with ": " in it needs quotes`)
		}
	}
	if strings.Count(line, `"`)%2 == 1 {
		add(flowQuote.ReplaceAllString(line, `"$1"$2`), "the closing quotation mark is missing")
	}
	add(flowKey.ReplaceAllStringFunc(line, func(s string) string {
		m := flowKey.FindStringSubmatch(s)
		if keyHomes[m[2]] == "" || m[3] != "" {
			return s
		}
		return m[1] + m[2] + ": " + m[5]
	}), "a colon belongs behind a key")
	for _, pair := range []string{"[]", "{}"} {
		switch n := strings.Count(line, pair[:1]) - strings.Count(line, pair[1:]); {
		case n > 0:
			add(closeAll(line), fmt.Sprintf("a closing %q is missing", pair[1:]))
		case n < 0:
			add(strings.TrimSuffix(strings.TrimRight(line, " "), pair[1:]), fmt.Sprintf("there is a %q too many", pair[1:]))
		}
	}
	return out
}

func quotedColons(line string) string {
	return flowColon.ReplaceAllStringFunc(line, func(s string) string {
		m := flowColon.FindStringSubmatch(s)
		if !strings.Contains(m[2], ": ") {
			return s
		}
		return m[1] + quotedFlow(m[2])
	})
}

func closeAll(line string) string {
	var open []byte
	for i := range len(line) {
		switch c := line[i]; c {
		case '[':
			open = append(open, ']')
		case '{':
			open = append(open, '}')
		case ']', '}':
			if k := len(open) - 1; k >= 0 && open[k] == c {
				open = open[:k]
			}
		}
	}
	slices.Reverse(open)
	return line + string(open)
}

// indents returns the indentations that line i may have after the lines above it. The indentation
// of the nearest line above is first.
func indents(lines []string, i int, left *int) (out []int) {
	width := func(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }
	limit := 1 << 10
	for k := i - 1; k >= 0 && limit > 0 && *left > 0; k-- {
		*left -= 32
		body := strings.TrimLeft(lines[k], " \t")
		if body == "" || body[0] == '#' || strings.Contains(lines[k][:width(lines[k])], "\t") {
			continue
		}
		at := []int{width(lines[k])}
		for rest := body; strings.HasPrefix(rest, "- "); {
			trimmed := strings.TrimLeft(rest[2:], " ")
			at = append(at, at[len(at)-1]+len(rest)-len(trimmed))
			rest = trimmed
		}
		for _, n := range at {
			if n < limit && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
		if len(out) == len(at) && strings.HasSuffix(body, ":") { // the line above ends in a colon, so a deeper block may follow
			out = append(out, at[len(at)-1]+2)
		}
		limit = at[0]
	}
	here := width(lines[i])
	slices.SortStableFunc(out, func(a, b int) int {
		if d := max(a-here, here-a) - max(b-here, here-b); d != 0 {
			return d
		}
		return b - a
	})
	return out
}
