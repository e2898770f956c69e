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

	"github.com/dns-orders/blocklist/plugin/pace"
	"go.yaml.in/yaml/v3"
)

// Both YAML and JSON become a yaml.Node tree, which keeps the line and column
// of everything; one decoder reads it from there on.

const errTrailing = "has more bytes behind the end of the document"

// syntaxError is a fault that leaves no tree to look at.
type syntaxError struct {
	line, col int
	msg       string
}

func (e *syntaxError) Error() string { return e.msg }

// parseYAML reads exactly one YAML document and returns its document node.
func parseYAML(data []byte) (doc *yaml.Node, err error) {
	// The library turns its own failures into errors; should a file find one
	// that it does not, a DNS server must refuse the file and live on.
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, &syntaxError{1, 1, fmt.Sprintf("is not YAML: %v", r)}
		}
	}()
	dec := yaml.NewDecoder(&pacedReader{*bytes.NewReader(data)})
	doc = &yaml.Node{}
	if err := dec.Decode(doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &syntaxError{1, 1, `holds no document; to lift everything write "orders: []"`}
		}
		return nil, yamlSyntaxError(data, err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, &syntaxError{second.Line, second.Column, "holds a second document; one file is one document"}
	case !errors.Is(err, io.EOF):
		return nil, yamlSyntaxError(data, err)
	}
	if bytes.IndexByte(data, '!') >= 0 {
		markBareTags(doc.Content[0], bytes.Split(data, []byte("\n")))
	}
	return doc, nil
}

// pacedReader gives way between reads: the library's own loops cannot.
type pacedReader struct{ bytes.Reader }

func (r *pacedReader) Read(p []byte) (int, error) {
	pace.Yield()
	return r.Reader.Read(p)
}

// markBareTags marks the nodes that carry the tag "!" alone, of which the
// library keeps no trace.
func markBareTags(n *yaml.Node, lines [][]byte) {
	if n.Style&^yaml.FlowStyle == 0 && n.Line <= len(lines) {
		line := lines[n.Line-1]
		for range n.Column - 1 {
			_, size := utf8.DecodeRune(line)
			line = line[size:]
		}
		if bytes.HasPrefix(line, []byte("!")) {
			n.Style |= yaml.TaggedStyle
		}
	}
	for _, c := range n.Content {
		markBareTags(c, lines)
	}
}

var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	yamlParser = regexp.MustCompile(`^(?:did not find expected (?:<|node|key|'-'|',')|found (?:duplicate|incompatible|undefined))`)
	yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// notYAML reports whether r may not stand in a YAML file (YAML 1.2, section 5.1).
func notYAML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f || 0x80 <= r && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}

// yamlSyntaxError gives the library's error a place. The library says no
// column, and nothing at all of the first line.
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
				line++ // the library counts the lines of these from 0
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
	// The slip that everybody makes once: YAML takes the star for an alias.
	if strings.Contains(msg, "alphabetic or numeric character") && bytes.Contains(data, []byte("*.")) {
		msg += `; a target that begins with "*." needs quotes, as in "*.example.com"`
	}
	return &syntaxError{line, 1, "is not YAML: " + msg}
}
