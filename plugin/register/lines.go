package register

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A lineOutput encodes each order of a JSON Lines file as soon as the order is merged. So the orders
// are not in memory at the same time. An order that did not change keeps its line of the previous
// output.
type lineOutput struct {
	encoder *order.LineEncoder
	lines   []outLine
	chunk   []byte
	text    []byte // the line of the current order

	previous []byte // the previous output from the line "line" on
	line     int
}

// An outLine is the line of an order.
type outLine struct {
	issued order.Time
	text   []byte
}

// id returns the id in a line. An id needs no escapes.
func (l *outLine) id() []byte {
	rest := l.text[len(`{"id":"`):]
	return rest[:bytes.IndexByte(rest, '"')]
}

const chunkSize = 1 << 20

func newLineOutput(timezone string, previous []byte) (*lineOutput, error) {
	encoder, err := order.NewLineEncoder(timezone)
	return &lineOutput{encoder: encoder, previous: previous, line: 1}, err
}

// add encodes an order. The parameter "line" is the number of the order's line in the previous
// output, or 0. The numbers must increase.
func (l *lineOutput) add(o *order.Order, line int) {
	l.text = l.encoder.Append(l.text[:0], o)
	if line > 0 {
		if was := l.previousLine(line); bytes.Equal(was, l.text) {
			l.lines = append(l.lines, outLine{o.Issued, was})
			return
		}
	}
	if len(l.text) > cap(l.chunk)-len(l.chunk) {
		l.chunk = make([]byte, 0, max(chunkSize, len(l.text)))
	}
	from := len(l.chunk)
	l.chunk = append(l.chunk, l.text...)
	l.lines = append(l.lines, outLine{o.Issued, l.chunk[from:len(l.chunk):len(l.chunk)]})
}

func (l *lineOutput) previousLine(line int) []byte {
	for {
		end := bytes.IndexByte(l.previous, '\n') + 1
		if end == 0 {
			end = len(l.previous)
		}
		if l.line == line {
			return l.previous[:end:end]
		}
		l.previous, l.line = l.previous[end:], l.line+1
	}
}

// output returns the sorted lines.
func (l *lineOutput) output(path string, targets int) *output {
	slices.SortFunc(l.lines, func(a, b outLine) int {
		return cmp.Or(cmp.Compare(a.issued, b.issued), bytes.Compare(a.id(), b.id()))
	})
	out := &output{path: path, n: len(l.lines), targets: targets, parts: make([][]byte, len(l.lines))}
	for i := range l.lines {
		out.parts[i] = l.lines[i].text
	}
	return out
}
