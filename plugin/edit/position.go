package edit

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

func (t *Text) lineStart(line int) (at int) {
	for ; line > 1; line-- {
		i := bytes.IndexByte(t.data[at:], '\n')
		if i < 0 {
			return len(t.data)
		}
		at += i + 1
	}
	return at
}

func (t *Text) line(line int) string {
	return strings.TrimRight(string(t.data[t.lineStart(line):t.lineStart(line+1)]), "\r\n")
}

// The YAML library counts columns in characters, not in bytes.
func (t *Text) offset(n *yaml.Node) int {
	at := t.lineStart(n.Line)
	for column := 1; column < n.Column && at < len(t.data); column++ {
		_, size := utf8.DecodeRune(t.data[at:])
		at += size
	}
	return at
}

func (t *Text) endLine() int {
	last := lastLine(t.root)
	lines := bytes.Count(t.data, []byte("\n")) + 1
	if bytes.HasSuffix(t.data, []byte("\n")) {
		lines--
	}
	for line := last + 1; line <= lines; line++ {
		if strings.HasPrefix(t.line(line), "...") {
			return line
		}
	}
	return lines + 1
}

func lastLine(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, lastLine(c))
	}
	return line
}

func after(m *yaml.Node, key string, end int) int {
	for i := 0; i+3 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+2].Line
		}
	}
	return end
}

// ordersEnd returns the line after the list of orders.
func (t *Text) ordersEnd() int { return after(t.root, "orders", t.endLine()) }

func (t *Text) orderEnd(i int) int {
	if list := lookup(t.root, "orders"); i+1 < len(list.Content) {
		return list.Content[i+1].Line
	}
	return t.ordersEnd()
}

func (t *Text) insertion(n *yaml.Node, next, indent int) [2]int {
	line := next
	for line-1 > lastLine(n) {
		text := t.line(line - 1)
		trimmed := strings.TrimLeft(text, " ")
		if strings.TrimSpace(text) != "" && (trimmed[0] != '#' || len(text)-len(trimmed) > indent) {
			break
		}
		line--
	}
	return [2]int{line, next}
}

func (t *Text) insertLines(lines [2]int, text string) (out []splice) {
	for _, line := range lines {
		at := t.lineStart(line)
		s := splice{at, at, text}
		if at == len(t.data) && !bytes.HasSuffix(t.data, []byte("\n")) {
			s.text = "\n" + text
		}
		out = append(out, s)
	}
	return out
}

func (t *Text) flowEnd(at int) (bracket, last int, ok bool) {
	depth := 0
	for i := at; i < len(t.data); i++ {
		c, before := t.data[i], byte(' ')
		if i > 0 {
			before = t.data[i-1]
		}
		start := strings.IndexByte(" \t\r\n[{,:", before) >= 0
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			continue
		case c == '#' && start && before != ':' && before != '[' && before != '{' && before != ',':
			if n := bytes.IndexByte(t.data[i:], '\n'); n >= 0 {
				i += n
				continue
			}
			return 0, 0, false
		case (c == '"' || c == '\'') && start:
			if i = t.quoteEnd(i); i < 0 {
				return 0, 0, false
			}
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			if depth--; depth == 0 {
				return i, last, true
			}
		}
		last = i + 1
	}
	return 0, 0, false
}

func (t *Text) quoteEnd(at int) int {
	quote := t.data[at]
	for i := at + 1; i < len(t.data); i++ {
		switch {
		case quote == '"' && t.data[i] == '\\':
			i++
		case t.data[i] != quote:
		case quote == '\'' && i+1 < len(t.data) && t.data[i+1] == '\'':
			i++
		default:
			return i
		}
	}
	return -1
}

// flow reports whether a value is written in brackets.
func (t *Text) flow(n *yaml.Node) bool {
	at := t.offset(n)
	return n.Style&yaml.FlowStyle != 0 && at < len(t.data) && (t.data[at] == '[' || t.data[at] == '{')
}
