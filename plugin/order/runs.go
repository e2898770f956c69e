package order

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

var minRun = 64

type spot struct{ off, line, col int }

// The names between the first and the last name share one node. This saves 90 % of the memory.
type run struct {
	first, last spot
	from        spot // the position after the first name and its line feed or comma
	to          int  // the offset of the end of the inner names
	n           int  // the number of inner names
}

const runNode yaml.Kind = 1 << 7

func (r *run) each(text []byte, f func(name []byte, at spot)) {
	at := r.from
	for at.off < r.last.off {
		switch c := text[at.off]; {
		case c == '\n':
			at = spot{at.off + 1, at.line + 1, 1}
		case c == ' ' || c == ',' || c == '\r' || c == '-': // a name never begins with "-"
			at.off, at.col = at.off+1, at.col+1
		default:
			name, size := nameAt(text[at.off:])
			f(name, at)
			at.off, at.col = at.off+size, at.col+size
		}
	}
}

func nameAt(text []byte) (name []byte, size int) {
	start, end := 0, 0
	quote := byte(0)
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		quote, start = text[0], 1
	}
	for end = start; end < len(text) && hostByte[text[end]]; end++ {
	}
	if end == start || text[start] == '-' || text[start] == '.' {
		return nil, 0
	}
	if quote == 0 {
		return text[:end], end
	}
	if end == len(text) || text[end] != quote {
		return nil, 0
	}
	return text[start:end], end + 1
}

var hostByte = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_." {
		t[c] = true
	}
	return t
}()

type outline struct {
	text    []byte
	json    bool
	runs    []run
	values  int
	inRuns  int // the number of inner names of all runs
	cut     int // the size in bytes of the inner names of all runs
	odd     bool
	control bool // the text has control characters
	mark    spot
	wire    dname.Wire
}

// Offsets must not decrease between calls.
func (o *outline) at(off int) spot {
	passed := o.text[o.mark.off:off]
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		o.mark.line, o.mark.col = o.mark.line+bytes.Count(passed, []byte{'\n'}), 1
		passed = passed[i+1:]
	}
	o.mark.off = off
	o.mark.col += utf8.RuneCount(passed)
	return o.mark
}

var weigh = func() (t [256]uint8) {
	for c := range ' ' {
		t[c] = special
	}
	t['\t'], t['\n'], t['-'], t[0xc2], t[0xe2] = 0, newLine, dash, special, special
	t[','], t['['], t['{'], t['?'], t[':'], t['&'], t['*'], t['!'] = 1, 1, 1, 2, 2, 2, 2, 2
	return t
}()

const (
	dash = 8 + iota
	newLine
	special
)

func (o *outline) scan(from, to int) {
	text := o.text[:to]
	i := from
	if i == 0 && !o.json {
		i = o.line(i, text)
	}
	for i < to {
		c := text[i]
		switch w := weigh[c]; w {
		case 0:
			i++
		case dash:
			if i++; i == to || text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r' {
				o.values++
			}
		case newLine:
			if i++; !o.json {
				i = o.line(i, text)
			}
		case special:
			i++
			switch {
			case c == '\r':
				o.odd = o.odd || i == to || text[i] != '\n'
			case c < ' ':
				o.control = true
			case c == 0xc2:
				o.odd = o.odd || bytes.HasPrefix(text[i:], []byte{0x85})
			default:
				o.odd = o.odd || bytes.HasPrefix(text[i:], []byte{0x80, 0xa8}) || bytes.HasPrefix(text[i:], []byte{0x80, 0xa9})
			}
		default:
			// In YAML, a colon between two digits belongs to a time, like 12:30, and not to a key.
			if o.json {
				if c == ',' || c == '[' || c == '{' || c == ':' {
					o.values++
				}
			} else if c != ':' || i == 0 || i+1 == to || !digit(text[i-1]) || !digit(text[i+1]) {
				o.values += int(w)
			}
			if i++; c == ',' || c == '[' {
				i = o.flow(i, text)
			}
		}
	}
}

// The result is 0 if YAML may read the text as a number or a date.
func (o *outline) plainName(text []byte) int {
	if o.json && (len(text) == 0 || text[0] != '"') {
		return 0
	}
	name, size := nameAt(text)
	if size == 0 {
		return 0
	}
	// A name that ends in letters or in an "xn--" label is neither a number nor a date.
	dot := bytes.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot < 3 {
		return 0
	}
	if last := name[dot+1:]; !bytes.HasPrefix(last, []byte("xn--")) && bytes.ContainsFunc(last, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' }) {
		return 0
	}
	if !o.wire.SetHost(name) {
		return 0
	}
	return size
}

func (o *outline) flow(i int, text []byte) int {
	var first, firstEnd, last, n int
	end := i
	for at := i; ; n++ {
		for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' && at+1 < len(text) && text[at+1] == '\n') {
			at++
		}
		size := o.plainName(text[at:])
		if size == 0 || at+size == len(text) || text[at+size] != ',' {
			break
		}
		last, end = at, at+size
		if n == 0 {
			first, firstEnd = at, end
		}
		at = end + 1
	}
	o.add(n, first, firstEnd+1, last, last)
	return end
}

func (o *outline) line(i int, text []byte) int {
	at := i
	for at < len(text) && text[at] == ' ' {
		at++
	}
	if at+1 >= len(text) || text[at] != '-' || text[at+1] != ' ' {
		return at
	}
	for at++; at < len(text) && text[at] == ' '; at++ {
	}
	indent := text[i:at]
	var firstEnd, last, n int
	end := i + bytes.IndexByte(indent, '-')
	for start := i; bytes.HasPrefix(text[start:], indent); n++ {
		size := o.plainName(text[start+len(indent):])
		next := start + len(indent) + size
		if next < len(text) && text[next] == '\r' {
			next++
		}
		if size == 0 || next >= len(text) || text[next] != '\n' {
			break
		}
		last, end = start+len(indent), next
		if n == 0 {
			firstEnd = next
		}
		start = next + 1
	}
	o.add(n, at, firstEnd+1, last, last-len(indent))
	return end
}

func (o *outline) add(n, first, from, last, to int) {
	if n < minRun {
		o.values += n
		return
	}
	r := run{to: to, n: n - 2}
	r.first, r.from, r.last = o.at(first), o.at(from), o.at(last)
	o.values += 2
	o.inRuns += r.n
	o.cut += to - from
	o.runs = append(o.runs, r)
}

func (o *outline) all() int { return o.values + o.inRuns }

func (o *outline) check(values int) error {
	switch {
	case values > MaxValues:
		return &syntaxError{0, 0, fmt.Sprintf("has more than %d keys, values and list entries besides long lists of plain names; write the orders as JSON Lines, and the names into side lists", MaxValues)}
	case !o.json && len(o.text)-o.cut > maxText:
		return &syntaxError{0, 0, fmt.Sprintf("has more than %d MiB besides long lists of plain names; write the orders as JSON Lines, and the names into side lists", maxText>>20)}
	}
	return nil
}

func (o *outline) putBack(root *yaml.Node) bool {
	runs := o.runs
	values := func(n *yaml.Node, key string, f func(*yaml.Node)) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if v := n.Content[i+1]; n.Content[i].Value == key && v.Kind == yaml.SequenceNode {
				f(v)
			}
		}
	}
	values(root, "orders", func(orders *yaml.Node) {
		for _, order := range orders.Content {
			values(order, "targets", func(targets *yaml.Node) {
				if len(runs) == 0 {
					return
				}
				items := make([]*yaml.Node, 0, len(targets.Content)+1)
				for i, item := range targets.Content {
					items = append(items, item)
					if len(runs) > 0 && i+1 < len(targets.Content) && o.isAt(item, runs[0].first) && o.isAt(targets.Content[i+1], runs[0].last) {
						items = append(items, &yaml.Node{Kind: runNode, Tag: "!!str", Line: runs[0].n, Column: len(o.runs) - len(runs)})
						runs = runs[1:]
					}
				}
				targets.Content = items
			})
		}
	})
	return len(runs) == 0
}

func (o *outline) isAt(n *yaml.Node, at spot) bool {
	name, _ := nameAt(o.text[at.off:])
	return n.Kind == yaml.ScalarNode && n.Line == at.line && n.Column == at.col && n.Value == string(name) && isPlain(n)
}
