package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Both YAML and JSON become a yaml.Node tree, which keeps the line and column
// of everything; one decoder reads it from there on.

// maxDepth bounds the nesting of JSON; the schema needs six levels.
const maxDepth = 64

// syntaxError is a fault that leaves no tree to look at.
type syntaxError struct {
	line, col int
	msg       string
}

func (e *syntaxError) Error() string { return e.msg }

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:(?:unmarshal errors:\s*)?line (\d+): )?(.*)`)

// parseYAML reads exactly one YAML document.
func parseYAML(data []byte) (_ *yaml.Node, err error) {
	// The library turns its own failures into errors; should a file find one
	// that it does not, a DNS server must refuse the file and live on.
	defer func() {
		if r := recover(); r != nil {
			err = &syntaxError{1, 1, fmt.Sprintf("is not YAML: %v", r)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &syntaxError{1, 1, `holds no document; to lift everything write "orders: []"`}
		}
		return nil, yamlSyntaxError(err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, &syntaxError{second.Line, second.Column, "holds a second document; one file is one document"}
	case !errors.Is(err, io.EOF):
		return nil, yamlSyntaxError(err)
	}
	return doc.Content[0], nil
}

func yamlSyntaxError(err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return &syntaxError{1, 1, "is not YAML: " + err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	return &syntaxError{max(line, 1), 1, "is not YAML: " + m[2]}
}

// parseJSON reads exactly one JSON value; line is the number of its first line.
func parseJSON(data []byte, line int) (*yaml.Node, error) {
	j := &jsonReader{data: data, line: line, dec: json.NewDecoder(bytes.NewReader(data))}
	j.dec.UseNumber()
	n, err := j.value(0)
	if err != nil {
		return nil, err
	}
	end := int(j.dec.InputOffset())
	if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 {
		return nil, j.fault(len(data)-len(rest), "has more bytes behind the end of the document")
	}
	return n, nil
}

type jsonReader struct {
	data []byte
	dec  *json.Decoder
	// pos walks forward through data together with line and lineStart, so that
	// a position costs no rescan.
	line, lineStart, pos int
}

// at returns the line and column (in octets, from 1) of an offset that is not
// before an earlier one.
func (j *jsonReader) at(off int) (line, col int) {
	for ; j.pos < off; j.pos++ {
		if j.data[j.pos] == '\n' {
			j.line++
			j.lineStart = j.pos + 1
		}
	}
	return j.line, off - j.lineStart + 1
}

func (j *jsonReader) fault(off int, msg string) error {
	off = min(max(off, j.pos), len(j.data))
	line, col := j.at(off)
	return &syntaxError{line, col, msg}
}

// token returns the next token and the offset at which it starts.
func (j *jsonReader) token() (json.Token, int, error) {
	start := int(j.dec.InputOffset())
	for start < len(j.data) && strings.IndexByte(" \t\r\n,:", j.data[start]) >= 0 {
		start++
	}
	t, err := j.dec.Token()
	if err == nil {
		return t, start, nil
	}
	var se *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, 0, j.fault(len(j.data), "is cut off: the JSON ends too early")
	case errors.As(err, &se):
		return nil, 0, j.fault(int(se.Offset)-1, "is not JSON: "+se.Error())
	}
	return nil, 0, j.fault(start, "is not JSON: "+err.Error())
}

func (j *jsonReader) value(depth int) (*yaml.Node, error) {
	t, start, err := j.token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, j.fault(start, fmt.Sprintf("is nested more than %d levels deep", maxDepth))
	}
	line, col := j.at(start)
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: line, Column: col}
	switch t := t.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		if t == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		for j.dec.More() {
			if n.Kind == yaml.MappingNode {
				key, err := j.value(depth + 1)
				if err != nil {
					return nil, err
				}
				n.Content = append(n.Content, key)
			}
			v, err := j.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, v)
		}
		if _, _, err := j.token(); err != nil { // the closing bracket
			return nil, err
		}
	case string:
		// The decoder replaces half a surrogate pair silently.
		if strings.ContainsRune(t, utf8.RuneError) && !bytes.Contains(j.data[start:j.dec.InputOffset()], []byte("\uFFFD")) &&
			!bytes.Contains(bytes.ToLower(j.data[start:j.dec.InputOffset()]), []byte(`\ufffd`)) {
			return nil, j.fault(start, `has a "\u" escape that is half a surrogate pair`)
		}
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}
