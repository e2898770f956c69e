package edit

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
)

// In a JSON Lines file, the first line has the top-level keys. Each other line has one order.

// lined reports whether the file is JSON Lines.
func (t *Text) lined() bool { return order.Ext(t.path) == ".jsonl" }

const (
	open = `{"version": 1, "orders": [`
	shut = `]}`
)

func (t *Text) spans() (out [][2]int) {
	for at := 0; at < len(t.data); {
		end := len(t.data)
		if i := bytes.IndexByte(t.data[at:], '\n'); i >= 0 {
			end = at + i
		}
		if line := bytes.TrimRight(t.data[at:end], "\r"); len(bytes.TrimSpace(line)) > 0 {
			out = append(out, [2]int{at, at + len(line)})
		}
		at = end + 1
	}
	return out
}

func (t *Text) editLine(span [2]int, wrapped bool, change func(line *Text) error) error {
	before, after := "", ""
	if wrapped {
		before, after = open, shut
	}
	line, err := Parse(t.path+".json", []byte(before+string(t.data[span[0]:span[1]])+after))
	if err != nil {
		return err
	}
	if err := change(line); err != nil {
		return fmt.Errorf("%s: the line of the order cannot be edited: %w", t.path, err)
	}
	text := line.data[len(before) : len(line.data)-len(after)]
	t.data = bytes.Join([][]byte{t.data[:span[0]], text, t.data[span[1]:]}, nil)
	return nil
}

// editHeader changes the line with the top-level keys.
func (t *Text) editHeader(change func(line *Text) error) error {
	spans := t.spans()
	if len(spans) == 0 {
		return errors.New("has no first line")
	}
	return t.editLine(spans[0], false, change)
}

func (t *Text) editOrder(id string, change func(line *Text) error) error {
	spans := t.spans()
	for _, s := range spans[min(1, len(spans)):] {
		root, err := parse(t.data[s[0]:s[1]])
		if err != nil {
			return fmt.Errorf("%s: cannot be edited: %w", t.path, err)
		}
		if n := lookup(root, "id"); n != nil && n.Value == id {
			return t.editLine(s, true, change)
		}
	}
	return fmt.Errorf("%s: has no order %q", t.path, id)
}

func (t *Text) addLine(o *order.Order) error {
	zone := ""
	err := t.editHeader(func(line *Text) error {
		zone = zoneOf(line.root)
		return line.setTop("count", len(t.spans()))
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := order.Encode(&b, ".jsonl", order.Header{Serial: -1, ShrinkOK: -1, Timezone: zone}, []*order.Order{o}); err != nil {
		return err
	}
	_, line, _ := bytes.Cut(b.Bytes(), []byte("\n"))
	if t.windows() {
		line = bytes.ReplaceAll(line, []byte("\n"), []byte("\r\n"))
	}
	data := bytes.Clone(t.data)
	if !bytes.HasSuffix(data, []byte("\n")) {
		data = append(data, '\n')
	}
	t.data = append(data, line...)
	return nil
}
