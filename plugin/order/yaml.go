package order

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/coop"
	"go.yaml.in/yaml/v3"
)

// The YAML parser and the JSON parser build trees of one type. One decoder reads both formats.

const errTrailing = "text follows the end of the document; write one document a file, or one order a line in JSON Lines"

type syntaxError struct {
	line, col int
	msg       string
}

func (e *syntaxError) Error() string { return e.msg }

func parseYAML(data []byte, runs []run, stop func() error) (doc *yaml.Node, err error) {
	// The YAML library recovers only from its own panics. A server must survive any other panic.
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, &syntaxError{1, 1, fmt.Sprintf("is not YAML: %v", r)}
		}
	}()
	in := &yamlReader{data: data, runs: runs, stop: stop}
	dec := yaml.NewDecoder(in)
	doc = &yaml.Node{}
	if err := dec.Decode(doc); err != nil {
		if in.err != nil {
			return nil, in.err
		}
		if errors.Is(err, io.EOF) {
			return nil, &syntaxError{1, 1, "has no orders, only comments or blank lines; put the last good version back"}
		}
		return nil, yamlSyntaxError(data, err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, &syntaxError{second.Line, second.Column, "begins a second document; write each document into a file of its own"}
	case in.err != nil:
		return nil, in.err
	case !errors.Is(err, io.EOF):
		return nil, yamlSyntaxError(data, err)
	}
	if bytes.IndexByte(data, '!') >= 0 {
		m := bareTags{data: data, line: 1, col: 1}
		m.mark(doc.Content[0])
	}
	return doc, nil
}

// The type yamlReader replaces most names of a long list by blanks and line feeds. All later text
// must keep its line and column.
type yamlReader struct {
	data []byte
	runs []run
	off  int    // the offset of the next byte in data
	gap  []byte // line feeds and blanks that replace the names of a run
	stop func() error
	err  error
}

func (r *yamlReader) Read(p []byte) (n int, err error) {
	coop.Yield() // must be here, because the loops of the YAML library do not yield
	if r.stop != nil && r.err == nil {
		r.err = r.stop()
	}
	if r.err != nil {
		return 0, r.err
	}
	for n < len(p) {
		if len(r.gap) > 0 {
			k := copy(p[n:], r.gap)
			n, r.gap = n+k, r.gap[k:]
			continue
		}
		end := len(r.data)
		if len(r.runs) > 0 {
			end = r.runs[0].from.off
		}
		if r.off < end {
			k := copy(p[n:], r.data[r.off:end])
			n, r.off = n+k, r.off+k
			continue
		}
		if len(r.runs) == 0 {
			break
		}
		cut := r.data[r.off:r.runs[0].to]
		r.gap = bytes.Repeat([]byte{'\n'}, bytes.Count(cut, []byte{'\n'}))
		for range len(cut) - bytes.LastIndexByte(cut, '\n') - 1 {
			r.gap = append(r.gap, ' ')
		}
		r.off, r.runs = r.runs[0].to, r.runs[1:]
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// The YAML library drops the tag "!". This type finds the nodes with this tag.
type bareTags struct {
	data      []byte
	off       int
	line, col int // the position of data[off]
	steps     int // the number of characters read, for a test
}

func (m *bareTags) mark(n *yaml.Node) {
	if n.Style&^yaml.FlowStyle == 0 && m.seek(n.Line, n.Column) && m.data[m.off] == '!' {
		n.Style |= yaml.TaggedStyle
	}
	for _, c := range n.Content {
		m.mark(c)
	}
}

func (m *bareTags) seek(line, col int) bool {
	if line < m.line || line == m.line && col < m.col {
		return false
	}
	for ; m.line < line; m.line, m.col = m.line+1, 1 {
		i := bytes.IndexByte(m.data[m.off:], '\n')
		if i < 0 {
			return false
		}
		m.off += i + 1
		m.steps++
	}
	for ; m.col < col && m.off < len(m.data) && m.data[m.off] != '\n'; m.col++ {
		_, size := utf8.DecodeRune(m.data[m.off:])
		m.off += size
		m.steps++
	}
	return m.col == col && m.off < len(m.data)
}

var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	yamlParser = regexp.MustCompile(`^(?:did not find expected (?:<|node|key|'-'|',')|found (?:duplicate|incompatible|undefined))`)
	yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

func notYAML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f || 0x80 <= r && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}

func yamlSyntaxError(data []byte, err error) error {
	if m := yamlAnchor.FindStringSubmatch(err.Error()); m != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
		start := bytes.LastIndexByte(before, '\n') + 1
		return &syntaxError{bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1, errAlias}
	}
	line, msg := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		msg = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			if yamlParser.MatchString(msg) {
				line++ // the library counts lines from 0 in these errors
			}
		}
	}
	if strings.Contains(msg, "<document start>") {
		return &syntaxError{line, 1, errTrailing}
	}
	if strings.Contains(msg, "control characters") {
		if at := bytes.IndexFunc(data, notYAML); at >= 0 {
			start := bytes.LastIndexByte(data[:at], '\n') + 1
			return &syntaxError{bytes.Count(data[:at], []byte("\n")) + 1, utf8.RuneCount(data[start:at]) + 1, "is not YAML: " + msg}
		}
	}
	// YAML reads the star of an unquoted *.example.com as an alias.
	if strings.Contains(msg, "alphabetic or numeric character") && bytes.Contains(data, []byte("*.")) {
		msg += `; a target that begins with "*." needs quotes, as in "*.example.com"`
	}
	if strings.Contains(msg, "found unexpected end of stream") {
		msg = "a closing quotation mark is missing"
	}
	return &syntaxError{line, 1, "is not YAML: " + msg}
}
