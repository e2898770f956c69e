package order

import (
	"bytes"
	"fmt"
	"io"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// Encode writes orders in canonical form, and writes the number of orders at the top of the file.
// ext is ".yaml", ".json" or ".jsonl". Parsing the output gives equal orders.
func Encode(w io.Writer, ext string, h Header, orders []*Order) error {
	var c cutter
	if ext == ".jsonl" {
		return encode(w, ext, h, orders)
	}
	short := c.all(orders)
	if len(c.runs) == 0 {
		return encode(w, ext, h, orders)
	}
	var b bytes.Buffer
	if err := encode(&b, ext, h, short); err != nil {
		return err
	}
	text, ok := c.fill(b.Bytes())
	if !ok {
		return encode(w, ext, h, orders)
	}
	_, err := w.Write(text)
	return err
}

// longRun is the smallest number of similar names in a row that Encode writes without YAML nodes. A
// node needs ten times as much memory as the text of a name. Tests change longRun.
var longRun = 8

type cutter struct{ runs [][]Target }

// markEnd is the end of each mark. The text before markEnd is the number of the mark.
const markEnd = ".4d1f6c0b9ae27583.invalid"

func mark(n int) string { return fmt.Sprintf("run-%d%s", n, markEnd) }

func (c *cutter) all(orders []*Order) []*Order {
	out := orders
	for i, o := range orders {
		short := c.cut(o)
		if short == o {
			continue
		}
		if &out[0] == &orders[0] {
			out = append([]*Order{}, orders...)
		}
		out[i] = short
	}
	return out
}

func (c *cutter) cut(o *Order) *Order {
	if len(o.Targets) < longRun {
		return o
	}
	var targets []Target
	cut, copied := 0, 0 // the first "copied" targets are in "targets" or in a run
	for i := 0; i < len(o.Targets); {
		match, end := o.Targets[i].Match, i
		for end < len(o.Targets) && o.Targets[end].Match == match && isPlainName(&o.Targets[end]) {
			end++
		}
		if end-i < longRun {
			i = max(end, i+1)
			continue
		}
		targets = append(targets, o.Targets[copied:i]...)
		for k := range 2 {
			name, err := dname.Parse(mark(2*len(c.runs) + k))
			if err != nil {
				panic(err)
			}
			targets = append(targets, Target{Name: name, Match: match})
		}
		c.runs = append(c.runs, o.Targets[i:end])
		cut += end - i - 2
		i, copied = end, end
	}
	if copied == 0 {
		return o
	}
	short := *o
	short.Targets, short.Plain = append(targets, o.Targets[copied:]...), o.Plain+cut
	return &short
}

func (c *cutter) fill(text []byte) ([]byte, bool) {
	var parts [][]byte // the texts before, between and after the marks
	for n := range 2 * len(c.runs) {
		m := mark(n)
		before, after, ok := bytes.Cut(text, []byte(m))
		if !ok || bytes.Contains(before, []byte(markEnd)) {
			return nil, false
		}
		parts, text = append(parts, before), after
	}
	if bytes.Contains(text, []byte(markEnd)) {
		return nil, false
	}
	size := len(text)
	for n, run := range c.runs {
		size += len(parts[2*n]) + len(run)*len(parts[2*n+1])
		for i := range run {
			size += len(run[i].Name.Wire())
		}
	}
	dst := make([]byte, 0, size)
	for n, run := range c.runs {
		dst = append(dst, parts[2*n]...)
		for i := range run {
			if i > 0 {
				dst = append(dst, parts[2*n+1]...)
			}
			dst = dname.AppendPresentation(dst, run[i].Name.Wire())
			dst = dst[:len(dst)-1] // the last dot
		}
	}
	return append(dst, text...), true
}

func isPlainName(t *Target) bool {
	if t.Kind != TargetName || t.Attr != nil {
		return false
	}
	wire := t.Name.Wire()
	if len(wire) < 2 || wire[1] == '-' {
		return false
	}
	labels, top, letters := 0, "", true
	for i := 0; i < len(wire) && wire[i] != 0; i += 1 + len(top) {
		labels, top, letters = labels+1, wire[i+1:i+1+int(wire[i])], true
		for k := range len(top) {
			switch c := top[k]; {
			case c >= 'a' && c <= 'z':
			case c >= '0' && c <= '9' || c == '-' || c == '_':
				letters = false
			default:
				return false
			}
		}
	}
	// YAML reads a text such as 1.e5 as a number. The last label must therefore have only letters,
	// or begin with "xn--".
	return labels > 1 && len(top) > 1 && (letters || len(top) >= 4 && top[:4] == "xn--")
}
