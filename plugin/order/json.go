package order

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"go.yaml.in/yaml/v3"
)

// parseJSON parses one JSON value (RFC 8259). Unlike encoding/json, it refuses duplicate keys and
// returns positions.
func parseJSON(data []byte, line int) (*yaml.Node, error) {
	return new(jsonReader).read(data, line)
}

// The nodes of the last call become invalid.
func (j *jsonReader) read(data []byte, line int) (*yaml.Node, error) {
	j.reuse()
	return j.next(data, line)
}

// reuse makes the memory of all nodes free again.
func (j *jsonReader) reuse() {
	clear(j.nodes[:j.used])
	j.used, j.usedItems = 0, 0
}

// The nodes of earlier values stay valid.
func (j *jsonReader) next(data []byte, line int) (*yaml.Node, error) {
	*j = jsonReader{data: data, line: line, col: 1, nodes: j.nodes, used: j.used, items: j.items, usedItems: j.usedItems,
		stack: j.stack[:0], words: j.words, runs: j.runs, stop: j.stop, bounded: j.bounded, block: j.block}
	if j.words == nil {
		j.words = new(wordTable)
	}
	n, err := j.value(0)
	if err != nil {
		return nil, err
	}
	if j.space(); j.pos < len(data) {
		return nil, j.fault(j.pos, errTrailing)
	}
	return n, nil
}

type jsonReader struct {
	data            []byte
	pos             int // the offset of the next byte to read
	seen, line, col int
	nodes           []yaml.Node
	used            int
	items           []*yaml.Node
	usedItems       int
	stack           []*yaml.Node
	words           *wordTable
	runs            []run
	run             int
	key             string // the last key
	stop            func() error
	// bounded limits the number of nodes to MaxValues.
	bounded bool
	made    int
	block   int
}

// Offsets must not decrease between calls.
func (j *jsonReader) at(off int) (line, col int) {
	if off <= j.seen {
		return j.line, j.col
	}
	passed := j.data[j.seen:off]
	j.seen = off
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		j.line, j.col = j.line+bytes.Count(passed, []byte{'\n'}), 1
		passed = passed[i+1:]
	}
	j.col += utf8.RuneCount(passed)
	return j.line, j.col
}

func (j *jsonReader) fault(off int, format string, args ...any) error {
	if off >= len(j.data) {
		format, args = "is cut off: the JSON ends too early", nil
	}
	line, col := j.at(min(max(off, j.seen), len(j.data)))
	return &syntaxError{line, col, fmt.Sprintf(format, args...)}
}

func (j *jsonReader) unexpected(want string) error {
	r, _ := utf8.DecodeRune(j.data[j.pos:])
	return j.fault(j.pos, "is not JSON: got %q where %s belongs", r, want)
}

func (j *jsonReader) space() {
	for j.pos < len(j.data) {
		switch j.data[j.pos] {
		case ' ', '\t', '\r', '\n':
			j.pos++
		default:
			return
		}
	}
}

func (j *jsonReader) peek() byte {
	j.space()
	if j.pos < len(j.data) {
		return j.data[j.pos]
	}
	return 0
}

// node returns a new node with the position pos.
func (j *jsonReader) node(kind yaml.Kind, tag string) *yaml.Node {
	if j.used == len(j.nodes) {
		// Callers have pointers into the full block, so allocate a new block.
		j.nodes, j.used = make([]yaml.Node, min(max(16, 2*len(j.nodes)), cmp.Or(j.block, 1024))), 0
	}
	n := &j.nodes[j.used]
	j.used++
	j.made++
	n.Kind, n.Tag = kind, tag
	n.Line, n.Column = j.at(j.pos)
	return n
}

// list copies the items of an object or array.
func (j *jsonReader) list(items []*yaml.Node) []*yaml.Node {
	if len(items) > len(j.items)-j.usedItems {
		j.items, j.usedItems = make([]*yaml.Node, max(len(items), min(max(16, 2*len(j.items)), 1024))), 0
	}
	out := j.items[j.usedItems:][:len(items):len(items)]
	j.usedItems += copy(out, items)
	return out
}

func (j *jsonReader) value(depth int) (*yaml.Node, error) {
	c := j.peek()
	if depth > maxDepth {
		return nil, j.fault(j.pos, "is nested more than %d levels deep", maxDepth)
	}
	switch {
	case c == '{' || c == '[':
		return j.collection(c == '{', depth)
	case c == '"':
		return j.text()
	case c == '-' || digit(c):
		return j.number()
	case c == 't':
		return j.word("true", "!!bool")
	case c == 'f':
		return j.word("false", "!!bool")
	case c == 'n':
		return j.word("null", "!!null")
	}
	return nil, j.unexpected("a value")
}

func (j *jsonReader) collection(object bool, depth int) (*yaml.Node, error) {
	n, end := j.node(yaml.SequenceNode, "!!seq"), byte(']')
	if object {
		n.Kind, n.Tag, end = yaml.MappingNode, "!!map", '}'
	}
	targets, orders := !object && j.key == "targets", !object && j.key == "orders" && depth == 1
	j.key = ""
	j.pos++
	if j.peek() == end {
		j.pos++
		return n, nil
	}
	base, noOrders := len(j.stack), 0
	for {
		if j.made%1024 == 0 && j.stop != nil {
			if err := j.stop(); err != nil {
				return nil, err
			}
		}
		if j.bounded && j.made > MaxValues {
			return nil, j.fault(j.pos, "has more than %d keys, values and list entries besides long lists of plain names; write the orders as JSON Lines, and the names into side lists", MaxValues)
		}
		if object {
			if j.peek() != '"' {
				return nil, j.unexpected("a key")
			}
			key, err := j.text()
			if err != nil {
				return nil, err
			}
			if j.peek() != ':' {
				return nil, j.unexpected(`":"`)
			}
			j.pos++
			j.stack = append(j.stack, key)
			j.key = key.Value
		}
		c, start := j.peek(), j.pos
		v, err := j.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if j.key = ""; orders && c != '{' {
			if noOrders++; noOrders > maxNoOrders {
				return nil, j.fault(start, "orders has more than %d entries that are no mappings", maxNoOrders)
			}
		}
		j.stack = append(j.stack, v)
		if targets {
			j.skipRun(start)
		}
		switch j.peek() {
		case end:
			j.pos++
			n.Content = j.list(j.stack[base:])
			j.stack = j.stack[:base]
			return n, nil
		case ',':
			j.pos++
		default:
			return nil, j.unexpected(`"," or "` + string(end) + `"`)
		}
	}
}

func (j *jsonReader) skipRun(first int) {
	for j.run < len(j.runs) && j.runs[j.run].first.off < first {
		j.run++
	}
	if j.run == len(j.runs) || j.runs[j.run].first.off != first {
		return
	}
	n := j.node(runNode, "!!str")
	n.Line, n.Column = j.runs[j.run].n, j.run
	j.stack = append(j.stack, n)
	j.pos = bytes.LastIndexByte(j.data[:j.runs[j.run].last.off], ',')
}

func (j *jsonReader) word(w, tag string) (*yaml.Node, error) {
	rest := j.data[j.pos:]
	if !bytes.HasPrefix(rest, []byte(w)) {
		if bytes.HasPrefix([]byte(w), rest) { // the text ends inside the word
			return nil, j.fault(len(j.data), "")
		}
		return nil, j.fault(j.pos, "is not JSON: words are true, false and null")
	}
	n := j.node(yaml.ScalarNode, tag)
	n.Value = w
	j.pos += len(w)
	return n, nil
}

func (j *jsonReader) number() (*yaml.Node, error) {
	n := j.node(yaml.ScalarNode, "!!int")
	start := j.pos
	at := func() byte {
		if j.pos < len(j.data) {
			return j.data[j.pos]
		}
		return 0
	}
	digits := func() bool {
		before := j.pos
		for digit(at()) {
			j.pos++
		}
		return j.pos > before
	}
	if at() == '-' {
		j.pos++
	}
	if at() == '0' {
		j.pos++
	} else if !digits() {
		return nil, j.unexpected("a digit")
	}
	if at() == '.' {
		n.Tag = "!!float"
		if j.pos++; !digits() {
			return nil, j.unexpected("a digit")
		}
	}
	if c := at(); c == 'e' || c == 'E' {
		n.Tag = "!!float"
		j.pos++
		if c := at(); c == '+' || c == '-' {
			j.pos++
		}
		if !digits() {
			return nil, j.unexpected("a digit")
		}
	}
	n.Value = string(j.data[start:j.pos])
	return n, nil
}

func (j *jsonReader) text() (*yaml.Node, error) {
	n := j.node(yaml.ScalarNode, "!!str")
	n.Style = yaml.DoubleQuotedStyle
	j.pos++
	start := j.pos
	var out []byte // the decoded text before the index start, if there was an escape
	for j.pos < len(j.data) {
		switch c := j.data[j.pos]; {
		case c == '"':
			if raw := j.data[start:j.pos]; out != nil {
				n.Value = string(append(out, raw...))
			} else {
				n.Value = j.words.string(raw)
			}
			j.pos++
			return n, nil
		case c == '\\':
			out = append(out, j.data[start:j.pos]...)
			var err error
			if out, err = j.escape(out); err != nil {
				return nil, err
			}
			start = j.pos
		case c < ' ':
			return nil, j.fault(j.pos, "is not JSON: a string contains the control character %q; write it as an escape", rune(c))
		default:
			j.pos++
		}
	}
	return nil, j.fault(len(j.data), "")
}

type wordTable [512]string

const maxWord = 32

func (t *wordTable) string(b []byte) string {
	if len(b) > maxWord {
		return string(b)
	}
	w := &t[xxhash.Sum64(b)%uint64(len(t))]
	if *w != string(b) {
		*w = string(b)
	}
	return *w
}

var jsonEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (j *jsonReader) escape(out []byte) ([]byte, error) {
	at := j.pos
	if at+1 >= len(j.data) {
		return nil, j.fault(len(j.data), "")
	}
	if c, ok := jsonEscapes[j.data[at+1]]; ok {
		j.pos += 2
		return append(out, c), nil
	}
	r, err := j.hex4()
	if err != nil {
		return nil, err
	}
	if utf16.IsSurrogate(r) {
		var low rune
		if bytes.HasPrefix(j.data[j.pos:], []byte(`\u`)) {
			if low, err = j.hex4(); err != nil {
				return nil, err
			}
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return nil, j.fault(at, `has a "\u" escape that is half a surrogate pair`)
		}
	}
	return utf8.AppendRune(out, r), nil
}

// hex4 decodes an escape of the form \uXXXX.
func (j *jsonReader) hex4() (rune, error) {
	if j.data[j.pos+1] != 'u' {
		return 0, j.fault(j.pos, "is not JSON: no such escape")
	}
	if j.pos+6 > len(j.data) {
		return 0, j.fault(len(j.data), "")
	}
	digits := j.data[j.pos+2 : j.pos+6]
	v, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0, j.fault(j.pos, `is not JSON: "\u" needs four hexadecimal digits`)
	}
	j.pos += 6
	return rune(v), nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
